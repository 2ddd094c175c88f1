"""What speech recognition says of both voices, as facts that the room states."""

from __future__ import annotations

from ..model.clock import RoomClock
from ..model.consultation import Role
from ..model.events import AudioGap, Event, FinalTranscript, InterimTranscript, SidecarStateChanged
from ..model.transcript import Utterance
from ..speech.port import Final, Gap, Interim, ServiceChanged, SpeechEvent, StateChanged


class Heard:
    """Turns speech events into room events. `provider` is who was asked to hear."""

    def __init__(self, clock: RoomClock, provider: str) -> None:
        self._clock = clock
        self._provider = provider
        self._service: ServiceChanged | None = None

    def as_event(self, role: Role, heard: SpeechEvent) -> Event | None:
        """Return the fact to state, if there is one."""
        now_s = self._clock.now_s()
        match heard:
            case Interim() | Final(text=""):
                return _interim(role, heard, now_s)
            case Final():
                return FinalTranscript(at_s=now_s, utterance=self._utterance(role, heard))
            case Gap():
                return AudioGap(at_s=now_s, role=role, start_s=heard.start_s, end_s=heard.end_s)
            case ServiceChanged():
                return self._service_event(heard)
        return None

    def speech_state(self, state: StateChanged) -> Event:
        """Return what to say when recognition as a whole changed; what ails a service elsewhere outlasts its "ok"."""
        if state.state in ("starting", "failing"):
            self._service = None  # the process that said it is gone
        elif state.state == "ok" and self._service is not None:
            return self._said(self._service)
        # Both see it: the detail may name folders of the server, so it stays in the log.
        return SidecarStateChanged(at_s=self._clock.now_s(), sidecar="speech", state=state.state)

    def begin_again(self) -> Event | None:
        """Forget what the streams before said; return that all is well if they had said otherwise."""
        return self._service_event(ServiceChanged("ok"))

    def _service_event(self, state: ServiceChanged) -> Event | None:
        """State it once for both voices."""
        standing = None if state.state == "ok" else state
        if standing == self._service:
            return None
        self._service = standing
        return self._said(state)

    def _said(self, state: ServiceChanged) -> Event:
        return SidecarStateChanged(at_s=self._clock.now_s(), sidecar="speech", state=state.state, detail=state.reason)

    def _utterance(self, role: Role, final: Final) -> Utterance:
        return Utterance(
            id=final.utterance_id,
            role=role,
            start_s=final.start_s,
            end_s=final.end_s,
            text=final.text,
            words=final.words,
            language=final.language,
            provider=final.provider or self._provider,
        )


def _interim(role: Role, heard: Interim | Final, now_s: float) -> InterimTranscript:
    """Return the event to show; an empty text takes the interim off the page again."""
    return InterimTranscript(
        at_s=now_s,
        utterance_id=heard.utterance_id,
        role=role,
        start_s=heard.start_s,
        end_s=heard.end_s,
        text=heard.text,
        settled_chars=heard.settled_chars if isinstance(heard, Interim) else 0,
        language=heard.language,
    )
