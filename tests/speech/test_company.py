"""Who hears whom: the voices of one room, and of no other."""

from server.speech.company import Company, Place
from tests.speech.sound import RATE_HZ
from tests.speech.voices import PORTION, Pcm, dialogue, leaking


def hear(place: Place, sound: Pcm, first: int, now_s: float) -> Pcm | None:
    """Push one portion; return it as it came through, if it did at once."""
    passed = place.gate.push(sound[first : first + PORTION], first / RATE_HZ, now_s)
    return passed[-1].samples if passed else None


def silenced(places: list[Place], sounds: list[Pcm]) -> list[bool]:
    """Return of each place whether anything that was sound came through as silence."""
    lost = [False for _ in places]
    for first in range(0, len(sounds[0]), PORTION):
        for number, (place, sound) in enumerate(zip(places, sounds, strict=True)):
            for one in place.gate.push(sound[first : first + PORTION], first / RATE_HZ, first / RATE_HZ):
                lost[number] |= not one.samples.any()
    return lost


def leaked() -> list[Pcm]:
    clinician, patient = (voice[: 4 * RATE_HZ] for voice in dialogue())
    return [clinician, leaking(patient, clinician, 0.1)]


def test_two_in_a_room_are_told_apart() -> None:
    company = Company()
    assert silenced([company.join("a"), company.join("a")], leaked()) == [False, True]


def test_other_rooms_and_rooms_without_a_name_are_strangers() -> None:
    company = Company()
    assert silenced([company.join("a"), company.join("b")], leaked()) == [False, False]
    assert silenced([company.join(""), company.join("")], leaked()) == [False, False]


def test_who_opens_again_is_heard_instead_of_the_stream_before() -> None:
    company = Company()
    before = company.join("a"), company.join("a")
    assert silenced(list(before), leaked()) == [False, True]
    after = [company.join("a"), company.join("a")]
    assert silenced(after, leaked()) == [False, True]


def test_who_left_is_forgotten() -> None:
    company = Company()
    first, second = company.join("a"), company.join("a")
    sounds = leaked()
    hear(first, sounds[0], 0, 0.0)
    company.leave("a", first)
    assert hear(second, sounds[1], 0, 0.0) is not None
    company.leave("a", second)
    assert not company._rooms
    assert silenced([company.join("a")], sounds[1:]) == [False]
