from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.model.audio import OpusPacket
from server.model.clock import RoomClock
from server.model.consultation import Role
from server.recording.recorder import Recorder

OPENED_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.room = RoomClock(OPENED_AT, monotonic=lambda: self.seconds, wall=lambda: OPENED_AT)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recordings" / "consultation-1"


Record = Callable[..., object]


@pytest.fixture
def record(folder: Path, clock: HandClock) -> Record:
    """Record connections of packets per seat into `folder`, as one run of a server would."""

    async def run(sent: Mapping[Role, Iterable[Iterable[OpusPacket]]], ended_at_s: float | None) -> None:
        failures: list[str] = []
        recorder = Recorder(folder, clock.room, on_failure=failures.append)
        await recorder.open()
        recorder.start()
        for role, connections in sent.items():
            for packets in connections:
                recorder.mark_connection(role)
                for packet in packets:
                    recorder.write_packet(role, packet)
        if ended_at_s is None:
            recorder._release()  # what a dead process leaves, less its unwritten records
        else:
            await recorder.close(ended_at_s)
        assert failures == []

    return run
