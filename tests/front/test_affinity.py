"""A consultation lives in one worker, whoever asks and whatever ran before."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from server.front.affinity import owner, ranking

IDS = [f"4e3c5a9e-{n:04x}-4b7a-9a50-0123456789ab" for n in range(2000)]


def test_the_owner_never_changes_between_versions() -> None:
    assert [owner(f"consultation-{n}", 4) for n in range(12)] == [1, 1, 2, 2, 1, 3, 0, 1, 2, 2, 1, 1]


def test_consultations_spread_evenly() -> None:
    counts = Counter(owner(one, 4) for one in IDS)
    assert set(counts) == {0, 1, 2, 3}
    assert max(counts.values()) < 1.15 * len(IDS) / 4


def test_one_worker_more_moves_only_its_own_share() -> None:
    moved = [one for one in IDS if owner(one, 4) != owner(one, 5)]
    assert {owner(one, 5) for one in moved} == {4}
    assert len(moved) < 1.2 * len(IDS) / 5


@given(st.text(), st.integers(1, 64))
def test_any_text_has_an_owner_and_every_worker_a_place(key: str, workers: int) -> None:
    assert sorted(ranking(key, workers)) == list(range(workers))
    assert ranking(key, workers)[0] == owner(key, workers)
