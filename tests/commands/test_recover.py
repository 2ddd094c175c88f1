"""`recover` finishes what a killed server left, and says what it could not."""

import json
import shutil
import subprocess
import sys
import wave

import pytest

from server.__main__ import main

# A server that is killed while it records: two seconds of both participants' silence, then nothing more.
CRASH = """
import asyncio, os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from server.model.audio import OpusPacket
from server.model.clock import RoomClock
from server.model.consultation import Role
from server.recording.recorder import Recorder

async def main():
    recorder = Recorder(Path(sys.argv[1]), RoomClock(datetime.now(UTC)), on_failure=print)
    await recorder.open()
    recorder.start()
    for role in Role:
        recorder.mark_connection(role)
        for number in range(100):
            packet = OpusPacket(7, number, number * 960, b"\\xf8\\xff\\xfe", number * 0.02)
            recorder.write_packet(role, packet)
    await asyncio.sleep(2)  # longer than the journal waits before it writes
    os._exit(9)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash") / "demo-0001"
    ended = subprocess.run([sys.executable, "-c", CRASH, str(folder)])
    assert ended.returncode == 9
    return folder


@pytest.fixture
def crashed(left, workplace):
    return shutil.copytree(left, workplace / "recordings" / left.name)


def test_a_crashed_recording_is_finished(crashed, capsys):
    assert main(["recover", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["recordings"]
    assert one["consultation_id"] == "demo-0001"
    assert one["closed"] is False
    assert {"clinician.ogg", "patient.ogg", "clinician.wav", "patient.wav"} <= set(one["files"])
    with wave.open(str(crashed / "patient.wav")) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(one["duration_s"], abs=0.02)
    assert one["duration_s"] == pytest.approx(2.0, abs=0.1)


def test_a_second_run_finds_nothing(crashed, capsys):
    assert main(["recover"]) == 0
    assert "demo-0001: 2.0 s finalized" in capsys.readouterr().out
    assert main(["recover"]) == 0
    assert "Nothing is unfinished" in capsys.readouterr().out


def test_what_cannot_be_finished_is_named_and_does_not_stop_the_rest(crashed, workplace, capsys):
    broken = workplace / "recordings" / "demo-0000"
    (broken / "journal").mkdir(parents=True)
    assert main(["recover", "--json"]) == 1
    first, second = json.loads(capsys.readouterr().out)["recordings"]
    assert first["error"]
    assert second["consultation_id"] == "demo-0001"
    assert "error" not in second
