"""The journal's format: what was received, appended as it came, readable up to the last whole record.

A file is a header and records. Header: magic, u16 version, u16 length, JSON, u32 crc32 of all before it.
Record: u32 crc32 of the rest, u16 length of the body, u8 type, body. Little endian. Times are int64
nanoseconds on the room clock.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from mmap import mmap

from ..model.audio import OpusPacket, SenderReport
from ..model.consultation import Role
from ..model.errors import JournalUnreadable

VERSION = 1
_MAGIC = b"ESCUTAJ\n"
_HEADER = struct.Struct("<8sHH")
RECORD_HEAD = struct.Struct("<IHB")
_PACKET = struct.Struct("<qIIHB")
_PACKET_RECORD = struct.Struct("<HBqIIHB")
_REPORT = struct.Struct("<qIId")
_MARK = struct.Struct("<q")
_LOST = struct.Struct("<Q")
_LONGEST_PAYLOAD = 0xFFFF - _PACKET.size


class RecordType(IntEnum):
    """What a record states."""

    PACKET = 1
    REPORT = 2
    CONNECTION = 3
    """A new RTCPeerConnection begins in this seat."""
    ON = 4
    OFF = 5
    OPENED = 6
    """A recorder opened this journal, for the first time or again."""
    CLOSED = 7
    """The consultation ended at this room time."""
    LOST = 8
    """So many packets could not be kept because the disk was too slow. Has no time."""


@dataclass(frozen=True, slots=True)
class Header:
    """Whose journal this is."""

    consultation_id: str
    opened_at: datetime
    role: Role


@dataclass(frozen=True, slots=True)
class Record:
    """One record: packets have `ssrc`, `sequence_number`, `timestamp` and where the payload lies in the file."""

    type: RecordType
    at_ns: int
    ssrc: int = 0
    sequence_number: int = 0
    timestamp: int = 0
    marker: bool = False
    payload_start: int = 0
    payload_end: int = 0
    ntp_s: float = 0.0
    lost: int = 0


def encode_header(header: Header) -> bytes:
    """Return the bytes a new journal file begins with."""
    text = json.dumps(
        {
            "consultation_id": header.consultation_id,
            "opened_at": header.opened_at.isoformat(),
            "role": header.role.value,
        }
    ).encode()
    head = _HEADER.pack(_MAGIC, VERSION, len(text)) + text
    return head + zlib.crc32(head).to_bytes(4, "little")


def encode_packet(packet: OpusPacket) -> bytes:
    """Return the record of one packet.

    Raises:
        ValueError: If a field is out of its range or the payload is longer than a record can hold.
    """
    payload = packet.payload
    if len(payload) > _LONGEST_PAYLOAD:
        raise ValueError(f"payload of {len(payload)} bytes does not fit a record")
    try:
        rest = _PACKET_RECORD.pack(
            _PACKET.size + len(payload),
            RecordType.PACKET,
            round(packet.arrival_s * 1e9),
            packet.ssrc,
            packet.timestamp,
            packet.sequence_number,
            packet.marker,
        )
    except (struct.error, OverflowError) as error:
        raise ValueError(f"packet does not fit a record: {error}") from error
    rest += payload
    return zlib.crc32(rest).to_bytes(4, "little") + rest


def encode_report(report: SenderReport) -> bytes:
    """Return the record of one sender report.

    Raises:
        ValueError: If a field is out of its range.
    """
    try:
        body = _REPORT.pack(_ns(report.arrival_s), report.ssrc, report.timestamp, report.ntp_s)
    except struct.error as error:
        raise ValueError(f"sender report does not fit a record: {error}") from error
    return _record(RecordType.REPORT, body)


def encode_mark(kind: RecordType, at_s: float) -> bytes:
    """Return the record of something that only has a time."""
    return _record(kind, _MARK.pack(_ns(at_s)))


def encode_lost(packets: int) -> bytes:
    """Return the record that states how many packets were not kept before it."""
    return _record(RecordType.LOST, _LOST.pack(packets))


def whole_records(records: bytes | bytearray, length: int) -> int:
    """Return how many of the first `length` bytes of back-to-back records belong to whole ones."""
    whole = 0
    while whole + RECORD_HEAD.size <= length:
        end = whole + RECORD_HEAD.size + RECORD_HEAD.unpack_from(records, whole)[1]
        if end > length:
            break
        whole = end
    return whole


def _ns(seconds: float) -> int:
    try:
        return round(seconds * 1e9)
    except OverflowError as error:
        raise ValueError(f"{seconds} is no room time") from error


def _record(kind: RecordType, body: bytes) -> bytes:
    rest = len(body).to_bytes(2, "little") + kind.to_bytes(1, "little") + body
    return zlib.crc32(rest).to_bytes(4, "little") + rest


def decode_header(data: mmap, name: str) -> tuple[Header, int]:
    """Return a journal's header and where its records begin.

    Raises:
        JournalUnreadable: If it is cut, damaged, or of another version.
    """
    try:
        magic, version, length = _HEADER.unpack_from(data, 0)
        end = _HEADER.size + length
        if magic != _MAGIC:
            raise JournalUnreadable(f"{name} is not a journal: it does not begin as one.")
        if version != VERSION:
            raise JournalUnreadable(f"{name} is a journal of version {version}; this server reads version {VERSION}.")
        if zlib.crc32(data[:end]) != int.from_bytes(data[end : end + 4], "little") or len(data) < end + 4:
            raise JournalUnreadable(f"{name} has a damaged header.")
        fields = json.loads(data[_HEADER.size : end])
        opened_at = datetime.fromisoformat(fields["opened_at"])
        return Header(fields["consultation_id"], opened_at, Role(fields["role"])), end + 4
    except (struct.error, ValueError, KeyError) as error:
        raise JournalUnreadable(f"{name} has a damaged header.") from error


def decode(kind: int, data: mmap, start: int, end: int) -> Record | None:
    """Return the record, or None if it is of a kind (or length) this version does not know."""
    try:
        if kind == RecordType.PACKET:
            at_ns, ssrc, timestamp, number, flags = _PACKET.unpack_from(data, start)
            begin = start + _PACKET.size
            return Record(RecordType.PACKET, at_ns, ssrc, number, timestamp, bool(flags & 1), begin, end)
        if kind == RecordType.REPORT:
            at_ns, ssrc, timestamp, ntp_s = _REPORT.unpack_from(data, start)
            return Record(RecordType.REPORT, at_ns, ssrc, timestamp=timestamp, ntp_s=ntp_s)
        if kind == RecordType.LOST:
            return Record(RecordType.LOST, 0, lost=_LOST.unpack_from(data, start)[0])
        return Record(RecordType(kind), _MARK.unpack_from(data, start)[0])
    except (struct.error, ValueError):
        return None
