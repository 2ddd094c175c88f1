"""Writing to a recorder and reading its journals back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from server.model.audio import OpusPacket
from server.model.consultation import Role
from server.recording.journal import RecordType
from server.recording.journal_reader import JournalReader
from server.recording.recorder import Recorder
from server.recording.session import journal_path


def packet(number: int, arrival_s: float = 1.0) -> OpusPacket:
    return OpusPacket(1, number % 2**16, number * 960 % 2**32, b"\xf8\xff\xfe", arrival_s)


def types(folder, role: Role) -> list[RecordType]:
    with JournalReader(journal_path(folder, role)) as journal:
        return [record.type for record in journal]


def numbers(folder, role: Role) -> list[int]:
    with JournalReader(journal_path(folder, role)) as journal:
        return [record.sequence_number for record in journal if record.type is RecordType.PACKET]


@asynccontextmanager
async def recording(folder, clock) -> AsyncIterator[tuple[Recorder, list[str]]]:
    failures: list[str] = []
    recorder = Recorder(folder, clock.room, on_failure=failures.append)
    await recorder.open()
    try:
        yield recorder, failures
    finally:
        await recorder.close(9.0)


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - what is awaited happens in a thread
        await asyncio.sleep(0.005)
