"""What an SDP media line agrees on, as forwarding needs it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

Kind = Literal["audio", "video"]
CLOCK_HZ: Mapping[Kind, int] = {"audio": 48_000, "video": 90_000}

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"

MAX_SSRCS = 8
START_KBPS = 800


@dataclass(frozen=True, slots=True)
class MediaLine:
    """One m= line. `codecs`: payload type to codec name; `rtx`: RTX payload type to the one it repeats.

    `sending`: whoever wrote the line may send on it.
    """

    kind: Kind
    mid: str
    codecs: Mapping[int, str]
    rtx: Mapping[int, int] = field(default_factory=dict)
    extensions: Mapping[int, str] = field(default_factory=dict)
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)
    cname: str = ""
    sending: bool = True

    def payload_type(self, codec: str) -> int | None:
        """Return the payload type of `codec` here; H.264 of another profile serves when its own is missing."""
        nearest = None
        for payload_type, name in self.codecs.items():
            if name == codec:
                return payload_type
            if name.startswith("H264") and name.rpartition("/")[0] == codec.rpartition("/")[0]:
                nearest = payload_type
        return nearest

    def rtx_payload_type(self, payload_type: int) -> int | None:
        """Return the RTX payload type that repeats `payload_type`."""
        return next((rtx for rtx, apt in self.rtx.items() if apt == payload_type), None)


def media_sections(text: str) -> tuple[list[str], list[list[str]]]:
    """Split SDP into the session's lines and each media section's; only CR LF or LF end a line."""
    session: list[str] = []
    sections: list[list[str]] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            sections.append([line])
        elif line:
            (sections[-1] if sections else session).append(line)
    return session, sections


def attributes(lines: Iterable[str], name: str) -> Iterator[str]:
    """Yield the values of every `a=name:value` line."""
    prefix = f"a={name}:"
    return (line[len(prefix) :].strip() for line in lines if line.startswith(prefix))


def codec_name(name: str, parameters: Mapping[str, str]) -> str:
    """Return what two legs must agree on to pass a payload unchanged: `opus`, `VP8`, `H264/<mode>/<profile>`."""
    if name.upper() != "H264":
        return "VP8" if name.upper() == "VP8" else name.lower()
    mode = parameters.get("packetization-mode", "0")
    return f"H264/{mode}/{parameters.get('profile-level-id', '42e01f')[:4].lower()}"


def format_parameters(lines: Iterable[str]) -> dict[int, dict[str, str]]:
    """Return the fmtp parameters by payload type; what is not `number key=value;…` is left out."""
    found: dict[int, dict[str, str]] = {}
    for value in attributes(lines, "fmtp"):
        number, _, rest = value.partition(" ")
        if number.isdecimal() and len(number) <= 3:
            pairs = (pair.strip().partition("=") for pair in rest.split(";"))
            found[int(number)] = {key: content for key, _, content in pairs if key}
    return found


def read_ssrcs(lines: list[str]) -> tuple[tuple[int, ...], dict[int, int]]:
    """Return the SSRCs of media, and those of RTX with the one each repeats; at most `MAX_SSRCS`."""
    seen: dict[int, None] = {}
    for value in attributes(lines, "ssrc"):
        matched = re.match(r"([0-9]{1,10})(?: |$)", value)
        if matched and int(matched[1]) < 1 << 32 and len(seen) < MAX_SSRCS:
            seen[int(matched[1])] = None
    rtx: dict[int, int] = {}
    for value in attributes(lines, "ssrc-group"):
        matched = re.fullmatch(r"FID ([0-9]{1,10}) ([0-9]{1,10})", value)
        if matched and int(matched[2]) in seen:
            rtx[int(matched[2])] = int(matched[1])
    return tuple(ssrc for ssrc in seen if ssrc not in rtx), rtx


def read_answer(text: str) -> tuple[MediaLine, ...]:
    """Read the media lines of an answer we wrote ourselves."""
    return tuple(_read_line(section) for section in media_sections(text)[1])


def _read_line(section: list[str]) -> MediaLine:
    parameters = format_parameters(section)
    codecs: dict[int, str] = {}
    rtx: dict[int, int] = {}
    for value in attributes(section, "rtpmap"):
        number, _, encoding = value.partition(" ")
        payload_type, name = int(number), encoding.partition("/")[0]
        if name.lower() == "rtx":
            rtx[payload_type] = int(parameters[payload_type]["apt"])
        else:
            codecs[payload_type] = codec_name(name, parameters.get(payload_type, {}))
    extensions = (value.split(" ") for value in attributes(section, "extmap"))
    ssrcs, rtx_ssrcs = read_ssrcs(section)
    return MediaLine(
        kind=cast(Kind, section[0][2:7]),
        mid=next(attributes(section, "mid")),
        codecs=codecs,
        rtx=rtx,
        extensions={int(identifier): uri for identifier, uri in extensions},
        ssrcs=ssrcs,
        rtx_ssrcs=rtx_ssrcs,
        cname=next((value.partition("cname:")[2] for value in attributes(section, "ssrc") if "cname:" in value), ""),
        sending="a=sendrecv" in section or "a=sendonly" in section,
    )


def with_codec_parameters(text: str) -> str:
    """Ask the browser, in an answer without such parameters yet, for Opus with in-band error correction, and for
    video that begins at `START_KBPS`: Chromium's own 300 kbit/s grow by 8 % a second at most, as REMB allows.
    """
    text = re.sub(r"(a=rtpmap:([0-9]+) VP8/90000\r\n)", rf"\1a=fmtp:\2 x-google-start-bitrate={START_KBPS}\r\n", text)
    return re.sub(r"(a=rtpmap:([0-9]+) opus/48000/2\r\n)", r"\1a=fmtp:\2 minptime=10;useinbandfec=1\r\n", text)
