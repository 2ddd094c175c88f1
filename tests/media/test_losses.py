"""What never came is counted by sequence numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.media.losses import Losses


@given(
    st.integers(0, 0xFFFF),
    st.lists(st.booleans(), min_size=1, max_size=300),
    st.integers(0, 20),
    st.randoms(use_true_random=False),
)
def test_loss_is_what_was_sent_less_what_came_whatever_the_order(first, arrives, displaced, random):
    numbers = [(first + i) & 0xFFFF for i, came in enumerate(arrives) if came or i in (0, len(arrives) - 1)]
    order = sorted(range(len(numbers)), key=lambda i: i + random.uniform(0, displaced))
    # The first to come is the first that is known of.
    order.sort(key=lambda i: i != 0)
    losses = Losses()
    for i in order:
        losses.arrived(numbers[i])
    assert losses.lost == len(arrives) - len(numbers)


def test_packets_passed_on_unseen_are_counted_in_and_a_new_stream_begins_anew():
    losses = Losses()
    losses.advance(5)  # nothing known yet
    losses.arrived(65_534)
    losses.advance(3)
    losses.arrived(3)
    assert losses.lost == 1
    losses.restart()
    losses.arrived(40_000)
    losses.arrived(40_003)
    assert losses.lost == 3
    losses.arrived(40_001)
    losses.arrived(40_001)
    losses.arrived(40_001)
    assert losses.lost == 1
