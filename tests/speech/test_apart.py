"""Two recordings: one voice without the other's."""

import numpy as np

from server.speech.apart import Recording, without_other
from tests.speech.sound import RATE_HZ
from tests.speech.test_echo_gate import same_utterances
from tests.speech.voices import Pcm, dialogue, leaking


def blocks(sound: Pcm, seconds: float = 5.0) -> list[Pcm]:
    step = round(seconds * RATE_HZ)
    return [sound[first : first + step] for first in range(0, len(sound), step)]


def test_the_leak_is_silenced_and_the_length_stays() -> None:
    clinician, patient = dialogue()
    leaked = leaking(patient, clinician, 0.1)
    cut = round(0.7 * RATE_HZ)
    apart = np.concatenate(
        list(without_other(Recording(blocks(leaked)), Recording(blocks(clinician[cut:], 3.3), start_s=0.7)))
    )
    assert len(apart) == len(leaked)
    same_utterances(apart, patient)


def test_a_voice_longer_than_the_other_is_whole() -> None:
    clinician, patient = dialogue()
    for other in ([], blocks(clinician[:RATE_HZ]), blocks(clinician)):
        apart = list(without_other(Recording(blocks(patient)), Recording(other)))
        assert np.array_equal(np.concatenate(apart), patient)
