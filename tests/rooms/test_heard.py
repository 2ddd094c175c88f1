"""What speech recognition says becomes facts of the room, and a service's trouble is said once for both voices."""

from datetime import UTC, datetime

import pytest

from server.model.clock import RoomClock
from server.model.consultation import Role
from server.model.events import FinalTranscript, SidecarStateChanged
from server.rooms.heard import Heard
from server.speech.port import Final, ServiceChanged, StateChanged

AWAY = ServiceChanged("delayed", "fallback")


@pytest.fixture
def heard() -> Heard:
    return Heard(RoomClock(datetime.now(UTC)), "openai_compatible")


def state(event: object) -> tuple[str, str]:
    assert isinstance(event, SidecarStateChanged)
    assert event.sidecar == "speech"
    return event.state, event.detail


def test_a_service_that_is_away_is_said_once_for_both(heard: Heard) -> None:
    assert state(heard.as_event(Role.CLINICIAN, AWAY)) == ("delayed", "fallback")
    assert heard.as_event(Role.PATIENT, AWAY) is None
    assert state(heard.as_event(Role.PATIENT, ServiceChanged("ok"))) == ("ok", "")
    assert heard.as_event(Role.CLINICIAN, ServiceChanged("ok")) is None


def test_it_outlasts_a_passing_delay(heard: Heard) -> None:
    heard.as_event(Role.CLINICIAN, AWAY)
    assert state(heard.speech_state(StateChanged("delayed", "behind"))) == ("delayed", "")
    assert state(heard.speech_state(StateChanged("ok"))) == ("delayed", "fallback")


def test_it_does_not_outlast_the_process_that_said_it(heard: Heard) -> None:
    heard.as_event(Role.CLINICIAN, AWAY)
    heard.speech_state(StateChanged("failing", "/srv/escuta is gone"))
    assert state(heard.speech_state(StateChanged("ok"))) == ("ok", "")


def test_listening_again_begins_with_nothing_amiss(heard: Heard) -> None:
    assert heard.begin_again() is None
    heard.as_event(Role.CLINICIAN, AWAY)
    assert state(heard.begin_again()) == ("ok", "")


@pytest.mark.parametrize(("stood_in", "kept"), [("", "openai_compatible"), ("faster_whisper", "faster_whisper")])
def test_who_heard_an_utterance_is_kept_with_it(heard: Heard, stood_in: str, kept: str) -> None:
    event = heard.as_event(Role.PATIENT, Final("u", 1.0, 2.0, "dor", (), "pt", stood_in))
    assert isinstance(event, FinalTranscript)
    assert event.utterance.provider == kept
