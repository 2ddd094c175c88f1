"""A long call: whether the speech process grows with what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ...settings import Settings
from ..port import StreamOptions
from ..service import SpeechService
from . import sound
from .live import play, process_memory_mb, until_ready
from .pieces import Piece

_EVERY_S = 2.0
_SETTLED_AFTER = 1 / 6


async def run_long(settings: Settings, pieces: Sequence[Piece], minutes: float, speed: float) -> dict[str, Any]:
    """Play the dialogues among `pieces` over and over as one call; return memory after a sixth of it and at its end.

    `speed` beyond 1 shortens the run: interims are rarer then, finals the same.

    Raises:
        SpeechUnavailable: If the model cannot be loaded.
    """
    service = SpeechService(settings)
    await service.start()
    try:
        await until_ready(service)
        return await _play_long(service, pieces, minutes, speed)
    finally:
        await service.aclose()


async def _play_long(service: SpeechService, pieces: Sequence[Piece], minutes: float, speed: float) -> dict[str, Any]:
    dialogues = [piece for piece in pieces if len(piece.sounds) > 1] or list(pieces)
    tracks = await asyncio.to_thread(_long_tracks, dialogues, round(minutes * 60 * 50))
    channels = len(tracks)
    memory: list[float] = []
    watching = asyncio.get_running_loop().create_task(_watch(service, memory))
    options = StreamOptions(language=dialogues[0].language, room="endurance")
    try:
        heard = await play(service, tracks, [options] * channels, tail_s=2.0, speed=speed)
    finally:
        watching.cancel()
    settled = memory[int(len(memory) * _SETTLED_AFTER) :] or [0.0]
    return {
        "minutes": minutes,
        "speed": speed,
        "channels": channels,
        "finals": sum(len(one.finals) for one in heard),
        "gaps": sum(len(one.gaps) for one in heard),
        "memory_mb": {
            "settled": round(settled[0], 1),
            "end": round(settled[-1], 1),
            "most": round(max(settled), 1),
            "growth_percent": round(100 * (settled[-1] / settled[0] - 1), 1) if settled[0] else None,
        },
    }


def _long_tracks(pieces: Sequence[Piece], packets: int) -> list[list[bytes]]:
    """Return a track of so many packets of 20 ms for each channel: the pieces one after the other, again and again."""
    encoded = [[sound.opus_packets(channel) for channel in piece.sounds.values()] for piece in pieces]
    tracks: list[list[bytes]] = [[] for _ in range(max(len(piece) for piece in encoded))]
    while len(tracks[0]) < packets:
        for piece in encoded:
            longest = max(len(own) for own in piece)
            for number, track in enumerate(tracks):
                own = piece[number] if number < len(piece) else []
                track += own + [sound.SILENT_PACKET] * (longest - len(own))
    return [track[:packets] for track in tracks]


async def _watch(service: SpeechService, memory: list[float]) -> None:
    while True:
        memory.append(process_memory_mb(service.process_id))
        await asyncio.sleep(_EVERY_S)
