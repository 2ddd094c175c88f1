"""Forks recorders that record until they are killed: `python -m tests.recording.dying_server [SYNC_S]`.

Each line "FOLDER<tab>PROGRESS" on standard input starts one and is answered with its process id. PROGRESS is
mapped memory, so that it survives SIGKILL: for each packet handed to the recorder, its number's slot holds when
that was (monotonic nanoseconds). Each sync takes SYNC_S longer, as on a slow disk. Room time runs at four times the
real pace.
"""

import asyncio
import mmap
import os
import signal
import struct
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from server.model.audio import OpusPacket
from server.model.clock import RoomClock
from server.model.consultation import Role
from server.recording.recorder import Recorder

SLOTS = 2_000
PAYLOAD = b"\xf8\xff\xfe"
PACKET_S = 0.02


def slow_down(sync_s: float) -> None:
    fdatasync = os.fdatasync

    def slow(descriptor: int) -> None:
        time.sleep(sync_s)
        fdatasync(descriptor)

    os.fdatasync = slow


async def record(folder: Path, progress: mmap.mmap) -> None:
    recorder = Recorder(folder, RoomClock(datetime.now(UTC)), on_failure=sys.exit)
    await recorder.open()
    recorder.start()
    for number in range(SLOTS):
        packet = OpusPacket(1, number, number * 960, PAYLOAD, (number + 1) * PACKET_S)
        recorder.write_packet(Role.PATIENT, packet)
        struct.pack_into("<q", progress, 8 * number, time.monotonic_ns())
        await asyncio.sleep(PACKET_S / 4)


def main() -> None:
    if len(sys.argv) > 1:
        slow_down(float(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        folder, progress = line.strip().split("\t")
        child = os.fork()
        if child == 0:
            with Path(progress).open("r+b") as file:
                asyncio.run(record(Path(folder), mmap.mmap(file.fileno(), 8 * SLOTS)))
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
