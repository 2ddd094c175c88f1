"""Receiver reports of our own, against what was sent."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.alone import REPORT_EVERY_S, VIDEO_BPS, Alone
from server.media.reception import Reception
from server.media.rtcp import MaximumBitrate, Reports, parse_rtcp

NTP = 0xE000_0001_8000_0000


def cumulative(lost: int) -> int:
    return (lost & 0x7FFFFF) - (lost & 0x800000)


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.sets(st.integers(1, 398)))
def test_loss_is_counted_whatever_wraps(first, timestamp, lost):
    reception = Reception(7, 90_000, first)
    for number in range(400):
        if number not in lost:
            reception.arrived((first + number) & 0xFFFF, (timestamp + 900 * number) & 0xFFFFFFFF, number / 100)
    block = reception.block(4.0)
    assert cumulative(block.lost) == len(lost)
    assert block.lost >> 24 == 256 * len(lost) // 400
    assert block.highest_sequence == first + 399
    assert block.jitter == 0


def test_the_fraction_is_of_what_came_since_the_last_report():
    reception = Reception(7, 90_000, 0)
    for number in range(0, 100, 2):
        reception.arrived(number, 0, 1.0)
    assert reception.block(1.0).lost >> 24 == pytest.approx(128, abs=2)
    for number in range(99, 200):
        reception.arrived(number, 0, 2.0)
    assert reception.block(2.0).lost >> 24 == 0


def test_duplicates_are_negative_loss_and_no_fraction():
    reception = Reception(7, 90_000, 5)
    for number in (5, 6, 6, 6):
        reception.arrived(number, 0, 0.0)
    lost = reception.block(0.0).lost
    assert (lost >> 24, cumulative(lost)) == (0, -2)


def test_jitter_is_the_smoothed_change_of_the_way_time():
    chance, reception = random.Random(1), Reception(7, 48_000, 0)
    for number in range(2000):
        reception.arrived(number, 960 * number, number * 0.02 + chance.uniform(0, 0.06))
    # The mean difference of two even draws is a third of their range.
    assert reception.block(40.0).jitter / 48_000 == pytest.approx(0.02, rel=0.3)


def test_a_sender_report_is_answered_so_that_its_sender_knows_the_round_trip():
    reception = Reception(7, 90_000, 0)
    reception.sender_report(NTP, 10.0)
    block = reception.block(10.25)
    assert (block.last_sr, block.delay_since_last_sr) == (0x0001_8000, 16_384)


def test_one_who_is_alone_hears_once_a_second_how_it_arrives_and_to_send_little():
    alone, told = Alone(), []
    for number in range(400):
        now_s = number / 100
        alone.heard("audio", 1, (number, 480 * number), now_s)
        alone.heard("video", 2, (number, 900 * number), now_s)
        if number == 150:
            alone.sender_report(2, NTP, now_s)
        told.append(alone.due(9, now_s))
    sent = [parse_rtcp(data) for data in told if data is not None]
    assert len(sent) == 3
    for reports, remb in sent:
        assert isinstance(reports, Reports)
        assert [block.ssrc for block in reports.blocks] == [1, 2]
        assert isinstance(remb, MaximumBitrate)
        assert remb.mantissa << remb.exponent == VIDEO_BPS
        assert remb.ssrcs == (2,)
    assert sent[1][0].blocks[1].last_sr == 0x0001_8000


def test_after_a_listener_has_gone_the_count_begins_anew():
    alone = Alone()
    alone.heard("video", 2, (0, 0), 0.0)
    alone.heard("video", 2, (20_000, 0), 60.0)
    assert alone.due(9, 60.0) is None
    data = alone.due(9, 60.0 + REPORT_EVERY_S)
    assert data is not None
    reports = parse_rtcp(data)[0]
    assert isinstance(reports, Reports)
    assert reports.blocks[0].lost == 0
