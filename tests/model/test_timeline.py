import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.model.timeline import STALL_S, RtpTimeline, TimestampUnwrapper

TICKS = 960
PACKET_S = 0.02
DELAY_S = 0.03

timestamps = st.integers(0, 2**32 - 1)
jitters = st.lists(st.floats(0, 0.1), min_size=1, max_size=300)


def run(timeline: RtpTimeline, first: int, arrivals: list[float], indices: list[int] | None = None) -> list[float]:
    order = indices if indices is not None else list(range(len(arrivals)))
    return [
        timeline.observe((first + TICKS * index) % 2**32, arrival)
        for index, arrival in zip(order, arrivals, strict=True)
    ]


def steady(count: int, start_s: float = 0.0, ppm: float = 0.0) -> list[float]:
    """Arrivals of packets that leave when their last sample sounded."""
    return [start_s + (index + 1) * PACKET_S * (1 + ppm / 1e6) + DELAY_S for index in range(count)]


@given(timestamps, st.lists(st.integers(-(2**31), 2**31 - 1), max_size=50))
def test_unwrapping_follows_every_step_shorter_than_half_a_turn(first, steps):
    unwrapper = TimestampUnwrapper()
    line = unwrapper.unwrap(first)
    for step in steps:
        assert unwrapper.unwrap((line + step) % 2**32) == line + step
        line += step


@given(timestamps)
def test_where_timestamps_begin_or_wrap_changes_nothing(first):
    arrivals = steady(200)
    assert run(RtpTimeline(), first, arrivals) == pytest.approx(run(RtpTimeline(), 0, arrivals), abs=1e-6)


@given(timestamps, jitters)
def test_jitter_never_moves_a_packet_by_more_than_itself(first, jitter):
    arrivals = [arrival + late for arrival, late in zip(steady(len(jitter)), jitter, strict=True)]
    for index, heard in enumerate(run(RtpTimeline(), first, arrivals)):
        assert -1e-6 <= heard - DELAY_S - index * PACKET_S <= max(jitter) + 1e-6


@given(timestamps, jitters)
def test_no_packet_sounds_later_than_it_could_have_been_sent(first, jitter):
    arrivals = [arrival + late for arrival, late in zip(steady(len(jitter)), jitter, strict=True)]
    for heard, arrival in zip(run(RtpTimeline(), first, arrivals), arrivals, strict=True):
        assert heard <= arrival - PACKET_S + 1e-6


@given(timestamps, st.permutations(range(8)), st.integers(1, 20))
def test_reordered_packets_get_the_times_they_have_in_order(first, shuffle, rounds):
    timeline = RtpTimeline()
    run(timeline, first, steady(10))
    for block in range(rounds):
        base = 10 + 8 * block
        for place, index in enumerate(shuffle):
            arrival = (base + 8 + place / 100) * PACKET_S + DELAY_S
            heard = timeline.observe((first + TICKS * (base + index)) % 2**32, arrival)
            assert heard == pytest.approx((base + index) * PACKET_S + DELAY_S, abs=1e-3)


@pytest.mark.parametrize("ppm", [-500, -100, 100, 500])
def test_clocks_500_ppm_apart_stay_within_10_ms_for_half_an_hour(ppm):
    timeline = RtpTimeline()
    for index, arrival in enumerate(steady(90_000, ppm=ppm)):
        heard = timeline.observe(index * TICKS % 2**32, arrival)
        if index % 500 == 0:
            assert heard == pytest.approx(arrival - PACKET_S, abs=0.01)


@given(st.floats(STALL_S + 0.05, 4.9))
def test_a_stalled_sender_is_found_after_a_second_of_packets(stall_s):
    timeline = RtpTimeline()
    run(timeline, 0, steady(500))
    after = [arrival + stall_s for arrival in steady(600)[500:]]
    heard = run(timeline, 500 * TICKS, after)
    assert heard[60] == pytest.approx(after[60] - PACKET_S, abs=1e-6)


@given(st.floats(5.1, 7200.0))
def test_a_long_stall_is_found_with_its_first_packet(stall_s):
    timeline = RtpTimeline()
    run(timeline, 0, steady(500))
    assert timeline.observe(500 * TICKS, 10.05 + stall_s) == pytest.approx(10.03 + stall_s, abs=1e-6)


def test_a_short_stall_is_found_within_the_window():
    timeline = RtpTimeline()
    run(timeline, 0, steady(500))
    after = [arrival + 0.1 for arrival in steady(1_100)[500:]]
    assert run(timeline, 500 * TICKS, after)[-1] == pytest.approx(after[-1] - PACKET_S, abs=1e-6)


@given(st.floats(0.2, 4.0))
def test_a_burst_after_an_outage_keeps_its_true_times(outage_s):
    timeline = RtpTimeline()
    run(timeline, 0, steady(500))
    held = int(outage_s / PACKET_S)
    end_s = 500 * PACKET_S + outage_s + DELAY_S
    arrivals = [end_s + place * 0.0005 for place in range(held)]
    for place, heard in enumerate(run(timeline, 500 * TICKS, arrivals)):
        assert heard == pytest.approx((500 + place) * PACKET_S + DELAY_S, abs=0.002)


def test_silence_that_rtp_time_accounts_for_is_no_stall():
    timeline = RtpTimeline()
    run(timeline, 0, steady(500))
    heard = timeline.observe(5_000 * TICKS, 5_001 * PACKET_S + DELAY_S)
    assert heard == pytest.approx(5_000 * PACKET_S + DELAY_S, abs=1e-6)


@given(st.lists(st.tuples(timestamps, st.floats(0, 0.5)), min_size=1, max_size=200))
def test_hostile_timestamps_never_leave_the_last_seconds(packets):
    timeline, arrival_s = RtpTimeline(), 100.0
    for timestamp, later_s in packets:
        arrival_s += later_s
        heard = timeline.observe(timestamp, arrival_s)
        assert arrival_s - 6.0 <= heard <= arrival_s


def test_longer_packets_begin_as_much_earlier():
    timeline = RtpTimeline()
    assert timeline.observe(0, 1.0, duration_s=0.06) == pytest.approx(0.94)
    assert timeline.observe(2_880, 1.06, duration_s=0.06) == pytest.approx(1.0)
