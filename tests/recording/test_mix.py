"""Both voices in one stereo file, and the waveform a player draws."""

import json

import av
import numpy as np
import pytest

from server.model.consultation import Role
from server.recording.finalize import finalize
from server.recording.peaks import PEAKS_NAME
from server.recording.render import MIX_NAME, finalize_now

from .sound import Leg, bursts, encode, onsets

CLINICIAN, PATIENT = Role.CLINICIAN, Role.PATIENT


def spoken(*at_s: float, ssrc: int = 1):
    return [Leg(ssrc=ssrc).packets(encode(bursts(6.0, at_s)))]


def channels(path) -> np.ndarray:
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(frames, axis=1) * 32_767


async def test_the_clinician_is_left_and_the_patient_right(folder, record):
    await record({CLINICIAN: spoken(1.0, 4.0), PATIENT: spoken(2.5, ssrc=2)}, 6.5)
    manifest = finalize_now(folder)
    (mixed,) = [file for file in manifest.files if file.role is None]
    assert (mixed.name, mixed.format, mixed.start_s, mixed.duration_s) == (MIX_NAME, "ogg", 0.0, 6.5)
    left, right = channels(folder / MIX_NAME)
    assert len(left) == round(6.5 * 48_000)
    assert onsets(left) == pytest.approx([1.03, 4.03], abs=0.01)
    assert onsets(right) == pytest.approx([2.53], abs=0.01)


async def test_peaks_show_where_each_voice_is_loud(folder, record):
    await record({CLINICIAN: spoken(1.0), PATIENT: spoken(2.5, ssrc=2)}, 6.25)
    finalize_now(folder)
    content = json.loads((folder / PEAKS_NAME).read_bytes())
    assert (content["version"], content["duration_s"], content["peaks_per_s"]) == (1, 6.25, 10)
    for role, at_s in (("clinician", 1.03), ("patient", 2.53)):
        peaks = np.array(content["peaks"][role])
        assert len(peaks) == 63
        loud = np.flatnonzero(peaks > 30) / 10
        assert loud.tolist() == pytest.approx([at_s, at_s + 0.1], abs=0.1)
        assert 35 < peaks.max() <= content["loudest"]


async def test_finalizing_tells_how_far_it_is(folder, record):
    await record({CLINICIAN: spoken(1.0)}, 6.5)
    told: list[float] = []
    await finalize(folder, told.append)
    assert told == pytest.approx([second / 6.5 for second in range(1, 7)] + [1.0], abs=0.001)
    await finalize(folder, told.append)
    assert len(told) == 7
