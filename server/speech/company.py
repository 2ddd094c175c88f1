"""Who speaks in the same consultation, so that each microphone can be told from the other's voice."""

from __future__ import annotations

from .echo_gate import EchoGate
from .microphone import Microphone


class Company:
    """The voices of each room, in the order they were last heard."""

    def __init__(self) -> None:
        self._rooms: dict[str, list[Microphone]] = {}

    def join(self, room: str) -> Place:
        """Return a new voice's place in `room`; without a name, a room of its own."""
        return Place(self._rooms.setdefault(room, []) if room else [])

    def leave(self, room: str, place: Place) -> None:
        """Forget a voice."""
        place.microphones.remove(place.microphone)
        if not place.microphones:
            self._rooms.pop(room, None)


class Place:
    """One voice's place in a room: its own sound, and its way past the other's."""

    def __init__(self, microphones: list[Microphone]) -> None:
        self.microphones = microphones
        self.microphone = Microphone()
        self.gate = EchoGate(self.microphone, self._other)
        microphones.append(self.microphone)

    def _other(self) -> Microphone | None:
        """Return the other voice heard last: there may be older ones, of before a consent was withdrawn."""
        others = [microphone for microphone in self.microphones if microphone is not self.microphone and microphone.end]
        return max(others, key=lambda microphone: microphone.heard_at_s, default=None)
