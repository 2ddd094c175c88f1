"""The bad network does what it says, the same for the same seed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .link import Burst, Conditions, Link

INTERVAL_S = 0.01


def sent(conditions: Conditions, count: int = 20_000, seed: int = 1, size: int = 1000) -> list[list[float]]:
    """Return the arrivals of `count` datagrams, one every 10 ms."""
    link = Link(seed, conditions)
    return [link.arrivals(size, number * INTERVAL_S) for number in range(count)]


@given(st.integers(0, 99), st.floats(0, 0.5), st.floats(0, 0.3), st.floats(0, 0.5))
def test_one_seed_is_one_network(seed, loss, jitter_s, duplicate):
    conditions = Conditions(loss=loss, delay_s=0.3, jitter_s=jitter_s, duplicate=duplicate)
    assert sent(conditions, 50, seed) == sent(conditions, 50, seed)


def test_a_good_network_delivers_at_once():
    assert sent(Conditions(), 5) == [[number * INTERVAL_S] for number in range(5)]


def test_random_loss_takes_its_share():
    lost = sum(not arrivals for arrivals in sent(Conditions(loss=0.1)))
    assert lost == pytest.approx(2000, rel=0.1)


def test_bursts_take_their_share_many_at_a_time():
    fates = [bool(arrivals) for arrivals in sent(Conditions(burst=Burst(0.05, 8)), 100_000)]
    runs = [len(list(run)) for delivered, run in itertools.groupby(fates) if not delivered]
    assert sum(runs) == pytest.approx(5000, rel=0.15)
    assert sum(runs) / len(runs) == pytest.approx(8, rel=0.15)


@given(st.integers(0, 99))
def test_jitter_stays_in_its_bounds_and_keeps_the_order(seed):
    arrivals = sent(Conditions(delay_s=0.15, jitter_s=0.05), 300, seed)
    delays = [after[0] - number * INTERVAL_S for number, after in enumerate(arrivals)]
    assert min(delays) >= 0.1 - 1e-9
    assert max(delays) <= 0.2 + 1e-9
    assert max(delays) - min(delays) > 0.05
    assert all(later[0] >= earlier[0] for earlier, later in itertools.pairwise(arrivals))


def test_some_overtake_others_when_asked_for():
    arrivals = sent(Conditions(delay_s=0.15, jitter_s=0.05, reorder=0.1), 2000)
    overtaken = sum(later[0] < earlier[0] for earlier, later in itertools.pairwise(arrivals))
    assert 100 < overtaken < 250


def test_some_come_twice_when_asked_for():
    assert sum(len(arrivals) == 2 for arrivals in sent(Conditions(duplicate=0.2))) == pytest.approx(4000, rel=0.1)


def test_a_rate_is_kept_and_the_queue_is_bounded():
    conditions = Conditions(rate_bps=400_000, queue_s=0.2)
    arrivals = sent(conditions, 1000)
    through = [(number * INTERVAL_S, after[0]) for number, after in enumerate(arrivals) if after]
    assert len(through) * 8000 / 10.0 == pytest.approx(400_000, rel=0.05)
    assert max(arrival_s - offered_s for offered_s, arrival_s in through) <= 0.2 + 8000 / 400_000 + 1e-9


def test_the_network_can_be_changed_while_it_runs():
    link = Link()
    link.conditions = Conditions(blackout=True)
    assert link.arrivals(100, 0.0) == []
    link.conditions = Conditions(delay_s=0.1)
    assert link.arrivals(100, 1.0) == [1.1]
    assert (link.counters.lost, link.counters.delivered) == (1, 1)
