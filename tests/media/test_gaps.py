"""What is asked for again, on virtual time."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.gaps import GIVE_UP_S, HOPELESS, MAX_MISSING, MAX_TRIES, GapWatch

INTERVAL_S = 0.01


def played(lost: set[int], count: int = 400, first: int = 0, answer_s: float | None = None):
    """Send `count` packets without those `lost`; requests are answered after `answer_s`. Return (when, what) asked."""
    watch, asked, answers = GapWatch(), [], []
    for number in range(count):
        now_s = number * INTERVAL_S
        for due_s, answer in [one for one in answers if one[0] <= now_s]:
            watch.arrived((first + answer) & 0xFFFF, due_s)
            answers.remove((due_s, answer))
        if number not in lost:
            watch.arrived((first + number) & 0xFFFF, now_s)
        for due in watch.due(now_s):
            asked.append((now_s, (due - first) & 0xFFFF))
            if answer_s is not None:
                answers.append((now_s + answer_s, (due - first) & 0xFFFF))
    return asked


@given(st.integers(0, 0xFFFF), st.sets(st.integers(1, 300), max_size=60))
def test_all_that_is_lost_is_asked_for_and_nothing_else_whatever_wraps(first, lost):
    asked = played(lost, first=first, answer_s=0.03)
    assert {number for _, number in asked} == lost


def test_a_gap_is_asked_for_within_20_ms_of_being_seen():
    ((asked_s, number),) = played({5}, answer_s=0.05)
    assert number == 5
    assert asked_s <= 0.06 + 0.02


def test_losses_are_counted_and_what_was_only_overtaken_is_none():
    watch = GapWatch()
    for at, number in enumerate((65_534, 65_535, 2, 1, 0, 3, 7)):
        watch.arrived(number, at * 0.001)
    watch.arrived(4, 0.008, again=True)
    watch.arrived(8 + HOPELESS, 0.5)
    assert watch.missed == 3


def test_what_was_only_overtaken_is_asked_for_less_and_less():
    """Every tenth packet comes 40 ms late: at first it is asked for, then waited for."""
    watch, asked = GapWatch(), []
    events = [(number * INTERVAL_S + (0.04 if number % 10 == 5 else 0), number) for number in range(1000)]
    for now_s, number in sorted(events):
        watch.arrived(number, now_s)
        asked += [now_s for _ in watch.due(now_s)]
    early = sum(now_s < 1 for now_s in asked)
    late = sum(now_s > 9 for now_s in asked)
    assert early >= 1
    assert late <= early


def test_what_the_receiver_asked_for_does_not_make_us_wait_longer():
    watch = GapWatch()
    for number in range(0, 1000, 2):
        watch.arrived(number, number * INTERVAL_S)
        watch.arrived(number - 1, number * INTERVAL_S + 0.05, again=True)
    watch.arrived(1001, 10.0)
    assert watch.due(10.011) == (999, 1000)


def test_an_unanswered_request_is_repeated_and_given_up():
    asked = played({5}, count=1000)
    assert 3 <= len(asked) <= MAX_TRIES
    assert asked[-1][0] < 0.05 + GIVE_UP_S + 0.1
    assert min(later[0] - earlier[0] for earlier, later in itertools.pairwise(asked)) >= 0.05


def test_on_a_long_way_requests_are_not_repeated_before_their_answer_can_be_there():
    """600 ms away: once the time is learned, each loss costs about one request."""
    lost = set(range(20, 3000, 40))
    asked = played(lost, count=3200, answer_s=0.6)
    late = [number for _, number in asked if number > 1500]
    assert len(late) <= 1.2 * len(set(late))


def test_after_a_silence_nothing_old_is_asked_for_but_a_key_frame():
    assert played(set(range(10, 10 + HOPELESS)), count=600) == []
    watch = GapWatch()
    for number in (1, 3, 3 + HOPELESS):
        watch.arrived(number, 0.0)
    assert not watch.hopeless
    watch.arrived(4 + 2 * HOPELESS, 0.0)
    assert watch.hopeless
    assert not watch.open


@given(st.lists(st.integers(0, 0xFFFF), max_size=300), st.integers(0, 2**32))
def test_any_numbers_are_survived_and_what_is_asked_for_is_bounded(numbers, seed):
    watch, now_s, chance = GapWatch(), 0.0, random.Random(seed)
    for number in numbers:
        now_s += chance.random() * 0.05
        watch.arrived(number, now_s)
        asked = watch.due(now_s)
        assert len(asked) <= MAX_MISSING
        assert number not in asked


@given(st.integers(0, 0xFFFF), st.integers(0, 100_000))
def test_packets_passed_on_unseen_leave_no_gap(first, unseen):
    watch = GapWatch()
    watch.arrived(first, 0.0)
    watch.advance(unseen)
    watch.arrived((first + unseen + 2) & 0xFFFF, 1.0)
    assert watch.open
    assert watch.due(1.5) == ((first + unseen + 1) & 0xFFFF,)
    watch.arrived((first + unseen + 1) & 0xFFFF, 1.6)
    assert not watch.open


def test_a_duplicate_changes_nothing():
    watch = GapWatch()
    for number in (1, 2, 2, 1, 3):
        watch.arrived(number, 0.0)
    assert watch.due(10.0) == ()


@pytest.mark.parametrize("first", [0, 65_530])
def test_two_percent_loss_costs_two_percent_of_requests(first):
    chance = random.Random(7)
    lost = {number for number in range(1, 5000) if chance.random() < 0.02}
    asked = played(lost, count=5100, first=first, answer_s=0.04)
    assert len(asked) == len(lost)
