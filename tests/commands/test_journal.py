"""`journal` shows every record of a journal, and how much of it is whole."""

import json
from datetime import UTC, datetime

import pytest

from server.__main__ import main
from server.model.audio import OpusPacket, SenderReport
from server.model.consultation import Role
from server.recording import journal
from server.recording.journal import RecordType

OPENED_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "patient.jnl"
    path.write_bytes(
        journal.encode_header(journal.Header("demo-0001", OPENED_AT, Role.PATIENT))
        + journal.encode_mark(RecordType.ON, 0.5)
        + journal.encode_packet(OpusPacket(7, 3, 960, b"\xf8\xff\xfe", 1.25))
        + journal.encode_report(SenderReport(7, 3_900_000_000.5, 1920, 1.5))
        + journal.encode_lost(4)
        + journal.encode_mark(RecordType.CLOSED, 2.0)
    )
    return path


def test_every_record_is_one_json_line(file, capsys):
    assert main(["journal", str(file), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["type"] for line in lines] == ["header", "on", "packet", "report", "lost", "closed", "end"]
    assert lines[0] == {
        "type": "header",
        "consultation_id": "demo-0001",
        "opened_at": "2026-03-01T09:30:00+00:00",
        "role": "patient",
    }
    packet = {"type": "packet", "at_s": 1.25, "ssrc": 7, "sequence_number": 3, "timestamp": 960, "bytes": 3, "ms": 20.0}
    assert lines[2] == packet
    assert lines[3] == {"type": "report", "at_s": 1.5, "ssrc": 7, "timestamp": 1920, "ntp_s": 3_900_000_000.5}
    assert lines[4] == {"type": "lost", "lost": 4}
    assert (lines[-1]["last_s"], lines[-1]["torn_bytes"]) == (2.0, 0)


def test_a_person_can_read_it(file, capsys):
    assert main(["journal", str(file)]) == 0
    out = capsys.readouterr().out
    assert "1.250000  packet     ssrc=7 sequence_number=3 timestamp=960 bytes=3 ms=20" in out
    assert main(["journal", str(file), "--summary"]) == 0
    assert "ssrc" not in capsys.readouterr().out


def test_a_torn_tail_is_told(file, capsys):
    file.write_bytes(file.read_bytes()[:-3])
    assert main(["journal", str(file), "--json"]) == 1
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert end["torn_bytes"] == 12
    assert "closed" not in end["records"]


def test_what_is_no_journal_is_said_in_a_sentence(tmp_path, capsys):
    assert main(["journal", str(tmp_path / "absent")]) == 1
    assert "There is no file" in capsys.readouterr().err
    (tmp_path / "other").write_bytes(b"something else entirely")
    assert main(["journal", str(tmp_path / "other")]) == 1
    assert "is not a journal" in capsys.readouterr().err
    assert main(["journal", str(tmp_path)]) == 1
    assert "cannot be read (is a directory)" in capsys.readouterr().err
