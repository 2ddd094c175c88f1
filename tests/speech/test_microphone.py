"""What one microphone sent, by room time."""

import numpy as np

from server.speech.microphone import Microphone
from tests.speech.sound import noise

PORTION = 320


def filled(seconds: float, start_s: float = 0.0) -> tuple[Microphone, np.ndarray]:
    microphone, sound = Microphone(), noise(seconds)
    for first in range(0, len(sound), PORTION):
        microphone.append(sound[first : first + PORTION], start_s + first / 16_000, 0.0)
    return microphone, sound


def test_what_was_appended_is_read_by_room_time() -> None:
    microphone, sound = filled(3.0, start_s=100.0)
    assert microphone.end == 103 * 16_000
    assert np.array_equal(microphone.read(101 * 16_000 + 5, 1000), sound[16_005:17_005])


def test_what_is_not_held_reads_as_silence() -> None:
    microphone, sound = filled(1.0, start_s=1.0)
    read = microphone.read(15_000, 18_000)
    assert not read[:1000].any()
    assert np.array_equal(read[1000:17_000], sound)
    assert not read[17_000:].any()
    assert not Microphone().read(-50, 100).any()


def test_jitter_of_the_room_clock_makes_no_step() -> None:
    microphone = Microphone()
    for number, jitter_s in enumerate((0.0, 0.004, -0.006, 0.015)):
        assert microphone.append(noise(0.02), number * 0.02 + jitter_s, 0.0) == number * PORTION


def test_a_hole_is_silence_and_what_follows_has_its_place() -> None:
    microphone, sound = filled(1.0)
    assert microphone.append(sound[:PORTION], 1.5, 0.0) == 24_000
    assert not microphone.read(16_000, 8_000).any()
    assert np.array_equal(microphone.read(24_000, PORTION), sound[:PORTION])


def test_after_a_long_absence_only_what_is_new_is_held() -> None:
    microphone, sound = filled(1.0)
    microphone.append(sound[:PORTION], 3600.0, 0.0)
    assert microphone.end == 3600 * 16_000 + PORTION
    assert not microphone.read(0, 16_000).any()
    assert len(microphone._samples) < 10 * 16_000


def test_a_clock_that_steps_back_overwrites() -> None:
    microphone, sound = filled(1.0)
    assert microphone.append(sound[:PORTION], 0.5, 0.0) == 8_000
    assert microphone.end == 8_000 + PORTION
    assert not microphone.read(microphone.end, 1000).any()


def test_what_is_forgotten_takes_no_memory() -> None:
    microphone, sound = filled(10.0)
    for second in range(10, 600):
        microphone.append(sound[:16_000], float(second), 0.0)
        microphone.forget(microphone.end - 16_000)
    assert len(microphone._samples) < 15 * 16_000
    assert np.array_equal(microphone.read(microphone.end - 16_000, 16_000), sound[:16_000])
