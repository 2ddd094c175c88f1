"""Rate limits of what is asked upstream."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from server.media.feedback import KEY_FRAME_INTERVAL_S, MAX_NACKED_UPSTREAM, MAX_REPEATED, KeyFrameGate, NackGate


@given(st.lists(st.floats(0, 0.2), max_size=100))
def test_key_frames_are_asked_for_at_most_every_half_second_and_no_request_is_lost(pauses):
    gate = KeyFrameGate()
    now_s, asked_s = 0.0, []
    for pause in pauses:
        now_s += pause
        if gate.ask(now_s):
            asked_s.append(now_s)
    assert all(later - earlier >= KEY_FRAME_INTERVAL_S for earlier, later in itertools.pairwise(asked_s))
    gate.awaited = False
    if gate.waiting:
        assert not gate.due(asked_s[-1] + 0.49)
        assert gate.due(asked_s[-1] + 0.51)
    else:
        assert asked_s[-1:] == [now_s] * bool(pauses)


def test_a_join_or_a_new_source_asks_at_once():
    gate = KeyFrameGate()
    assert gate.ask(1.0)
    assert not gate.ask(1.1)
    assert gate.ask(1.2, urgent=True)
    assert not gate.ask(1.3)


def test_a_request_no_key_frame_follows_is_repeated_every_second_but_not_for_ever():
    gate = KeyFrameGate()
    assert gate.ask(0.0)
    repeated_s = [now_s for now_s in (number / 10 for number in range(1, 200)) if gate.due(now_s)]
    assert repeated_s == [1.0 * number for number in range(1, MAX_REPEATED + 1)]


def test_a_key_frame_ends_the_repeating():
    gate = KeyFrameGate()
    assert gate.ask(0.0)
    gate.awaited = False
    assert not gate.due(1.5)
    assert gate.ask(2.0)
    assert gate.due(3.0)


def test_a_packet_two_receivers_miss_is_asked_for_once():
    gate = NackGate()
    assert gate.ask([1, 2, 2], 0.0) == (1, 2)
    assert gate.ask([2, 3], 0.01) == (3,)
    assert gate.ask([2], 0.06) == (2,)


def test_a_flood_of_missing_packets_is_bounded():
    gate = NackGate()
    asked = sum(len(gate.ask(range(n * 300, n * 300 + 300), n * 1e-4)) for n in range(200))
    assert asked <= 4 * MAX_NACKED_UPSTREAM
    assert gate.ask([5], 10.0) == (5,)
