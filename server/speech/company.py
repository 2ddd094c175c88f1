"""Who speaks in the same consultation, so that each microphone can be told from the other's voice."""

from __future__ import annotations

from .echo_gate import EchoGate
from .track import Track


class Company:
    """The voices of each room, in the order they were last heard."""

    def __init__(self) -> None:
        self._rooms: dict[str, list[Track]] = {}

    def join(self, room: str) -> Place:
        """Return a new voice's place in `room`; without a name, a room of its own."""
        return Place(self._rooms.setdefault(room, []) if room else [])

    def leave(self, room: str, place: Place) -> None:
        """Forget a voice."""
        place.tracks.remove(place.track)
        if not place.tracks:
            self._rooms.pop(room, None)


class Place:
    """One voice's place in a room: its own sound, and its way past the other's."""

    def __init__(self, tracks: list[Track]) -> None:
        self.tracks = tracks
        self.track = Track()
        self.gate = EchoGate(self.track, self._other)
        tracks.append(self.track)

    def _other(self) -> Track | None:
        """Return the other voice heard last: there may be older ones, of before a consent was withdrawn."""
        others = [track for track in self.tracks if track is not self.track and track.end]
        return max(others, key=lambda track: track.heard_at_s, default=None)
