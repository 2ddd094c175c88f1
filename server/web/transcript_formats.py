"""A transcript as WebVTT, SubRip, plain text and Word document. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ..model.consultation import Language, Role
from ..model.transcript import Utterance
from .docx import Paragraph, Run, docx

ROLE_NAMES: Mapping[str, Mapping[Role, str]] = {
    "pt": {Role.CLINICIAN: "Profissional de saúde", Role.PATIENT: "Paciente"},
    "en": {Role.CLINICIAN: "Clinician", Role.PATIENT: "Patient"},
}

_NO_MARKUP = str.maketrans("<>{}", "‹›()")

TRANSCRIPT_WORDS: Mapping[str, str] = {"pt": "Transcrição", "en": "Transcript"}


@dataclass(frozen=True, slots=True)
class Speakers:
    """How each seat is called in a transcript."""

    labels: Mapping[Role, str]
    language: str = "en"

    @classmethod
    def of(cls, language: Language, names: Mapping[Role, str], utterances: Sequence[Utterance]) -> Self:
        """Return role and name in the consultation's language (`auto`: the one most utterances are in)."""
        heard = Counter(spoken.language[:2] for spoken in utterances)
        chosen = language if language != "auto" else next((code for code, _ in heard.most_common(1)), "en")
        roles = ROLE_NAMES.get(chosen, ROLE_NAMES["en"])
        labels = {role: f"{roles[role]} ({names[role]})" if names.get(role) else roles[role] for role in Role}
        return cls(labels, chosen)


def as_vtt(utterances: Sequence[Utterance], speakers: Speakers) -> str:
    """Return WebVTT with one voice cue an utterance.

    Source: W3C WebVTT, cue text and cue voice spans: & < > are escaped, no line is empty.
    """
    cues = ["WEBVTT"]
    for number, spoken in enumerate(utterances, 1):
        voice = _vtt_text(speakers.labels[spoken.role])
        times = f"{_clock(spoken.start_s, '.')} --> {_clock(_end_s(spoken), '.')}"
        cues.append(f"{number}\n{times}\n<v {voice}>{_vtt_text(spoken.text)}</v>")
    return "\n\n".join(cues) + "\n"


def as_srt(utterances: Sequence[Utterance], speakers: Speakers) -> str:
    """Return SubRip with the speaker before each line.

    It has markup and no way to escape it: what players would swallow as such is written with look-alikes.
    """
    cues = []
    for number, spoken in enumerate(utterances, 1):
        line = _one_line(f"{speakers.labels[spoken.role]}: {spoken.text}").translate(_NO_MARKUP)
        cues.append(f"{number}\n{_clock(spoken.start_s, ',')} --> {_clock(_end_s(spoken), ',')}\n{line}\n")
    return "\n".join(cues)


def as_text(utterances: Sequence[Utterance], speakers: Speakers) -> str:
    """Return a line for each utterance: time, speaker, words."""
    return "".join(
        f"[{_clock(spoken.start_s, '.')[:-4]}] {_one_line(f'{speakers.labels[spoken.role]}: {spoken.text}')}\n"
        for spoken in utterances
    )


def as_docx(utterances: Sequence[Utterance], speakers: Speakers, title: str) -> bytes:
    """Return a Word document with a paragraph for each utterance: time, speaker, words."""
    word = TRANSCRIPT_WORDS.get(speakers.language, TRANSCRIPT_WORDS["en"])
    head = f"{word}: {_one_line(title)}" if title else word
    return docx(head, (_docx_line(spoken, speakers) for spoken in utterances), speakers.language)


def _docx_line(spoken: Utterance, speakers: Speakers) -> Paragraph:
    return (
        Run(f"[{_clock(spoken.start_s, '.')[:-4]}] ", faint=True),
        Run(f"{_one_line(speakers.labels[spoken.role])}: ", bold=True),
        Run(_one_line(spoken.text)),
    )


def _end_s(spoken: Utterance) -> float:
    # A cue must end after it starts, or players drop it.
    return max(spoken.end_s, max(0.0, spoken.start_s) + 0.001)


def _clock(time_s: float, point: str) -> str:
    total_ms = max(0, round(time_s * 1000))
    seconds, ms = divmod(total_ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{ms:03d}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _vtt_text(text: str) -> str:
    return _one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
