"""Servers that record until they are killed, and what they leave."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from server.model.consultation import Role
from server.recording.journal import RecordType
from server.recording.journal_reader import JournalReader
from server.recording.session import journal_path

from .dying_server import SLOTS

ROOT = Path(__file__).resolve().parents[2]


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

    def lost_s(self) -> float:
        """Return how much of the time before its death is not in its journal."""
        lost = self.taken_ns[len(self.kept()) :]
        return (self.taken_ns[-1] - lost[0]) / 1e9 if len(lost) else 0.0


def record_and_kill(nursery: subprocess.Popen[str], recordings: Path, number: int, longest_s: float) -> Killed:
    folder = recordings / f"consultation-{number:02}"
    progress = recordings.parent / f"progress-{number}"
    progress.write_bytes(bytes(8 * SLOTS))
    nursery.stdin.write(f"{folder}\t{progress}\n")
    nursery.stdin.flush()
    child = int(nursery.stdout.readline())
    time.sleep(random.Random(number).uniform(0.0, longest_s))
    os.kill(child, signal.SIGKILL)
    while Path(f"/proc/{child}").exists():
        time.sleep(0.001)
    taken = np.frombuffer(progress.read_bytes(), dtype=np.int64)
    return Killed(folder, taken[taken > 0])


def kill_many(
    recordings: Path, kills: int, *, at_once: int, longest_s: float, slow_sync_s: float = 0.0
) -> list[Killed]:
    """Kill so many servers, each at a random moment of its first `longest_s`."""
    command = [sys.executable, "-m", "tests.recording.dying_server", str(slow_sync_s)]
    nurseries = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(at_once)
    ]

    def share(index: int) -> list[Killed]:
        numbers = range(index, kills, at_once)
        return [record_and_kill(nurseries[index], recordings, number, longest_s) for number in numbers]

    try:
        with ThreadPoolExecutor(at_once) as pool:
            return [one for part in list(pool.map(share, range(at_once))) for one in part]
    finally:
        for nursery in nurseries:
            nursery.communicate()
