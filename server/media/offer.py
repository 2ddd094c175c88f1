"""Reading a browser's offer without trusting it, and reducing it to the lines an answer depends on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from ..model.errors import InvalidOffer
from .description import (
    ABS_SEND_TIME,
    AUDIO_LEVEL,
    MID,
    Kind,
    attributes,
    format_parameters,
    media_sections,
    read_ssrcs,
)

MAX_CHARACTERS = 65_536
CODECS: dict[Kind, tuple[str, ...]] = {
    "audio": ("opus/48000/2",),
    "video": ("vp8/90000", "h264/90000", "rtx/90000"),
}
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
FINGERPRINT_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
MEDIA = re.compile(r"m=(audio|video) ([0-9]{1,5}) UDP/TLS/RTP/SAVPF?((?: [0-9]{1,3}){1,128})")
RTPMAP = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9-]{1,32}/[0-9]{1,6}(?:/[0-9])?)")
TOKEN = re.compile(r"[A-Za-z0-9_.+-]{1,16}")
EXTENSION = re.compile(r"([0-9]{1,2})(?:/[a-z]+)? (\S{1,200})")


@dataclass(frozen=True, slots=True)
class OfferedLine:
    """What an offered media line says of the browser's own streams."""

    kind: Kind
    mid: str
    ssrcs: tuple[int, ...]
    rtx_ssrcs: dict[int, int]


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer fit to be answered: `text` holds only known attributes, and no candidates.

    The browser is learned as peer-reflexive: its candidates are not needed, its mDNS names cannot be resolved.
    """

    text: str
    lines: tuple[OfferedLine, ...]
    ice_username: str
    fingerprints: frozenset[str]


def read_offer(sdp: str) -> Offer:
    """Check an offer and reduce it.

    Raises:
        InvalidOffer: With one sentence that says what cannot be used.
    """
    if len(sdp) > MAX_CHARACTERS:
        raise InvalidOffer(f"The SDP offer has more than {MAX_CHARACTERS} characters; send the browser's own offer.")
    if not sdp.startswith("v=0"):
        raise InvalidOffer("The SDP offer does not begin with v=0; send the browser's offer unchanged.")
    if not all(" " <= character <= "~" or character in "\r\n" for character in sdp):
        raise InvalidOffer(
            "The SDP offer holds characters that SDP does not allow; send the browser's offer unchanged."
        )
    session, sections = media_sections(sdp)
    if not 1 <= len(sections) <= 2:
        raise InvalidOffer(f"The SDP offer has {len(sections)} media lines; offer one audio and one video line.")
    reduced = [_Reader(session, section) for section in sections]
    lines = tuple(reader.line for reader in reduced)
    if len({line.kind for line in lines}) < len(lines) or len({line.mid for line in lines}) < len(lines):
        raise InvalidOffer("The SDP offer has two lines of one kind or one mid; offer one audio and one video line.")
    text = "\r\n".join(
        ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", f"a=group:BUNDLE {_bundle(session, lines)}"]
        + [kept for reader in reduced for kept in reader.reduced()]
    )
    fingerprints = frozenset(print_ for reader in reduced for print_ in reader.fingerprints())
    return Offer(text + "\r\n", lines, reduced[0].ice_username(), fingerprints)


def _bundle(session: list[str], lines: tuple[OfferedLine, ...]) -> str:
    """Return the bundled mids, the one whose transport all share first."""
    offered = [line.mid for line in lines]
    for group in attributes(session, "group"):
        semantics, *mids = group.split()
        if semantics == "BUNDLE" and sorted(mids) == sorted(offered):
            return " ".join(mids)
    if len(offered) == 1:
        return offered[0]
    raise InvalidOffer("The SDP offer does not bundle its media lines; set bundlePolicy to max-bundle.")


class _Reader:
    """One media section; attributes missing in it are taken from the session."""

    def __init__(self, session: list[str], section: list[str]) -> None:
        matched = MEDIA.fullmatch(section[0].strip())
        if matched is None:
            raise InvalidOffer("A media line is not audio or video over DTLS-SRTP; offer one audio and one video line.")
        self._kind = cast(Kind, matched[1])
        # RFC 8843: a line that only lives in the bundle is offered with port 0 too, as Firefox does for video.
        if matched[2] == "0" and "a=bundle-only" not in (line.strip() for line in section):
            raise InvalidOffer(f"The {self._kind} line is rejected (port 0) already; offer it with another port.")
        self._formats = [int(number) for number in matched[3].split()]
        self._section = section
        self._session = session
        mid = self._value("mid")
        if not TOKEN.fullmatch(mid):
            raise InvalidOffer(f"The {self._kind} line has no usable mid; send the browser's offer unchanged.")
        ssrcs, rtx_ssrcs = read_ssrcs(section)
        self.line = OfferedLine(self._kind, mid, ssrcs, rtx_ssrcs)

    def reduced(self) -> list[str]:
        """Return the lines worth keeping."""
        codecs = self._codecs()
        kept = [f"m={self._kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, codecs))}", f"a=mid:{self.line.mid}"]
        kept += [f"a={self._direction()}", "a=rtcp:9 IN IP4 0.0.0.0", "a=rtcp-mux"]
        if "a=rtcp-mux" not in (line.strip() for line in self._section):
            raise InvalidOffer(f"The {self._kind} line does not multiplex RTCP; offer it with rtcp-mux.")
        kept += [f"a=ice-ufrag:{self.ice_username()}", f"a=ice-pwd:{self._ice_password()}"]
        kept += [f"a=fingerprint:{fingerprint}" for fingerprint in sorted(self.fingerprints())]
        kept += [f"a=setup:{self._setup()}", *self._extensions()]
        parameters = format_parameters(self._section)
        for payload_type, encoding in codecs.items():
            kept.append(f"a=rtpmap:{payload_type} {encoding}")
            chosen = ";".join(f"{key}={value}" for key, value in parameters.get(payload_type, {}).items() if value)
            if chosen and self._kind == "video":
                kept.append(f"a=fmtp:{payload_type} {chosen}")
        return kept + self._feedback(codecs)

    def ice_username(self) -> str:
        """Return the browser's ICE user name fragment."""
        return self._ice_value("ice-ufrag", 4)

    def fingerprints(self) -> set[str]:
        """Return the certificate fingerprints that can be checked."""
        lines = list(attributes(self._section, "fingerprint")) or list(attributes(self._session, "fingerprint"))
        usable = set()
        for line in lines[:8]:
            algorithm, _, digest = line.partition(" ")
            length = FINGERPRINT_BYTES.get(algorithm.lower(), 0)
            if length and re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*", digest) and len(digest) == 3 * length - 1:
                usable.add(f"{algorithm.lower()} {digest.upper()}")
        if not usable:
            raise InvalidOffer(
                f"The {self._kind} line has no SHA-256, SHA-384 or SHA-512 fingerprint; offer DTLS-SRTP."
            )
        return usable

    def _value(self, name: str) -> str:
        inherited = next(attributes(self._session, name), "")
        return next(attributes(self._section, name), inherited)

    def _ice_value(self, name: str, least: int) -> str:
        value = self._value(name)
        if not least <= len(value) <= 256 or not re.fullmatch(r"[!-~]+", value):
            raise InvalidOffer(f"The {self._kind} line has no usable {name}; send the browser's offer unchanged.")
        return value

    def _ice_password(self) -> str:
        return self._ice_value("ice-pwd", 22)

    def _setup(self) -> str:
        setup = self._value("setup")
        if setup not in ("actpass", "active", "passive"):
            raise InvalidOffer(f"The {self._kind} line has no usable setup attribute; offer setup:actpass.")
        return setup

    def _direction(self) -> str:
        lines = {line.strip()[2:] for line in self._section}
        return next((direction for direction in DIRECTIONS if direction in lines), "sendrecv")

    def _codecs(self) -> dict[int, str]:
        """Return the encodings that can be forwarded, by payload type, RTX only of those."""
        encodings = (RTPMAP.fullmatch(value) for value in attributes(self._section, "rtpmap"))
        offered = {int(matched[1]): matched[2] for matched in encodings if matched}
        known = [number for number in self._formats if offered.get(number, "").lower() in CODECS[self._kind]]
        dynamic = [number for number in dict.fromkeys(known) if 96 <= number <= 127]  # aiortc renumbers others
        media = {number: offered[number] for number in dynamic if not offered[number].lower().startswith("rtx")}
        if not media:
            wanted = "Opus" if self._kind == "audio" else "VP8 or H.264"
            raise InvalidOffer(f"The {self._kind} line offers no {wanted}; offer a codec that can be passed on.")
        parameters = format_parameters(self._section)
        repeats = {number: parameters.get(number, {}).get("apt", "") for number in dynamic if number not in media}
        media_types = {str(number) for number in media}
        return media | {number: offered[number] for number, apt in repeats.items() if apt in media_types}

    def _extensions(self) -> list[str]:
        found: dict[str, int] = {}
        for value in attributes(self._section, "extmap"):
            matched = EXTENSION.fullmatch(value)
            if matched and matched[2] in (MID, AUDIO_LEVEL, ABS_SEND_TIME) and 1 <= int(matched[1]) <= 14:
                found.setdefault(matched[2], int(matched[1]))
        return [f"a=extmap:{identifier} {uri}" for uri, identifier in found.items()]

    def _feedback(self, codecs: dict[int, str]) -> list[str]:
        wanted = {f"{number} {kind}" for number in codecs for kind in ("nack", "nack pli", "goog-remb")}
        return [f"a=rtcp-fb:{value}" for value in sorted(set(attributes(self._section, "rtcp-fb")) & wanted)]
