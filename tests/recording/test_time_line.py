"""An event at room time t is at t in both files, whatever the way there was like."""

import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest

from server.model.audio import OpusPacket
from server.model.consultation import Role
from server.recording.manifest import Manifest
from server.recording.render import finalize_now

from .sound import BURST_S, Leg, bursts, by_arrival, encode, onsets, read_sound, stalled

CLINICIAN, PATIENT = Role.CLINICIAN, Role.PATIENT
TOLERANCE_S = 0.05
TIMES = (0.5, 2.0, 3.5, 5.0, 6.5, 8.0, 9.5)
LENGTH_S = 10.5
_random = random.Random(11)
_jitter = [_random.expovariate(1 / 0.015) + 0.02 for _ in range(5_000)]


def heard(folder, manifest: Manifest, role: Role) -> list[float]:
    """Return the bursts of both files of `role`; they must agree."""
    ogg, wav = (read_sound(folder / f"{role.value}.{kind}") for kind in ("ogg", "wav"))
    assert len(ogg) == len(wav) == round(manifest.duration_s * 48_000)
    assert onsets(ogg) == pytest.approx(onsets(wav), abs=0.005)
    return onsets(wav)


def assert_at(found: Iterable[float], expected: Iterable[float]) -> None:
    assert list(found) == pytest.approx(list(expected), abs=TOLERANCE_S)


async def finalized(folder, record, sent: list[OpusPacket], *others: list[OpusPacket], ended_at_s=12.0) -> Manifest:
    await record({CLINICIAN: [by_arrival(sent), *(by_arrival(other) for other in others)]}, ended_at_s)
    return finalize_now(folder)


@pytest.mark.parametrize("packet_ms", [10, 20, 40, 60])
async def test_packets_of_every_length(folder, record, packet_ms):
    payloads = encode(bursts(LENGTH_S, TIMES), packet_ms)
    manifest = await finalized(folder, record, Leg(packet_ms=packet_ms).packets(payloads))
    assert_at(heard(folder, manifest, CLINICIAN), TIMES)
    assert manifest.participants[0].packets == len(payloads)


async def test_lengths_may_change_in_one_stream(folder, record):
    short = Leg().packets(encode(bursts(5.4, [0.5, 2.0])))
    long = Leg(start_s=5.4, packet_ms=60).packets(encode(bursts(4.8, [1.1, 4.0]), 60))
    joined = [
        replace(packet, timestamp=(short[-1].timestamp + 960 + 2_880 * index) % 2**32)
        for index, packet in enumerate(long)
    ]
    manifest = await finalized(folder, record, short + joined)
    assert_at(heard(folder, manifest, CLINICIAN), [0.5, 2.0, 6.5, 9.4])


async def test_jitter_and_reordering(folder, record):
    packets = Leg(delay_s=lambda index: _jitter[index]).packets(encode(bursts(LENGTH_S, TIMES)))
    assert any(late.arrival_s < early.arrival_s for early, late in pairwise(packets))
    manifest = await finalized(folder, record, packets)
    assert_at(heard(folder, manifest, CLINICIAN), TIMES)
    assert manifest.participants[0].lost == manifest.participants[0].dropped == 0


async def test_loss_is_counted_and_moves_nothing(folder, record):
    packets = Leg().packets(encode(bursts(LENGTH_S, TIMES)))
    kept = [packet for index, packet in enumerate(packets) if index in (0, len(packets) - 1) or _jitter[index] < 0.07]
    manifest = await finalized(folder, record, kept)
    assert_at(heard(folder, manifest, CLINICIAN), TIMES)
    assert manifest.participants[0].lost == len(packets) - len(kept) > 5


async def test_duplicates_are_heard_once(folder, record):
    packets = Leg().packets(encode(bursts(LENGTH_S, TIMES)))
    again = [replace(packet, arrival_s=packet.arrival_s + 0.1) for packet in packets[::3]]
    manifest = await finalized(folder, record, packets + again)
    assert_at(heard(folder, manifest, CLINICIAN), TIMES)
    assert manifest.participants[0].duplicates == len(again)


async def test_discontinuous_transmission(folder, record):
    packets = Leg().packets(encode(bursts(LENGTH_S, TIMES)))
    speaking = [
        packet
        for index, packet in enumerate(packets)
        if index % 20 == 0 or any(-0.04 <= index * 0.02 - at_s <= BURST_S + 0.04 for at_s in TIMES)
    ]
    numbered = [replace(packet, sequence_number=index) for index, packet in enumerate(speaking)]
    manifest = await finalized(folder, record, numbered)
    assert_at(heard(folder, manifest, CLINICIAN), TIMES)
    clinician = manifest.participants[0]
    assert clinician.lost == 0
    assert [gap for gap in clinician.gaps if gap.end_s < LENGTH_S] == []


async def test_mute_that_sends_nothing_while_rtp_time_goes_on(folder, record):
    packets = Leg().packets(encode(bursts(LENGTH_S, TIMES)))
    kept = [packet for index, packet in enumerate(packets) if not 175 <= index < 290]
    manifest = await finalized(folder, record, kept)
    assert_at(heard(folder, manifest, CLINICIAN), [0.5, 2.0, 6.5, 8.0, 9.5])
    (gap,) = [gap for gap in manifest.participants[0].gaps if gap.end_s < LENGTH_S]
    assert (gap.start_s, gap.end_s) == pytest.approx((3.53, 5.83), abs=0.01)


@pytest.mark.parametrize("stall_s", [0.1, 0.7, 3.0, 90.0])
async def test_a_sender_whose_rtp_time_stood_still(folder, record, stall_s):
    packets = stalled(Leg().packets(encode(bursts(LENGTH_S, TIMES))), after=149, stall_s=stall_s)
    manifest = await finalized(folder, record, packets, ended_at_s=12 + stall_s)
    assert_at(heard(folder, manifest, CLINICIAN), [at_s if at_s < 3 else at_s + stall_s for at_s in TIMES])


async def test_a_stall_shortly_before_the_end(folder, record):
    packets = stalled(Leg().packets(encode(bursts(LENGTH_S, TIMES))), after=470, stall_s=40.0)
    manifest = await finalized(folder, record, packets, ended_at_s=60.0)
    assert_at(heard(folder, manifest, CLINICIAN), [*TIMES[:-1], 49.5])


async def test_a_network_outage_with_everything_delivered_late(folder, record):
    packets = [
        replace(packet, arrival_s=max(packet.arrival_s, 5.0)) if packet.arrival_s > 2.0 else packet
        for packet in Leg().packets(encode(bursts(LENGTH_S, TIMES)))
    ]
    manifest = await finalized(folder, record, packets)
    assert_at(heard(folder, manifest, CLINICIAN), TIMES)


async def test_a_slow_start(folder, record):
    leg = Leg(delay_s=lambda index: 0.03 + max(0.0, 0.5 - index * 0.015))
    manifest = await finalized(folder, record, leg.packets(encode(bursts(LENGTH_S, TIMES))))
    assert_at(heard(folder, manifest, CLINICIAN), TIMES)


@pytest.mark.parametrize("same_ssrc", [False, True])
async def test_a_reconnect_with_new_timestamps(folder, record, same_ssrc):
    payloads = encode(bursts(4.5, [0.5, 2.0, 3.5]))
    first = Leg(start_s=0.2).packets(payloads)
    second = Leg(
        start_s=7.3, ssrc=first[0].ssrc if same_ssrc else 99, first_timestamp=123_456, first_sequence=7
    ).packets(payloads)
    manifest = await finalized(folder, record, first, second, ended_at_s=14.0)
    assert_at(heard(folder, manifest, CLINICIAN), [0.7, 2.2, 3.7, 7.8, 9.3, 10.8])
    assert manifest.participants[0].connections == 2


@pytest.mark.parametrize("step_s", [-5000.0, -30.0, -1.5, 3.0, 30.0, 5000.0])
async def test_timestamps_that_jump_without_a_word(folder, record, step_s):
    payloads = encode(bursts(4.5, [0.5, 2.0, 3.5]))
    first = Leg(start_s=0.2).packets(payloads)
    timestamp = (first[-1].timestamp + round(step_s * 48_000)) % 2**32
    second = Leg(start_s=6.3, first_timestamp=timestamp, first_sequence=65_500 + len(first)).packets(payloads)
    manifest = await finalized(folder, record, first + second, ended_at_s=14.0)
    assert_at(heard(folder, manifest, CLINICIAN), [0.7, 2.2, 3.7, 6.8, 8.3, 9.8])


@pytest.mark.parametrize("ppm", [-3_000, 3_000])
async def test_drift_is_corrected(folder, record, ppm):
    """3000 ppm for 40 s is what 500 ppm are in 4 minutes: 120 ms, three corrections or more."""
    times = [1.0 + 2.9 * number for number in range(13)]
    packets = Leg(clock_ppm=ppm).packets(encode(bursts(40.0, times)))
    manifest = await finalized(folder, record, packets, ended_at_s=41.0)
    assert_at(heard(folder, manifest, CLINICIAN), [at_s / (1 + ppm / 1e6) for at_s in times])
    assert manifest.participants[0].dropped <= 12


async def test_both_participants_share_the_time_line(folder, record):
    clinician = Leg(start_s=0.0).packets(encode(bursts(LENGTH_S, TIMES)))
    patient = Leg(start_s=3.1, ssrc=5, first_timestamp=17, packet_ms=60).packets(encode(bursts(6.0, [0.5, 2.0]), 60))
    await record({CLINICIAN: [clinician], PATIENT: [patient]}, 11.0)
    manifest = finalize_now(folder)
    assert_at(heard(folder, manifest, CLINICIAN), TIMES)
    assert_at(heard(folder, manifest, PATIENT), [3.6, 5.1])


async def test_two_streams_at_once_are_not_mixed_into_a_longer_one(folder, record):
    payloads = encode(bursts(LENGTH_S, TIMES))
    manifest = await finalized(folder, record, Leg().packets(payloads) + Leg(ssrc=2).packets(payloads))
    assert_at(heard(folder, manifest, CLINICIAN), TIMES)
