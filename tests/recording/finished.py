"""Something to record, and how long the finished files are."""

from pathlib import Path

from server.model.audio import OpusPacket

from .sound import Leg, bursts, encode, read_sound

NAMES = ["clinician.ogg", "clinician.wav", "patient.ogg", "patient.wav", "mixed.ogg"]


def leg(**how: object) -> list[OpusPacket]:
    return Leg(**how).packets(encode(bursts(3.0, [1.0])))


def sizes(folder: Path) -> dict[str, int]:
    return {name: len(read_sound(folder / name)) for name in NAMES}
