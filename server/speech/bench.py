"""How good and how fast captions are: files played in real time through a `SpeechService`, scored."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from ..logs import configure_logs
from ..model.audio import OPUS_CLOCK_HZ, OpusPacket
from ..model.errors import SpeechUnavailable
from ..settings import load_settings
from .port import SpeechEvent, StreamOptions
from .scoring import Heard, read_turns, score
from .service import SpeechService

_FRAME = 960
_LEAD_S = 0.6


def opus_packets(path: Path) -> list[bytes]:
    """Return a file's sound as Opus packets of 20 ms, as a browser would send them."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = OPUS_CLOCK_HZ, "mono", "s16", 32_000
    encoder.options = {"application": "voip", "frame_duration": "20"}
    sound = np.concatenate(list(_sound(path)))
    sound = np.pad(sound, (0, -len(sound) % _FRAME))
    packets: list[bytes] = []
    for start in range(0, len(sound), _FRAME):
        frame = av.AudioFrame.from_ndarray(sound[None, start : start + _FRAME], format="s16", layout="mono")
        frame.sample_rate, frame.pts = OPUS_CLOCK_HZ, start
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets + [bytes(packet) for packet in encoder.encode(None)]


def _sound(path: Path) -> Iterator[Any]:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("s16", "mono", OPUS_CLOCK_HZ)
        for frame in [*container.decode(audio=0), None]:
            for resampled in resampler.resample(frame):
                yield resampled.to_ndarray()[0]


async def play(
    service: SpeechService, files: Sequence[Path], options: StreamOptions, tail_s: float = 2.0
) -> list[Heard]:
    """Play `files` in real time, one channel each, and return what was heard. Times: 0 is the files' beginning."""
    loop = asyncio.get_running_loop()
    sent = [opus_packets(path) for path in files]
    heard = [Heard() for _ in files]
    zero_s = loop.time() + 0.1
    channels = [service.open(options, _taker(into, lambda: loop.time() - zero_s)) for into in heard]
    silence = opus_silence()
    for number in range(max(len(packets) for packets in sent) + round(tail_s * 50)):
        due_s = zero_s + (number + 1) * 0.02
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        for index, channel in enumerate(channels):
            payload = sent[index][number] if number < len(sent[index]) else silence
            arrival_s = (number + 1) * 0.02
            channel.push_packet(
                OpusPacket(index + 1, number & 0xFFFF, (number * _FRAME) & 0xFFFFFFFF, payload, arrival_s)
            )
    await asyncio.gather(*(channel.close() for channel in channels))
    return heard


def _taker(into: Heard, now_s: Callable[[], float]) -> Callable[[SpeechEvent], None]:
    return lambda event: into.take(event, now_s())


def opus_silence() -> bytes:
    """Return a packet of 20 ms of silence."""
    return b"\xf8\xff\xfe"


async def bench(service: SpeechService, folder: Path, options: StreamOptions, *, show: bool = False) -> dict[str, Any]:
    """Play the dialogue in `folder` (clinician.wav, patient.wav, reference.json) and return its figures."""
    speakers = ("clinician", "patient")
    cpu_s = _process_cpu_s(service.process_id)
    began_s = time.monotonic()
    heard = await play(service, [folder / f"{speaker}.wav" for speaker in speakers], options)
    wall_s = time.monotonic() - began_s
    if show:
        _show(speakers, heard)
    turns = read_turns(folder / "reference.json")
    figures = score(turns, dict(zip(speakers, heard, strict=True)))
    spoken_s = sum(turn.end_s - turn.start_s for turn in turns)
    cpu_s = _process_cpu_s(service.process_id) - cpu_s
    return {
        "dialogue": folder.name,
        **figures,
        "cpu_s_per_speech_s": round(cpu_s / spoken_s, 3),
        "wall_s": round(wall_s, 1),
    }


def _show(speakers: Sequence[str], heard: Sequence[Heard]) -> None:
    lines = [
        (final.start_s, speaker, at, final)
        for speaker, what in zip(speakers, heard, strict=True)
        for at, final in what.finals
    ]
    for start_s, speaker, at, final in sorted(lines, key=lambda line: line[0]):
        sys.stderr.write(f"{start_s:6.2f}-{final.end_s:6.2f} +{at - final.end_s:.2f} {speaker}: {final.text}\n")


def _process_cpu_s(process_id: int | None) -> float:
    """Return the CPU seconds a process has used, from /proc; 0.0 where there is none."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / 100


def main(arguments: Sequence[str]) -> int:
    """Bench the folders named in `arguments`; print one line of JSON."""
    parser = argparse.ArgumentParser(prog="bench-speech", description="word error rate and latency of captions")
    parser.add_argument("folder", type=Path, nargs="+", help="with clinician.wav, patient.wav and reference.json")
    parser.add_argument("--language", default="pt")
    parser.add_argument("--texts", action="store_true", help="also print what was heard, on standard error")
    known = parser.parse_args(arguments)
    configure_logs()
    figures = asyncio.run(_bench_all(known.folder, known.language, known.texts))
    sys.stdout.write(json.dumps({"dialogues": figures}, ensure_ascii=False) + "\n")
    return 0


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


async def _bench_all(folders: Sequence[Path], language: str, texts: bool) -> list[dict[str, Any]]:
    service = SpeechService(load_settings())
    await service.start()
    try:
        await until_ready(service)
        options = StreamOptions(language=None if language == "auto" else language)
        return [await bench(service, folder, options, show=texts) for folder in folders]
    finally:
        await service.aclose()
