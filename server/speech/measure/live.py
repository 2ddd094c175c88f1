"""Files played through a `SpeechService` in real time, as the call's packets would come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from ...model.audio import OpusPacket
from ...model.errors import SpeechUnavailable
from ..port import SpeechEvent, StreamOptions
from ..scoring import Heard
from ..service import SpeechService
from .sound import FRAME, SILENT_PACKET


async def play(
    service: SpeechService,
    tracks: Sequence[list[bytes]],
    options: Sequence[StreamOptions],
    *,
    tail_s: float,
    speed: float = 1.0,
) -> list[Heard]:
    """Play packets of 20 ms, one track and its options each channel, and return what was heard.

    Each packet is due at a time counted from the beginning, so that lateness does not add up. Times: 0 is the
    tracks' beginning. `speed` beyond 1 is for sound without speech only: latencies would mean nothing.
    """
    loop = asyncio.get_running_loop()
    heard = [Heard() for _ in tracks]
    zero_s = loop.time() + 0.1
    channels = [
        service.open(wanted, _taker(into, lambda: (loop.time() - zero_s) * speed))
        for wanted, into in zip(options, heard, strict=True)
    ]
    for number in range(max(len(packets) for packets in tracks) + round(tail_s * 50)):
        arrival_s = (number + 1) * 0.02
        await asyncio.sleep(max(0.0, zero_s + arrival_s / speed - loop.time()))
        for index, channel in enumerate(channels):
            payload = tracks[index][number] if number < len(tracks[index]) else SILENT_PACKET
            timestamp = (number * FRAME) & 0xFFFFFFFF
            channel.push_packet(OpusPacket(index + 1, number & 0xFFFF, timestamp, payload, arrival_s))
    await asyncio.gather(*(channel.close(60.0) for channel in channels))
    return heard


def _taker(into: Heard, now_s: Callable[[], float]) -> Callable[[SpeechEvent], None]:
    return lambda event: into.take(event, now_s())


async def until_ready(service: SpeechService) -> None:
    """Wait until the model is loaded.

    Raises:
        SpeechUnavailable: If it cannot be.
    """
    changed = asyncio.Event()
    unsubscribe = service.subscribe_state(lambda _: changed.set())
    try:
        while service.state.state != "ok":
            if service.state.state == "failing":
                raise SpeechUnavailable(service.state.detail)
            changed.clear()
            await changed.wait()
    finally:
        unsubscribe()


def process_cpu_s(process_id: int | None) -> float:
    """Return the CPU seconds a process has used, from /proc; 0.0 where there is none."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / 100


def process_memory_mb(process_id: int | None) -> float:
    """Return the resident memory of a process in MB, from /proc; 0.0 where there is none."""
    try:
        return int(Path(f"/proc/{process_id}/statm").read_text().split()[1]) * 4096 / 1e6
    except OSError:
        return 0.0
