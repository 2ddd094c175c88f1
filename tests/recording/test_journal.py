import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.model.audio import OpusPacket, SenderReport
from server.model.consultation import Role
from server.model.errors import JournalUnreadable
from server.recording import journal
from server.recording.journal import Header, RecordType
from server.recording.journal_reader import JournalReader, valid_length

HEADER = Header("consultation-1", datetime(2026, 3, 1, tzinfo=UTC), Role.PATIENT)
packets = st.builds(
    OpusPacket,
    ssrc=st.integers(0, 2**32 - 1),
    sequence_number=st.integers(0, 2**16 - 1),
    timestamp=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=100),
    arrival_s=st.floats(0, 1e6),
    marker=st.booleans(),
)


def written(tmp_path, *records: bytes):
    path = tmp_path / "patient.jnl"
    path.write_bytes(journal.encode_header(HEADER) + b"".join(records))
    return path


def read(path) -> list[OpusPacket]:
    with JournalReader(path) as reader:
        return [
            OpusPacket(
                record.ssrc,
                record.sequence_number,
                record.timestamp,
                reader.payload(record.payload_start, record.payload_end),
                record.at_ns / 1e9,
                record.marker,
            )
            for record in reader
        ]


@given(st.lists(packets, max_size=10))
def test_packets_come_back_as_they_were(tmp_path_factory, sent):
    path = written(tmp_path_factory.mktemp("journal"), *map(journal.encode_packet, sent))
    back = read(path)
    assert [(p.ssrc, p.sequence_number, p.timestamp, p.payload, p.marker) for p in back] == [
        (p.ssrc, p.sequence_number, p.timestamp, p.payload, p.marker) for p in sent
    ]
    assert [p.arrival_s for p in back] == pytest.approx([p.arrival_s for p in sent], abs=1e-9, rel=1e-9)


def test_marks_and_reports_come_back(tmp_path):
    report = SenderReport(ssrc=7, ntp_s=3.98e9 + 0.25, timestamp=2**32 - 1, arrival_s=1.5)
    path = written(
        tmp_path,
        journal.encode_mark(RecordType.ON, 0.5),
        journal.encode_report(report),
        journal.encode_lost(12),
        journal.encode_mark(RecordType.CLOSED, 2.0),
    )
    with JournalReader(path) as reader:
        on, sent, lost, closed = reader
        assert reader.header == HEADER
    assert (on.type, on.at_ns, closed.type, closed.at_ns) == (RecordType.ON, 5 * 10**8, RecordType.CLOSED, 2 * 10**9)
    assert (sent.ssrc, sent.ntp_s, sent.timestamp, sent.at_ns) == (7, report.ntp_s, 2**32 - 1, 15 * 10**8)
    assert lost.lost == 12


def numbered(count: int) -> list[bytes]:
    return [journal.encode_packet(OpusPacket(1, index, index, b"x" * index, index / 50)) for index in range(count)]


def test_a_tail_torn_at_any_byte_loses_only_the_record_it_tears(tmp_path):
    records = numbered(4)
    path = written(tmp_path, *records)
    whole, last = path.read_bytes(), len(records[-1])
    for cut in range(1, last + 1):
        path.write_bytes(whole[:-cut])
        assert len(read(path)) == 3
        assert valid_length(path) == len(whole) - last


def test_a_changed_byte_ends_the_reading_before_it(tmp_path):
    records = numbered(3)
    path = written(tmp_path, *records)
    whole = path.read_bytes()
    begin = len(whole) - len(records[2])
    for place in range(begin, len(whole)):
        path.write_bytes(whole[:place] + bytes((whole[place] ^ 0x55,)) + whole[place + 1 :])
        assert len(read(path)) == 2


@given(st.binary(max_size=200))
def test_garbage_after_the_header_is_never_fatal(tmp_path_factory, garbage):
    path = written(tmp_path_factory.mktemp("journal"), *numbered(2), garbage)
    assert len(read(path)) >= 2


def test_kinds_of_records_not_yet_known_are_passed_over(tmp_path):
    first, second = numbered(2)
    path = written(tmp_path, first, journal._record(99, b"from the future"), second)
    with JournalReader(path) as reader:
        assert [record.sequence_number for record in reader] == [0, 1]


@pytest.mark.parametrize("length", [0, 1, 11, 12, 60])
def test_a_header_cut_short_is_unreadable(tmp_path, length):
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(JournalUnreadable, match=r"patient\.jnl"):
        JournalReader(path)
    assert valid_length(path) == 0


def test_another_version_is_refused_by_number(tmp_path):
    path = written(tmp_path)
    content = bytearray(path.read_bytes())
    content[8] = 9
    path.write_bytes(content)
    with pytest.raises(JournalUnreadable, match="version 9"):
        JournalReader(path)


@pytest.mark.parametrize(
    "packet",
    [
        OpusPacket(2**32, 0, 0, b"", 0.0),
        OpusPacket(0, 2**16, 0, b"", 0.0),
        OpusPacket(0, 0, -1, b"", 0.0),
        OpusPacket(0, 0, 0, b"", math.nan),
        OpusPacket(0, 0, 0, b"", math.inf),
        OpusPacket(0, 0, 0, bytes(70_000), 0.0),
    ],
)
def test_what_fits_no_record_is_refused(packet):
    with pytest.raises(ValueError, match=r"record|room time|NaN"):
        journal.encode_packet(packet)


@given(st.integers(0, 300))
def test_whole_records_are_counted_in_a_cut_batch(length):
    records = numbered(6)
    batch = b"".join(records)
    whole = journal.whole_records(batch, min(length, len(batch)))
    ends = [0]
    for record in records:
        ends.append(ends[-1] + len(record))
    assert whole == max(end for end in ends if end <= length)
