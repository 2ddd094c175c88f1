"""Whoever sends, and however: each packet lies where it truly sounded, and no speech is missing or doubled."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from server.model.consultation import Role
from server.recording import journal
from server.recording.journal_reader import JournalReader
from server.recording.lay import Layer
from server.recording.placement import place
from server.recording.track import read_track

from .conftest import OPENED_AT
from .senders import NAME, NamingDecoder, Sender, Sent, send

TOLERANCE_S = 0.02


def laid(path: Path, sender: Sender, sent: Sent) -> dict[int, float]:
    """Return where each packet stands in the files, in seconds; each at most once."""
    header = journal.encode_header(journal.Header("c", OPENED_AT, Role.PATIENT))
    path.write_bytes(header + sent.records)
    track = read_track(path)
    layer = Layer(track, place(track), round(sender.length_s * 48_000), NamingDecoder())
    at, cursor = {}, 0
    with JournalReader(path) as reader:
        for piece in layer.pieces(reader):
            if len(piece.packet) == NAME.size:
                number = NAME.unpack(piece.packet)[1]
                assert number not in at
                at[number] = cursor / 48_000
            cursor += piece.samples
    return at


def check(path: Path, sender: Sender, tolerance_s: float = TOLERANCE_S) -> None:
    sent = send(sender)
    at = laid(path, sender, sent)
    off = {number: at_s - sent.began_s[number] for number, at_s in at.items()}
    worst = max(off, key=lambda number: abs(off[number]))
    assert abs(off[worst]) <= tolerance_s, (worst, sent.began_s[worst], off[worst])
    missing = {number for number in sent.delivered if sent.speech[number]} - at.keys()
    assert not missing, sorted(missing)[:5]


def moments(most: int, after_s: float):
    """Some (when, how long), each in a slot of 24 s of its own."""
    slots = st.lists(st.integers(0, 4), max_size=most, unique=True)
    return st.tuples(slots, st.lists(st.floats(0.1, 3.5), min_size=most, max_size=most)).map(
        lambda drawn: tuple(zip((24.0 * slot + after_s for slot in drawn[0]), drawn[1], strict=False))
    )


# A stall can only be told from a slow network by a report after it, so that reports are frequent here; and its moment
# is known as well as the jitter allows.
senders = st.builds(
    Sender,
    length_s=st.just(140.0),
    ppm=st.floats(-500, 500),
    ntp_ppm=st.floats(-50, 50),
    jitter_s=st.floats(0.0005, 0.015),
    loss=st.floats(0, 0.1),
    stalls=moments(2, 3.0),
    pauses=moments(3, 14.0),
    reconnects=moments(2, 20.0),
    report_every_s=st.floats(0.5, 2.5),
    seed=st.integers(0, 10_000),
)


@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(senders)
def test_whatever_happens_each_packet_is_within_20_ms_of_its_true_time(tmp_path, sender):
    check(tmp_path / "patient.jnl", sender)


@pytest.mark.parametrize("ppm", [-500, 500])
def test_after_90_minutes_at_500_ppm_each_packet_is_within_40_ms(tmp_path, ppm):
    happened = {"stalls": ((700.0, 4.0), (2500.0, 0.3)), "reconnects": ((1300.0, 7.0), (4000.0, 25.0))}
    check(tmp_path / "patient.jnl", Sender(5_400.0, ppm=ppm, loss=0.02, ntp_ppm=20, **happened), 0.04)


def test_a_minute_of_slow_network_is_not_taken_for_a_stall(tmp_path):
    check(tmp_path / "patient.jnl", Sender(240.0, slow=((80.0, 60.0, 0.3),)))


def test_a_network_that_slows_down_before_the_end_moves_nothing(tmp_path):
    check(tmp_path / "patient.jnl", Sender(120.0, slow=((100.0, 30.0, 0.8),)))


def test_a_slow_start_is_corrected_by_later_reports(tmp_path):
    check(tmp_path / "patient.jnl", Sender(120.0, slow=((0.0, 15.0, 0.4),)))


def test_sound_that_stands_still_before_the_first_report_is_noticed(tmp_path):
    check(tmp_path / "patient.jnl", Sender(120.0, stalls=((2.0, 0.5),), report_every_s=6.0, report_loss=0, seed=2))
