"""RTCP messages we act on: reading compounds and writing our own (RFC 3550, 4585, 5104, and REMB)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .rtp import Malformed

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE = 200, 201, 202, 203
TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK = 205, 206
NACK_FORMAT, PLI_FORMAT, FIR_FORMAT, APPLICATION_FORMAT = 1, 1, 4, 15
BLOCK = struct.Struct("!LLLLLL")
MAX_MESSAGES = 64
MAX_NACKED = 1024


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How one stream arrives at the reporter; `lost` packs fraction (8 bit) and cumulative loss (24 bit)."""

    ssrc: int
    lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int

    def write(self) -> bytes:
        """Return the 24 bytes of the block."""
        return BLOCK.pack(
            self.ssrc, self.lost, self.highest_sequence, self.jitter, self.last_sr, self.delay_since_last_sr
        )


@dataclass(frozen=True, slots=True)
class SenderInfo:
    """An SR without its blocks; `ntp` is 64 bit fixed point since 1900."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Reports:
    """The report blocks of an SR or RR."""

    ssrc: int
    blocks: tuple[ReportBlock, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """These packets of `ssrc` are missing."""

    ssrc: int
    sequence_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyFrameRequest:
    """A PLI or FIR for `ssrc`."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class MaximumBitrate:
    """A REMB: all `ssrcs` together should not exceed `mantissa` * 2^`exponent` bits per second."""

    exponent: int
    mantissa: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    """These streams ended."""

    ssrcs: tuple[int, ...]


Message = SenderInfo | Reports | Nack | KeyFrameRequest | MaximumBitrate | Goodbye


def parse_rtcp(data: bytes) -> list[Message]:
    """Read a compound; messages of other kinds are left out.

    Raises:
        Malformed: If a length in it does not fit, or it holds unreasonably much.
    """
    messages: list[Message] = []
    position = 0
    while position < len(data):
        if len(data) < position + 4:
            raise Malformed("RTCP message cut off")
        first, packet_type, words = struct.unpack_from("!BBH", data, position)
        end = position + 4 + 4 * words
        if first >> 6 != 2 or len(data) < end:
            raise Malformed("RTCP message cut off or of another version")
        body = data[position + 4 : end]
        if first & 0x20:
            if not body or not 0 < body[-1] <= len(body):
                raise Malformed("RTCP padding longer than its message")
            body = body[: -body[-1]]
        try:
            messages += _read(packet_type, first & 0x1F, body)
        except struct.error as error:
            raise Malformed("RTCP message shorter than its fields") from error
        if len(messages) > MAX_MESSAGES:
            raise Malformed("too many RTCP messages in one datagram")
        position = end
    return messages


def _read(packet_type: int, count: int, body: bytes) -> list[Message]:
    if packet_type == SENDER_REPORT:
        return [SenderInfo(*struct.unpack_from("!LQLLL", body)), *_read_blocks(body, 24, count)]
    if packet_type == RECEIVER_REPORT:
        return _read_blocks(body, 4, count)
    if packet_type == GOODBYE:
        return [Goodbye(struct.unpack_from(f"!{count}L", body))]
    if packet_type == TRANSPORT_FEEDBACK and count == NACK_FORMAT:
        return [_read_nack(body)]
    if packet_type == PAYLOAD_FEEDBACK:
        return _read_payload_feedback(count, body)
    return []


def _read_blocks(body: bytes, offset: int, count: int) -> list[Message]:
    (ssrc,) = struct.unpack_from("!L", body)
    blocks = tuple(ReportBlock(*BLOCK.unpack_from(body, offset + BLOCK.size * i)) for i in range(count))
    return [Reports(ssrc, blocks)] if blocks else []


def _read_nack(body: bytes) -> Nack:
    _, ssrc = struct.unpack_from("!LL", body)
    missing: list[int] = []
    for position in range(8, len(body), 4):
        first, following = struct.unpack_from("!HH", body, position)
        missing.append(first)
        missing += [(first + 1 + bit) & 0xFFFF for bit in range(16) if following >> bit & 1]
        if len(missing) > MAX_NACKED:
            raise Malformed("NACK for unreasonably many packets")
    return Nack(ssrc, tuple(missing))


def _read_payload_feedback(count: int, body: bytes) -> list[Message]:
    _, ssrc = struct.unpack_from("!LL", body)
    if count == PLI_FORMAT:
        return [KeyFrameRequest(ssrc)]
    if count == FIR_FORMAT:
        entries = {struct.unpack_from("!L", body, position)[0] for position in range(8, len(body), 8)}
        return [KeyFrameRequest(entry) for entry in sorted(entries)]
    if count == APPLICATION_FORMAT and body[8:12] == b"REMB":
        streams, high, low = struct.unpack_from("!BBH", body, 12)
        return [MaximumBitrate(high >> 2, (high & 3) << 16 | low, struct.unpack_from(f"!{streams}L", body, 16))]
    return []


def _write(packet_type: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, packet_type, len(body) // 4) + body


def write_receiver_report(ssrc: int, blocks: tuple[ReportBlock, ...]) -> bytes:
    """Return an RR of at most 31 blocks."""
    return _write(RECEIVER_REPORT, len(blocks), struct.pack("!L", ssrc) + b"".join(block.write() for block in blocks))


def write_sender_report(info: SenderInfo, cname: str) -> bytes:
    """Return an SR with the source description that a compound must hold (RFC 3550 section 6.1)."""
    sender = struct.pack(
        "!LQLLL", info.ssrc, info.ntp, info.timestamp, info.packets & 0xFFFFFFFF, info.octets & 0xFFFFFFFF
    )
    name = cname.encode()[:255]
    chunk = struct.pack("!LBB", info.ssrc, 1, len(name)) + name
    chunk += bytes(4 - len(chunk) % 4)
    return _write(SENDER_REPORT, 0, sender) + _write(SOURCE_DESCRIPTION, 1, chunk)


def write_pli(sender_ssrc: int, media_ssrc: int) -> bytes:
    """Return a Picture Loss Indication."""
    return _write(PAYLOAD_FEEDBACK, PLI_FORMAT, struct.pack("!LL", sender_ssrc, media_ssrc))


def write_nack(sender_ssrc: int, media_ssrc: int, sequence_numbers: tuple[int, ...]) -> bytes:
    """Return a generic NACK for packets in rising order (modulo 2^16)."""
    entries: list[tuple[int, int]] = []
    for number in sequence_numbers:
        after = (number - entries[-1][0] - 1) & 0xFFFF if entries else 16
        if after < 16:
            entries[-1] = (entries[-1][0], entries[-1][1] | 1 << after)
        elif not entries or number != entries[-1][0]:
            entries.append((number, 0))
    body = struct.pack("!LL", sender_ssrc, media_ssrc) + b"".join(struct.pack("!HH", *entry) for entry in entries)
    return _write(TRANSPORT_FEEDBACK, NACK_FORMAT, body)


def write_remb(sender_ssrc: int, remb: MaximumBitrate) -> bytes:
    """Return a REMB; the bit rate is passed on exactly as it was sent."""
    head = struct.pack("!LL4sBB", sender_ssrc, 0, b"REMB", len(remb.ssrcs), remb.exponent << 2 | remb.mantissa >> 16)
    body = head + struct.pack(f"!H{len(remb.ssrcs)}L", remb.mantissa & 0xFFFF, *remb.ssrcs)
    return _write(PAYLOAD_FEEDBACK, APPLICATION_FORMAT, body)
