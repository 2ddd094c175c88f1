"""How far the recordings are that this process finishes: told to whoever waits for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..model.recording_state import FAILED, READY, RecordingState

REMEMBERED = 10_000


class Finishing:
    """The state of each recording that is being finished, or was, since the process started."""

    def __init__(self) -> None:
        self._states: dict[str, RecordingState] = {}

    def state(self, consultation_id: str) -> RecordingState | None:
        """Return how far a recording is; None if nothing is known of it here."""
        return self._states.get(consultation_id)

    def begin(self, consultation_id: str) -> None:
        """Its turn will come: it is to be finished by this process."""
        self._note(consultation_id, RecordingState(state="finalizing"))

    def forget(self, consultation_id: str) -> None:
        """There was nothing to finish."""
        self._states.pop(consultation_id, None)

    @contextmanager
    def following(self, consultation_id: str) -> Iterator[Callable[[float], None]]:
        """Follow the work of the `with` block, which tells how much is done (0 to 1); if it raises, it has failed."""
        self.begin(consultation_id)
        try:
            yield lambda done: self._note(consultation_id, RecordingState(state="finalizing", progress=_share(done)))
        except BaseException:
            self._note(consultation_id, FAILED)
            raise
        self._note(consultation_id, READY)

    def _note(self, consultation_id: str, state: RecordingState) -> None:
        self._states.pop(consultation_id, None)
        self._states[consultation_id] = state
        while len(self._states) > REMEMBERED:
            del self._states[next(iter(self._states))]


def _share(done: float) -> float:
    return min(1.0, max(0.0, done))
