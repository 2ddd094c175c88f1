"""Journals to what people keep: each voice as received and as WAV, both mixed, waveform peaks, and the manifest."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from ..model.audio import OPUS_CLOCK_HZ
from ..model.consultation import Role
from ..model.errors import JournalUnreadable, NotFound
from ..model.recording_events import RecordingFile
from . import disk
from .files import NewFile, locked, write_file
from .journal_reader import JournalReader
from .manifest import MANIFEST_NAME, Interval, Manifest, read_manifest
from .mix import Mixer
from .parts import Hire, Order, Outline, Part, PartHere
from .peaks import PEAKS_NAME, Peaks, encode_peaks
from .session import Session, journal_path, read_session
from .voice import BLOCK_SAMPLES, described

MIX_NAME = "mixed.ogg"
OnProgress = Callable[[float], None]

PROGRESS_STEP = 0.01


def finalize_now(folder: Path, on_progress: OnProgress = lambda _: None, hire: Hire = PartHere) -> Manifest:
    """Make the files of a recording whose recorder is closed or dead; once made, only read the manifest.

    Blocks while everything is decoded, and calls `on_progress` meanwhile with how much of it is done (0 to 1).
    Where nothing was ever recorded there are no files. `hire` says where the work on a voice is done.

    Raises:
        NotFound: If the folder holds no recording.
        Conflict: If a live recorder, or another finalizer, works there.
        DiskFull: If there is no space; the journal stays and it can be tried again.
        Unavailable: If files cannot be read or written for another reason.
        JournalUnreadable: If the session file is damaged.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no recording in {folder}.")
    try:
        with locked(folder):
            return read_manifest(folder) or _make(folder, on_progress, hire)
    except OSError as error:
        raise disk.describe(error, folder) from error


@dataclass(frozen=True, slots=True)
class _Whole:
    """What both journals say together."""

    outlines: tuple[Outline, ...]

    @property
    def closed(self) -> bool:
        return any(outline.closed_s is not None for outline in self.outlines)

    @property
    def duration_s(self) -> float:
        """The noted end; if there is none, the last packet; if there is none either, the last mark."""
        ends = [outline.closed_s for outline in self.outlines if outline.closed_s is not None]
        ends = ends or [outline.last_packet_s for outline in self.outlines if outline.last_packet_s is not None]
        return max(0.0, *(ends or [outline.last_s for outline in self.outlines]))

    @property
    def recorded(self) -> tuple[Interval, ...]:
        """When recording was on. Both journals say the same unless one is damaged: the longer account counts."""
        known = max((outline.recorded for outline in self.outlines), key=len)
        end_s = self.duration_s
        pairs = [(start, end_s if end is None else min(end, end_s)) for start, end in known]
        return tuple(Interval(start_s=start, end_s=end) for start, end in pairs if start <= end)


def _make(folder: Path, on_progress: OnProgress, hire: Hire) -> Manifest:
    session = read_session(folder) or _session_of_journals(folder)
    with ExitStack() as stack:
        parts = [stack.enter_context(closing(hire(folder, role))) for role in Role]
        whole = _Whole(tuple(part.outline for part in parts))
        samples = round(whole.duration_s * OPUS_CLOCK_HZ)
        kept = bool(whole.recorded) or any(outline.packets for outline in whole.outlines)
        job = _Job(folder, session.consultation_id, samples, whole.recorded)
        files = _render(job, parts, on_progress) if kept else []
        accounts = [part.outcome.account for part in parts if part.outcome is not None]
    manifest = Manifest(
        consultation_id=session.consultation_id,
        opened_at=session.opened_at,
        duration_s=samples / OPUS_CLOCK_HZ,
        closed=whole.closed,
        recorded=whole.recorded,
        participants=tuple(accounts),
        files=tuple(files),
    )
    write_file(folder / MANIFEST_NAME, manifest.model_dump_json(indent=2).encode())
    return manifest


def _session_of_journals(folder: Path) -> Session:
    for role in Role:
        try:
            with JournalReader(journal_path(folder, role)) as journal:
                return Session(consultation_id=journal.header.consultation_id, opened_at=journal.header.opened_at)
        except (FileNotFoundError, JournalUnreadable):
            continue
    raise NotFound(f"There is no recording in {folder}: neither a session nor a readable journal.")


@dataclass(frozen=True, slots=True)
class _Job:
    folder: Path
    name: str
    samples: int
    recorded: tuple[Interval, ...]

    def order(self, role: Role) -> Order:
        return Order(self.samples, f"{self.name} {role.value}", self.recorded)


def _render(job: _Job, parts: list[Part], on_progress: OnProgress) -> list[RecordingFile]:
    """Write all files side by side, a second of both voices at a time."""
    peaks = {part.role: Peaks() for part in parts}
    told = 0.0
    with ExitStack() as stack:
        file = stack.enter_context(NewFile(job.folder / MIX_NAME))
        mixer = Mixer(file.write, job.name)
        blocks = [stack.enter_context(closing(part.blocks(job.order(part.role)))) for part in parts]
        mixing = stack.enter_context(ThreadPoolExecutor(1))  # libopus frees the interpreter while it encodes
        mixed: Future[None] | None = None
        for second, (left, right) in enumerate(zip(*blocks, strict=True)):
            if mixed is not None:
                mixed.result()
            mixed = mixing.submit(mixer.add, left, right)
            for one, sound in zip(peaks.values(), (left, right), strict=True):
                one.add(sound)
            done = min(1.0, (second + 1) * BLOCK_SAMPLES / job.samples)
            if done - told >= PROGRESS_STEP:
                told = done
                on_progress(done)
        if mixed is not None:
            mixed.result()
        mixer.close()
    write_file(job.folder / PEAKS_NAME, encode_peaks(job.samples / OPUS_CLOCK_HZ, peaks))
    files = [made for part in parts if part.outcome is not None for made in part.outcome.files]
    return [*files, described(file, None, "ogg", job.samples)]
