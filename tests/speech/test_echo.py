"""A leak is found, its path is learned, and what the path leaves unexplained is somebody else."""

import numpy as np
import pytest

from server.speech.echo import AFTER, BEFORE, EARLIEST, FRAME, LATEST, SEARCH, EchoPath, emphasised, find_leak
from tests.speech.sound import RATE_HZ, noise, tone
from tests.speech.voices import Pcm, dialogue, leaking, loudness

SPEAKING = range(round(1.2 * RATE_HZ), round(3.8 * RATE_HZ), 800)
"""Where the clinician speaks and the patient does not."""


def looked_for(own: Pcm, other: Pcm, end: int) -> tuple[Pcm, Pcm]:
    padded = np.concatenate([np.zeros(LATEST + 1, np.float32), other])
    return (
        emphasised(own[end - SEARCH - 1 : end]),
        emphasised(padded[end - SEARCH : end - EARLIEST + LATEST + 1]),
    )


def frames(own: Pcm, other: Pcm, end: int, delay: int) -> tuple[Pcm, Pcm]:
    return emphasised(own[end - FRAME - 1 : end]), emphasised(other[end - FRAME - 1 - delay : end - delay])


@pytest.mark.parametrize("level_db", [-6, -12, -20])
@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.1 + 0.37 / RATE_HZ, 0.2, 0.3])
def test_a_leak_is_found_at_its_delay(delay_s: float, level_db: float) -> None:
    clinician, patient = dialogue()
    microphone = leaking(patient, clinician, delay_s, level_db)
    found = [find_leak(*looked_for(microphone, clinician, end + round(delay_s * RATE_HZ))) for end in SPEAKING]
    sure = [leak.delay for leak in found if leak is not None and leak.sure]
    assert len(sure) > 0.7 * len(found)
    assert all(abs(delay - delay_s * RATE_HZ) <= 1.5 for delay in sure)


def test_two_voices_at_once_are_no_leak() -> None:
    clinician, patient = dialogue()
    speaking = patient[round(4.9 * RATE_HZ) :]
    found = [find_leak(*looked_for(speaking, clinician[RATE_HZ // 2 :], end)) for end in range(6_000, 40_000, 800)]
    assert not [leak for leak in found if leak is not None and leak.sure]


def test_who_is_louder_than_the_other_does_not_hear_him() -> None:
    clinician, patient = dialogue()
    leaked = leaking(patient, clinician, 0.02)
    found = [find_leak(*looked_for(clinician, leaked, end)) for end in SPEAKING]
    assert found == [None] * len(found)


def test_silence_and_a_tone_are_no_leak_of_a_voice() -> None:
    clinician, _ = dialogue()
    for own in (np.zeros(4 * RATE_HZ, np.float32), tone(4.0, level=0.02)):
        assert [find_leak(*looked_for(own, clinician, end)) for end in SPEAKING] == [None] * len(SPEAKING)


def learned(microphone: Pcm, other: Pcm, delay: int) -> tuple[EchoPath, list[float]]:
    path = EchoPath(delay, [frames(microphone, other, SPEAKING[0] - hop, delay) for hop in (512, 256, 0)])
    ends = range(SPEAKING[0] + 320, SPEAKING[-1], 320)
    return path, [path.unexplained(*frames(microphone, other, end, delay)) for end in ends]


def test_a_path_explains_the_leak_and_not_who_speaks_over_it() -> None:
    clinician, patient = dialogue()
    delay = 1600
    alone = leaking(np.zeros_like(clinician), clinician, delay / RATE_HZ)
    _, shares = learned(alone, clinician, delay)
    assert np.quantile(shares, 0.95) < 0.05
    path, _ = learned(alone, clinician, delay)
    over = alone + np.roll(patient, -round(3.5 * RATE_HZ))
    ends = range(round(9.4 * RATE_HZ), round(11.5 * RATE_HZ), 320)
    both = [path.unexplained(*frames(over, clinician, end, delay)) for end in ends]
    assert np.median(both) > 0.5


def test_what_the_path_leaves_is_fainter_by_10_db_and_the_other_voice_stays() -> None:
    clinician, _ = dialogue()
    delay = 800
    own = noise(len(clinician) / RATE_HZ, 0.001)
    microphone = leaking(own, clinician, delay / RATE_HZ)
    path, _ = learned(microphone, clinician, delay)
    first, count = round(2.0 * RATE_HZ), RATE_HZ
    heard = clinician[first - delay - AFTER + 1 :][: count + BEFORE + AFTER - 1]
    rest = path.subtract(microphone[first : first + count], heard)
    assert loudness(rest) < 0.3 * loudness(microphone[first : first + count])
    assert np.corrcoef(rest, own[first : first + count])[0, 1] > 0.3


def test_what_would_only_get_louder_stays_as_it_is() -> None:
    clinician, patient = dialogue()
    path, _ = learned(leaking(patient, clinician, 0.05), clinician, 800)
    faint = noise(0.02, 1e-4)
    assert path.subtract(faint, clinician[20_000:][: len(faint) + BEFORE + AFTER - 1]) is faint


def test_a_moment_of_dead_silence_does_not_undo_what_was_learned() -> None:
    clinician, _ = dialogue()
    delay = 1600
    microphone = leaking(np.zeros_like(clinician), clinician, delay / RATE_HZ)
    path, _ = learned(microphone, clinician, delay)
    for end in range(SPEAKING[0], SPEAKING[0] + 3 * 320, 320):
        _, heard = frames(microphone, clinician, end, delay)
        path.unexplained(np.zeros_like(heard), heard)
    ends = range(SPEAKING[0] + 3200, SPEAKING[-1], 320)
    shares = [path.unexplained(*frames(microphone, clinician, end, delay)) for end in ends]
    assert np.mean(np.array(shares) > 0.2) < 0.1
