"""Journals to what people keep: Ogg/Opus as received, WAV, and the manifest."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..model.audio import OPUS_CLOCK_HZ
from ..model.consultation import Role
from ..model.errors import JournalUnreadable, NotFound
from ..model.events import RecordingFile
from . import disk
from .files import NewFile, locked, write_file
from .journal_reader import JournalReader
from .lay import GAP_S, Layer, Piece
from .manifest import MANIFEST_NAME, Interval, Manifest, ParticipantAudio, read_manifest
from .ogg import PRE_SKIP, SHORTEST, OggOpusWriter
from .opus_packet import silence
from .pcm import SAMPLE_BYTES, Decoder, wav_header
from .placement import place
from .session import Session, journal_path, read_session
from .track import Track, read_track


def finalize_now(folder: Path) -> Manifest:
    """Make the files of a recording whose recorder is closed or dead; once made, only read the manifest.

    Blocks while everything is decoded. Where nothing was ever recorded there are no files.

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
            return read_manifest(folder) or _make(folder)
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


def _make(folder: Path) -> Manifest:
    session = read_session(folder) or _session_of_journals(folder)
    tracks = {role: read_track(journal_path(folder, role)) for role in Role}
    recording = _Recording(folder, session, tracks)
    samples = round(recording.duration_s * OPUS_CLOCK_HZ)
    kept = bool(recording.recorded) or any(len(track.ticks) for track in tracks.values())
    files: list[RecordingFile] = []
    participants = []
    for role in Role if kept else ():
        made, participant = _render(recording, role, samples)
        files += made
        participants.append(participant)
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


def _render(recording: _Recording, role: Role, samples: int) -> tuple[list[RecordingFile], ParticipantAudio]:
    track = recording.tracks[role]
    placement = place(track)
    layer = Layer(track, placement, max(samples + PRE_SKIP, SHORTEST))
    with ExitStack() as stack:
        journal = None
        if len(placement.rows):
            journal = stack.enter_context(JournalReader(journal_path(recording.folder, role)))
        ogg = stack.enter_context(NewFile(recording.folder / f"{role.value}.ogg"))
        wav = stack.enter_context(NewFile(recording.folder / f"{role.value}.wav"))
        title = f"{recording.session.consultation_id} {role.value}"
        stream = OggOpusWriter(
            ogg.write, serial=zlib.crc32(title.encode()), channels=1 + track.history.stereo, title=title
        )
        refused = _write_sound(layer.pieces(journal), stream, wav, samples)
    files = [_file(ogg, role, "ogg", samples), _file(wav, role, "wav", samples)]
    return files, ParticipantAudio(
        role=role,
        start_s=None if layer.first is None else layer.first / OPUS_CLOCK_HZ,
        connections=track.history.connections,
        packets=layer.laid - refused,
        lost=placement.lost,
        duplicates=placement.duplicates,
        invalid=track.history.invalid + refused,
        dropped=layer.dropped,
        not_kept=track.history.not_kept,
        gaps=_within(layer.gaps, recording.recorded),
    )


def _write_sound(pieces: Iterable[Piece], stream: OggOpusWriter, wav: NewFile, samples: int) -> int:
    """Write both files piece by piece; return how many packets no decoder wanted (silence stands for them)."""
    wav.write(wav_header(samples))
    decoder = Decoder()
    skip, left, refused = PRE_SKIP * SAMPLE_BYTES, samples * SAMPLE_BYTES, 0
    for length, packet in pieces:
        pcm = decoder.decode(length, packet)
        if pcm is None:
            refused += 1
            pcm = bytes(length * SAMPLE_BYTES)
            for piece in silence(length):
                stream.add(*piece)
        else:
            stream.add(length, packet)
        sound = pcm[skip : skip + left]
        skip = max(0, skip - len(pcm))
        left -= len(sound)
        wav.write(sound)
    stream.close(samples)
    return refused


def _file(file: NewFile, role: Role, kind: Literal["ogg", "wav"], samples: int) -> RecordingFile:
    return RecordingFile(
        name=file.path.name,
        role=role,
        format=kind,
        start_s=0.0,
        duration_s=samples / OPUS_CLOCK_HZ,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
    )


def _within(gaps: list[tuple[int, int]], recorded: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """Return what of `gaps` (in samples) lies in the stretches that were recorded."""
    seconds = [(start / OPUS_CLOCK_HZ, end / OPUS_CLOCK_HZ) for start, end in gaps]
    common = [(max(a, on.start_s), min(b, on.end_s)) for a, b in seconds for on in recorded]
    return tuple(Interval(start_s=a, end_s=b) for a, b in common if b - a >= GAP_S)
