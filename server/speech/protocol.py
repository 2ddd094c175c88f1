"""What travels between the server and its speech process: frames of length, kind and body.

To the process: JSON commands and Opus packets. From it: JSON only.
"""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import asdict
from enum import IntEnum
from typing import Any

from ..model.audio import OpusPacket
from ..model.transcript import Word
from .port import Final, Gap, Interim, OpenUtterance, ServiceChanged, SpeechEvent, StateChanged, StreamOptions

_HEAD = struct.Struct("<IB")
_PACKET = struct.Struct("<IIHId?")
MOST_BYTES = 1 << 20


class Kind(IntEnum):
    """What a frame's body is."""

    JSON = 1
    PACKET = 2


def encode_json(message: dict[str, Any]) -> bytes:
    """Return `message` as a frame."""
    body = json.dumps(message, ensure_ascii=False).encode()
    return _HEAD.pack(len(body), Kind.JSON) + body


def encode_packet(channel: int, packet: OpusPacket) -> bytes:
    """Return an Opus packet of `channel` as a frame."""
    head = _PACKET.pack(
        channel,
        packet.ssrc & 0xFFFFFFFF,
        packet.sequence_number & 0xFFFF,
        packet.timestamp & 0xFFFFFFFF,
        packet.arrival_s,
        packet.marker,
    )
    return _HEAD.pack(len(head) + len(packet.payload), Kind.PACKET) + head + packet.payload


def decode_packet(body: bytes) -> tuple[int, OpusPacket]:
    """Return the channel and packet of a PACKET frame's body."""
    channel, ssrc, number, timestamp, arrival_s, marker = _PACKET.unpack_from(body)
    return channel, OpusPacket(ssrc, number, timestamp, body[_PACKET.size :], arrival_s, marker)


async def read_frame(reader: asyncio.StreamReader) -> tuple[Kind, bytes] | None:
    """Return the next frame's kind and body, or None at the end of the stream.

    Raises:
        ValueError: If the other side does not speak this protocol.
    """
    try:
        length, kind = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        if length > MOST_BYTES:
            raise ValueError(f"a frame of {length} bytes is longer than {MOST_BYTES}")
        return Kind(kind), await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def options_from_dict(options: dict[str, Any]) -> StreamOptions:
    """Return the options that came as JSON values."""
    resume = tuple(OpenUtterance(**one) for one in options.get("resume", ()))
    return StreamOptions(**{**options, "resume": resume})


def event_to_dict(event: SpeechEvent) -> dict[str, Any]:
    """Return an event of a stream as JSON values."""
    match event:
        case Final():
            words = [word.model_dump() for word in event.words]
            fields = {
                name: getattr(event, name)
                for name in ("utterance_id", "start_s", "end_s", "text", "language", "provider")
            }
            return {"type": "final", **fields, "words": words}
        case Interim():
            return {"type": "interim", **asdict(event)}
        case Gap():
            return {"type": "gap", **asdict(event)}
        case StateChanged():
            return {"type": "state", **asdict(event)}
        case ServiceChanged():
            return {"type": "service", **asdict(event)}


def event_from_dict(message: dict[str, Any]) -> SpeechEvent:
    """Return the event that `event_to_dict` made `message` of.

    Raises:
        ValueError: If it is none.
    """
    fields = {name: value for name, value in message.items() if name != "type"}
    match message.get("type"):
        case "final":
            return Final(**{**fields, "words": tuple(Word(**word) for word in fields["words"])})
        case "interim":
            return Interim(**fields)
        case "gap":
            return Gap(**fields)
        case "state":
            return StateChanged(**fields)
        case "service":
            return ServiceChanged(**fields)
        case other:
            raise ValueError(f"no event is called {other!r}")
