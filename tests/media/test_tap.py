"""What a listener hears of a connection's states."""

from __future__ import annotations

import pytest

from server.media.tap import Tap
from tests.media.browser import Listener


@pytest.mark.parametrize(
    ("states", "heard"),
    [
        (["connecting", "connecting", "connected"], ["connecting", "connected"]),
        (["connecting", "failed", "connected", "closed", "failed"], ["connecting", "failed", "closed"]),
        (["connecting", "connected", "closed", "closed"], ["connecting", "connected", "closed"]),
    ],
)
def test_each_state_is_told_once_and_nothing_follows_the_end(states, heard):
    listener = Listener()
    tap = Tap(listener)
    for state in states:
        tap.state(state)
    assert listener.states == heard


def test_a_failing_listener_is_counted_not_passed_on():
    tap = Tap(Listener())
    tap._listener.on_connection_state = None
    tap.state("connected")
    assert tap.errors == 1
