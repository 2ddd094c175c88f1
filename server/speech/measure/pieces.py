"""What is played: one sound for each channel, and what is really said in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...model.audio import OPUS_CLOCK_HZ
from ...model.errors import InvalidRequest
from ..scoring import Turn, read_turns
from .sound import Sound, read_sound, silence, spoken_span

_BETWEEN_SENTENCES_S = 1.5
_LEAD_S = 0.5


@dataclass(frozen=True, slots=True)
class Piece:
    """A dialogue or a row of sentences. `sounds` by speaker, all on one time line; `turns` on that line."""

    name: str
    language: str
    sounds: dict[str, Sound]
    turns: tuple[Turn, ...]

    @property
    def spoken_s(self) -> float:
        """Seconds of speech, over all speakers."""
        return sum(turn.end_s - turn.start_s for turn in self.turns)

    def later(self, seconds: float) -> Piece:
        """Return the same, beginning `seconds` later."""
        sounds = {speaker: np.concatenate([silence(seconds), sound]) for speaker, sound in self.sounds.items()}
        turns = (replace(turn, start_s=turn.start_s + seconds, end_s=turn.end_s + seconds) for turn in self.turns)
        return replace(self, sounds=sounds, turns=tuple(turns))


def pieces_of(paths: Sequence[Path], reference: Path | None, language: str) -> list[Piece]:
    """Return what `paths` name: folders of a dialogue each, or the files of one piece, a channel each.

    Raises:
        InvalidRequest: If a folder holds no dialogue.
    """
    files = [path for path in paths if not path.is_dir()]
    pieces = [_dialogue(path, language) for path in paths if path.is_dir()]
    if files:
        sounds = {path.stem: read_sound(path) for path in files}
        turns = tuple(read_turns(reference)) if reference is not None else ()
        pieces.append(Piece(files[0].stem, language, sounds, turns))
    return pieces


def shared_pieces(root: Path, languages: Sequence[str] = ("pt", "en")) -> list[Piece]:
    """Return what the speech folder `root` holds: its dialogues, and its sentences as one piece for each language.

    Raises:
        InvalidRequest: If it holds nothing.
    """
    pieces = [_dialogue(folder, "pt") for folder in sorted((root / "pt_consultation").glob("*/"))]
    manifest = root / "manifest.json"
    if manifest.is_file():
        entries = [entry for entry in json.loads(manifest.read_text()) if entry.get("text")]
        for language in languages:
            own = [entry for entry in entries if entry["language"][:2] == language and entry["seconds"] < 25]
            sentences = [(root / entry["file"], str(entry["text"])) for entry in own]
            pieces += [_sentences(language, sentences)] if sentences else []
    if not pieces:
        raise InvalidRequest(f"{root} holds no speech: name WAV files, or folders of clinician.wav and patient.wav.")
    return pieces


def _dialogue(folder: Path, language: str) -> Piece:
    files = {speaker: folder / f"{speaker}.wav" for speaker in ("clinician", "patient")}
    if not all(path.is_file() for path in (*files.values(), folder / "reference.json")):
        raise InvalidRequest(f"{folder} is no dialogue: it needs clinician.wav, patient.wav and reference.json.")
    sounds = {speaker: read_sound(path) for speaker, path in files.items()}
    return Piece(folder.name, language, sounds, tuple(read_turns(folder / "reference.json")))


def _sentences(language: str, sentences: Sequence[tuple[Path, str]]) -> Piece:
    """Return sentences one after the other; each begins and ends where it is loud."""
    parts, turns, at = [silence(_LEAD_S)], [], round(_LEAD_S * OPUS_CLOCK_HZ)
    for path, text in sentences:
        sound = read_sound(path)
        start_s, end_s = spoken_span(sound)
        turns.append(Turn("speaker", at / OPUS_CLOCK_HZ + start_s, at / OPUS_CLOCK_HZ + end_s, text))
        parts += [sound, silence(_BETWEEN_SENTENCES_S)]
        at += len(sound) + len(parts[-1])
    return Piece(f"sentences_{language}", language, {"speaker": np.concatenate(parts)}, tuple(turns))
