"""Journals to what people keep: each voice as received and as WAV, both mixed, waveform peaks, and the manifest."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ..model.audio import OPUS_CLOCK_HZ
from ..model.consultation import Role
from ..model.errors import JournalUnreadable, NotFound
from ..model.events import RecordingFile
from . import disk
from .files import NewFile, locked, write_file
from .journal_reader import JournalReader
from .manifest import MANIFEST_NAME, Interval, Manifest, ParticipantAudio, read_manifest
from .mix import Mixer
from .peaks import PEAKS_NAME, Peaks, encode_peaks
from .session import Session, journal_path, read_session
from .track import Track, read_track
from .voice import BLOCK_SAMPLES, Voice, described

MIX_NAME = "mixed.ogg"
OnProgress = Callable[[float], None]

PROGRESS_STEP = 0.01


def finalize_now(folder: Path, on_progress: OnProgress = lambda _: None) -> Manifest:
    """Make the files of a recording whose recorder is closed or dead; once made, only read the manifest.

    Blocks while everything is decoded, and calls `on_progress` meanwhile with how much of it is done (0 to 1).
    Where nothing was ever recorded there are no files.

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
            return read_manifest(folder) or _make(folder, on_progress)
    except OSError as error:
        raise disk.describe(error, folder) from error


@dataclass(frozen=True, slots=True)
class _Recording:
    """Both journals read once, and what they say together."""

    folder: Path
    session: Session
    tracks: dict[Role, Track]

    @property
    def closed(self) -> bool:
        return any(track.history.closed_s is not None for track in self.tracks.values())

    @property
    def duration_s(self) -> float:
        """The noted end; if there is none, the last packet; if there is none either, the last mark."""
        tracks = self.tracks.values()
        ends = [track.history.closed_s for track in tracks if track.history.closed_s is not None]
        ends = ends or [track.last_packet_s for track in tracks if track.last_packet_s is not None]
        return max(0.0, *(ends or [track.history.last_s for track in tracks]))

    @property
    def recorded(self) -> tuple[Interval, ...]:
        """When recording was on. Both journals say the same unless one is damaged: the longer account counts."""
        known = max((track.history.recorded for track in self.tracks.values()), key=len)
        end_s = self.duration_s
        pairs = [(start, end_s if end is None else min(end, end_s)) for start, end in known]
        return tuple(Interval(start_s=start, end_s=end) for start, end in pairs if start <= end)


def _make(folder: Path, on_progress: OnProgress) -> Manifest:
    session = read_session(folder) or _session_of_journals(folder)
    tracks = {role: read_track(journal_path(folder, role)) for role in Role}
    recording = _Recording(folder, session, tracks)
    samples = round(recording.duration_s * OPUS_CLOCK_HZ)
    kept = bool(recording.recorded) or any(len(track.ticks) for track in tracks.values())
    files, participants = _render(recording, samples, on_progress) if kept else ([], [])
    manifest = Manifest(
        consultation_id=session.consultation_id,
        opened_at=session.opened_at,
        duration_s=samples / OPUS_CLOCK_HZ,
        closed=recording.closed,
        recorded=recording.recorded,
        participants=tuple(participants),
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


def _render(
    recording: _Recording, samples: int, on_progress: OnProgress
) -> tuple[list[RecordingFile], list[ParticipantAudio]]:
    """Write all files side by side, a second of both voices at a time."""
    folder, name = recording.folder, recording.session.consultation_id
    voices = [Voice(folder, role, recording.tracks[role], samples) for role in Role]
    peaks = {role: Peaks() for role in Role}
    told = 0.0
    with ExitStack() as stack:
        for voice in voices:
            stack.enter_context(voice)
        file = stack.enter_context(NewFile(folder / MIX_NAME))
        mixer = Mixer(file.write, name)
        blocks = zip(*(voice.blocks(f"{name} {voice.role.value}") for voice in voices), strict=True)
        mixing = stack.enter_context(ThreadPoolExecutor(1))  # libopus frees the interpreter while it encodes
        mixed: Future[None] | None = None
        for second, (left, right) in enumerate(blocks):
            if mixed is not None:
                mixed.result()
            mixed = mixing.submit(mixer.add, left, right)
            for one, sound in zip(peaks.values(), (left, right), strict=True):
                one.add(sound)
            done = min(1.0, (second + 1) * BLOCK_SAMPLES / samples)
            if done - told >= PROGRESS_STEP:
                told = done
                on_progress(done)
        if mixed is not None:
            mixed.result()
        mixer.close()
    write_file(folder / PEAKS_NAME, encode_peaks(samples / OPUS_CLOCK_HZ, peaks))
    files = [made for voice in voices for made in voice.files()]
    files.append(described(file, None, "ogg", samples))
    return files, [voice.account(recording.recorded) for voice in voices]
