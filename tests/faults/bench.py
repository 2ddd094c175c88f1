"""Measure a call of two real Chromiums under each bad network; one JSON line a condition."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.running import FIXTURE, RunningServer, as_wav, running_server

from .call import FaultyCall, faulty_call, resumed, sampled
from .link import Burst, Conditions

SETTLE_S = 8.0


@dataclass(frozen=True)
class Trial:
    """Bad for `seconds`; what happens after is measured where the network's return matters."""

    conditions: Conditions
    seconds: float
    after_s: float = 0.0


TRIALS = {
    "clean": Trial(Conditions(), 30),
    "loss-2": Trial(Conditions(loss=0.02), 60),
    "loss-10": Trial(Conditions(loss=0.10), 60),
    "bursts-5": Trial(Conditions(burst=Burst(0.05, 8)), 60),
    "jitter-150-50": Trial(Conditions(delay_s=0.15, jitter_s=0.05, reorder=0.01), 60),
    "rtt-600": Trial(Conditions(delay_s=0.3), 60),
    "cap-300": Trial(Conditions(rate_bps=300_000, queue_s=0.3), 40, 40),
    "blackout-5": Trial(Conditions(blackout=True), 5, 10),
    "blackout-20": Trial(Conditions(blackout=True), 20, 10),
    "blackout-40": Trial(Conditions(blackout=True), 40, 10),
}


def grown(before: dict[str, float], after: dict[str, float], name: str) -> float:
    """Return how much a counter grew; one of a new connection began at zero."""
    start = before.get(name, 0.0) if before["connections"] == after["connections"] else 0.0
    return after.get(name, 0.0) - start


def summary(before: dict[str, float], after: dict[str, float], seconds: float) -> dict[str, Any]:
    """Return how one side received."""
    heard = grown(before, after, "audio.totalSamplesReceived")
    concealed = grown(before, after, "audio.concealedSamples") - grown(before, after, "audio.silentConcealedSamples")
    received, lost = grown(before, after, "video.packetsReceived"), grown(before, after, "video.packetsLost")
    return {
        "fps": round(grown(before, after, "video.framesDecoded") / seconds, 1),
        "freezes": int(grown(before, after, "video.freezeCount")),
        "frozen_s_a_minute": round(grown(before, after, "video.totalFreezesDuration") * 60 / seconds, 2),
        "audio_concealed_percent": round(100 * concealed / heard, 2) if heard else None,
        "video_lost_percent": round(100 * lost / (received + lost), 2) if received else None,
        "video_kbps": round(grown(before, after, "video.bytesReceived") * 8 / seconds / 1000),
        "nacks": int(grown(before, after, "video.nackCount")),
        "plis": int(grown(before, after, "video.pliCount")),
        "key_frames": int(grown(before, after, "video.keyFramesDecoded")),
    }


def sending(before: dict[str, float], after: dict[str, float], seconds: float) -> dict[str, Any]:
    """Return how one side's camera and encoder did: what they leave out nobody can receive."""
    return {
        "camera_fps": round(grown(before, after, "video.source.frames") / seconds, 1),
        "encoded_fps": round(grown(before, after, "video.out.framesEncoded") / seconds, 1),
        "limited_percent": {
            why: round(100 * grown(before, after, f"video.out.limited.{why}") / seconds) for why in ("cpu", "bandwidth")
        },
        "resolution_changes": int(grown(before, after, "video.out.qualityLimitationResolutionChanges")),
    }


async def measure(server: RunningServer, microphone: Path, name: str, seed: int) -> dict[str, Any]:
    """Run one trial in a call of its own."""
    trial = TRIALS[name]
    samples: list[tuple[float, dict[str, dict[str, float]]]] = []
    result: dict[str, Any] = {"trial": name, "seconds": trial.seconds}
    async with faulty_call(server, seed, microphone) as call:
        await sampled(call, SETTLE_S, lambda *_: None)
        call.network.set(trial.conditions)
        await sampled(call, trial.seconds, lambda *sample: samples.append(sample))
        if not trial.conditions.blackout:
            first, last = samples[0], samples[-1]
            for side in call.pages:
                span = first[1][side], last[1][side], last[0] - first[0]
                result[side] = {**summary(*span), "sends": sending(*span)}
        if trial.conditions.rate_bps:
            result["target_kbps_every_5_s"] = _targets(samples)
        if trial.after_s:
            call.network.set(Conditions())
            result |= await _return(call, trial)
        result["connections"] = await call.connections()
    return result


def _targets(samples: Sequence[tuple[float, dict[str, dict[str, float]]]]) -> dict[str, list[int]]:
    return {
        side: [round(sample[side].get("video.out.targetBitrate", 0) / 1000) for _, sample in samples[::10]]
        for side in ("doctor", "patient")
    }


async def _return(call: FaultyCall, trial: Trial) -> dict[str, Any]:
    if not trial.conditions.blackout:
        samples: list[tuple[float, dict[str, dict[str, float]]]] = []
        await sampled(call, trial.after_s, lambda *sample: samples.append(sample))
        return {"recovering_kbps_every_5_s": _targets(samples)}
    took_s = {side: round(seconds, 2) for side, seconds in (await resumed(call)).items()}
    await asyncio.sleep(trial.after_s)
    again_s = await resumed(call)
    return {"resumed_s": took_s, "alive_later": max(again_s.values()) < 2.0}


async def run(names: Sequence[str], seed: int) -> None:
    """Measure and print, one server for all."""
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        microphone = as_wav(FIXTURE / "clinician.ogg", Path(folder) / "speech.wav", pad_s=0.0)
        for name in names:
            print(json.dumps(await measure(server, microphone, name, seed)), flush=True)


def main(arguments: Sequence[str]) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trials", nargs="*", choices=[*TRIALS, []], help="which ones; all if none is named")
    parser.add_argument("--seed", type=int, default=1)
    parsed = parser.parse_args(arguments)
    asyncio.run(run(parsed.trials or list(TRIALS), parsed.seed))
