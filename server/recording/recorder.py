"""Keeps what both participants say, from the packets as they arrive, without ever disturbing the call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from ..model.audio import OpusPacket, SenderReport
from ..model.clock import RoomClock
from ..model.consultation import Role
from ..model.errors import Conflict, EscutaError
from . import disk, journal
from .files import FolderLock, make_private_folder
from .journal import RecordType
from .manifest import MANIFEST_NAME
from .session import JOURNAL_FOLDER, Session, journal_path, read_session, write_session
from .writer import JournalFile, JournalWriter

_SAME_OPENING_S = 0.01

log = structlog.get_logger()


class Recorder:
    """One consultation's journals.

    `folder` is `recordings/<consultation id>`; while open it is locked against every other process.
    `on_failure` is called on the event loop, once, with a sentence fit for a person, when packets can no longer
    be kept; what was written until then stays. A new Recorder on the same folder carries on after the cause
    is gone.
    """

    def __init__(self, folder: Path, clock: RoomClock, *, on_failure: Callable[[str], None]) -> None:
        self.folder = folder
        self.packets = 0
        self.rejected = 0
        self._clock = clock
        self._on_failure = on_failure
        self._lost_before = 0
        self._failure_said = False
        self._recording = False
        self._lock: FolderLock | None = None
        self._writer: JournalWriter | None = None

    @property
    def recording(self) -> bool:
        """Whether packets are kept at the moment."""
        return self._recording and self._writer is not None and not self._writer.failed

    @property
    def failed(self) -> bool:
        """Nothing can be written any more; a new Recorder on the same folder may carry on."""
        return self._writer is not None and self._writer.failed

    @property
    def lost(self) -> int:
        """How many records the disk was too slow, or unable, to take."""
        return self._lost_before + (self._writer.lost if self._writer else 0)

    @property
    def lag_s(self) -> float:
        """How long the oldest record that is not safe on disk yet has waited."""
        return self._writer.lag_s if self._writer else 0.0

    async def open(self) -> None:
        """Create the folder, or continue one that is not finished; recording is off until `start`.

        A folder that was finalized already is continued too, and counts as unfinished again.

        Raises:
            DiskFull: If there is no space.
            Unavailable: If the folder cannot be written.
            Conflict: If another process records there, or it belongs to another opening time.
            JournalUnreadable: If its session file is damaged.
        """
        if self._writer is not None:
            return
        loop = asyncio.get_running_loop()
        await _finish(partial(self._open_now, partial(self._report, loop)), undo=self._release)

    def write_packet(self, role: Role, packet: OpusPacket) -> None:
        """Keep a packet if recording is on. Never blocks, never raises."""
        if self._recording and self._writer is not None:
            try:
                self.packets += self._writer.append(role, journal.encode_packet(packet))
            except Exception:  # whatever a packet holds, its handler goes on
                self.rejected += 1

    def write_report(self, role: Role, report: SenderReport) -> None:
        """Keep a sender report if recording is on. Never blocks, never raises."""
        if self._recording:
            self._keep(role, lambda: journal.encode_report(report))

    def mark_connection(self, role: Role) -> None:
        """Say that a new RTCPeerConnection begins in that seat: SSRC and timestamps start anew."""
        at_s = self._clock.now_s()
        self._keep(role, lambda: journal.encode_mark(RecordType.CONNECTION, at_s))

    def start(self) -> None:
        """Keep packets from now on."""
        self._mark_recording(True)

    def stop(self) -> None:
        """Keep no packet from now on, until `start`."""
        self._mark_recording(False)

    async def close(self, ended_at_s: float) -> None:
        """Write and sync what waits and note that the consultation ended at that room time. Idempotent."""
        if self._writer is None:
            return
        if self._recording:
            self._mark_all(RecordType.OFF, ended_at_s)
            self._recording = False
        self._mark_all(RecordType.CLOSED, ended_at_s)
        await _finish(self._release)
        log.info("recording.closed", packets=self.packets, rejected=self.rejected, ended_at_s=round(ended_at_s, 3))

    def _mark_recording(self, on: bool) -> None:
        if self._writer is not None and on != self._recording:
            self._mark_all(RecordType.ON if on else RecordType.OFF, self._clock.now_s())
            self._recording = on

    def _mark_all(self, kind: RecordType, at_s: float) -> None:
        for role in Role:
            self._keep(role, lambda: journal.encode_mark(kind, at_s))

    def _keep(self, role: Role, encode: Callable[[], bytes]) -> bool:
        if self._writer is None:
            return False
        try:
            return self._writer.append(role, encode())
        except Exception:  # whatever a packet holds, its handler goes on
            self.rejected += 1
            return False

    def _open_now(self, on_error: Callable[[EscutaError], None]) -> None:
        try:
            make_private_folder(self.folder)
            make_private_folder(self.folder / JOURNAL_FOLDER)
            self._lock = FolderLock(self.folder)
            session = self._session()
            (self.folder / MANIFEST_NAME).unlink(missing_ok=True)
            self._writer = self._open_writer(session, on_error)
        except OSError as error:
            self._release()
            raise disk.describe(error, self.folder) from error
        except EscutaError:
            self._release()
            raise

    def _session(self) -> Session:
        known = read_session(self.folder)
        if known is None:
            known = Session(consultation_id=self.folder.name, opened_at=self._clock.opened_at)
            write_session(self.folder, known)
        apart_s = abs((known.opened_at - self._clock.opened_at).total_seconds())
        if apart_s > _SAME_OPENING_S:
            raise Conflict(
                f"Recording {self.folder.name} opened at {known.opened_at.isoformat()}, not at "
                f"{self._clock.opened_at.isoformat()}: use another folder."
            )
        return known

    def _open_writer(self, session: Session, on_error: Callable[[EscutaError], None]) -> JournalWriter:
        files: dict[Role, JournalFile] = {}
        try:
            for role in Role:
                header = journal.Header(session.consultation_id, session.opened_at, role)
                files[role] = JournalFile(journal_path(self.folder, role), header)
                files[role].append(journal.encode_mark(RecordType.OPENED, self._clock.now_s()))
        except OSError:
            for file in files.values():
                file.close()
            raise
        writer = JournalWriter(files, self.folder, on_error)
        writer.start()
        return writer

    def _release(self) -> None:
        writer, self._writer = self._writer, None
        lock, self._lock = self._lock, None
        if writer is not None:
            writer.close()
            self._lost_before += writer.lost
        if lock is not None:
            lock.release()

    def _report(self, loop: asyncio.AbstractEventLoop, error: EscutaError) -> None:
        try:
            loop.call_soon_threadsafe(self._say_failure, str(error))
        except RuntimeError:
            log.warning("recording.failure_unsaid", reason="the event loop has ended")

    def _say_failure(self, message: str) -> None:
        if not self._failure_said:
            self._failure_said = True
            try:
                self._on_failure(message)
            except Exception as error:  # the room's trouble must not end the recording of what can be kept
                log.error("recording.on_failure_failed", error=type(error).__name__)


async def _finish(step: Callable[[], None], undo: Callable[[], None] | None = None) -> None:
    """Run `step` in a thread to its end even when cancelled, for it holds files and a lock; then `undo` it."""
    running = asyncio.ensure_future(asyncio.to_thread(step))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if undo is not None and not running.cancelled() and running.exception() is None:
            await asyncio.to_thread(undo)
        raise
