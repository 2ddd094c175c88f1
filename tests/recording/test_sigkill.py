import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from server.model.consultation import Role
from server.recording.journal import RecordType
from server.recording.journal_reader import JournalReader
from server.recording.recover import recover, unfinished
from server.recording.session import journal_path

from .dying_server import SLOTS

ROOT = Path(__file__).resolve().parents[2]
KILLS, AT_ONCE = 28, 4


@dataclass(frozen=True)
class Killed:
    """What a server that was killed left, and when it had taken each packet (ns)."""

    folder: Path
    taken_ns: np.ndarray

    def kept(self) -> list[tuple[int, float]]:
        """Return number and arrival of the packets in its journal."""
        path = journal_path(self.folder, Role.PATIENT)
        if not path.exists():
            return []
        with JournalReader(path) as journal:
            return [(r.sequence_number, r.at_ns / 1e9) for r in journal if r.type is RecordType.PACKET]


def record_and_kill(nursery: subprocess.Popen[str], recordings: Path, number: int) -> Killed:
    folder = recordings / f"consultation-{number:02}"
    progress = recordings.parent / f"progress-{number}"
    progress.write_bytes(bytes(8 * SLOTS))
    nursery.stdin.write(f"{folder}\t{progress}\n")
    nursery.stdin.flush()
    child = int(nursery.stdout.readline())
    time.sleep(random.Random(number).uniform(0.0, 1.5))
    os.kill(child, signal.SIGKILL)
    while Path(f"/proc/{child}").exists():
        time.sleep(0.001)
    taken = np.frombuffer(progress.read_bytes(), dtype=np.int64)
    return Killed(folder, taken[taken > 0])


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Iterator[list[Killed]]:
    recordings = tmp_path_factory.mktemp("sigkill") / "recordings"
    command = [sys.executable, "-m", "tests.recording.dying_server"]
    nurseries = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(AT_ONCE)
    ]

    def share(index: int) -> list[Killed]:
        return [record_and_kill(nurseries[index], recordings, number) for number in range(index, KILLS, AT_ONCE)]

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield [one for part in list(pool.map(share, range(AT_ONCE))) for one in part]
    finally:
        for nursery in nurseries:
            nursery.communicate()


def test_a_server_killed_at_any_moment_loses_at_most_the_last_second(killed):
    assert sum(len(one.taken_ns) for one in killed) > 300
    for one in killed:
        kept = [number for number, _ in one.kept()]
        assert kept == list(range(len(kept)))
        lost = one.taken_ns[len(kept) :]
        assert len(lost) == 0 or one.taken_ns[-1] - lost[0] < 1_000_000_000, (one.folder.name, len(kept))


def test_every_killed_recording_is_found_unfinished(killed):
    with_something = {one.folder for one in killed if one.kept()}
    assert with_something <= set(unfinished(killed[0].folder.parent))


async def test_a_killed_recording_is_recovered_up_to_its_last_packet(killed):
    longest = max(killed, key=lambda one: len(one.taken_ns))
    manifest = await recover(longest.folder)
    assert longest.folder not in unfinished(longest.folder.parent)
    assert not manifest.closed
    assert manifest.participants[1].packets == len(longest.kept())
    assert manifest.duration_s == pytest.approx(longest.kept()[-1][1], abs=0.001)
    assert len(manifest.files) == 5
