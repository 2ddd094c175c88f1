"""The ring of sent packets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.history import CAPACITY, MAX_RESENT_PER_S, History
from server.media.rtp import RtpPacket


def packet(number: int) -> RtpPacket:
    return RtpPacket(96, number & 0xFFFF, 0, 1, b"payload")


def keep(history: History, number: int) -> None:
    history.keep(number & 0xFFFF, packet(number).write())


@given(st.integers(0, 0xFFFF))
def test_the_last_packets_are_there_across_the_wrap_and_older_ones_are_not(first):
    history = History()
    for step in range(CAPACITY + 10):
        keep(history, first + step)
    assert CAPACITY >= 512
    for step in range(10, CAPACITY + 10, 97):
        assert history.resend((first + step) & 0xFFFF, 0.0) == packet(first + step)
    for step in range(10):
        assert (first + step) & 0xFFFF not in history
        with pytest.raises(KeyError):
            history.resend((first + step) & 0xFFFF, 0.0)


def test_a_packet_asked_for_twice_at_once_is_sent_once():
    history = History()
    keep(history, 5)
    assert history.resend(5, 1.0) is not None
    assert history.resend(5, 1.001) is None
    assert history.resend(5, 1.1) is not None


def test_a_flood_of_requests_is_bounded():
    history = History()
    for number in range(CAPACITY):
        keep(history, number)
    answered = [history.resend(n % CAPACITY, n * 1e-4) is not None for n in range(5000)]
    assert sum(answered) == MAX_RESENT_PER_S
