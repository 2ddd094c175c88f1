"""What a document says of itself, in the two languages that reports are written in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ...model.consultation import Language, Role
from ...model.transcript import Utterance

Written = Literal["pt", "en"]

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The words of one language."""

    report: str
    draft: str
    patient: str
    clinician: str
    consultation: str
    date: str
    version: str
    nothing: str
    confirmed: str
    confirmed_note: str
    said: str
    said_note: str
    signature: str
    signed_by: str
    identity: str
    signed_at: str
    digest: str
    report_hash: str
    transcript_hash: str
    recording_hash: str
    page: str
    undrawn: str

    def role(self, role: Role) -> str:
        """Return how a seat is called."""
        return self.clinician if role is Role.CLINICIAN else self.patient


WORDINGS: Mapping[Written, Wording] = {
    "pt": Wording(
        report="Relatório",
        draft="Rascunho, não assinado",
        patient="Paciente",
        clinician="Profissional de saúde",
        consultation="Consulta",
        date="Data",
        version="Versão",
        nothing="Nada registrado.",
        confirmed="confirmado",
        confirmed_note="sem apoio conferido na transcrição; confirmado pelo profissional de saúde.",
        said="Onde foi dito",
        said_note="Minutos e segundos desde o início da consulta.",
        signature="Assinatura",
        signed_by="Assinado por",
        identity="Identificação",
        signed_at="Assinado em",
        digest="SHA-256 da assinatura",
        report_hash="SHA-256 do relatório",
        transcript_hash="SHA-256 da transcrição",
        recording_hash="SHA-256 da gravação",
        page="Página {page} de {pages}",
        undrawn="Este PDF não desenha todos os caracteres do original: [?] ou a letra simples está no lugar deles. "
        "Os arquivos Word e Markdown os trazem.",
    ),
    "en": Wording(
        report="Report",
        draft="Draft, not signed",
        patient="Patient",
        clinician="Clinician",
        consultation="Consultation",
        date="Date",
        version="Version",
        nothing="Nothing recorded.",
        confirmed="confirmed",
        confirmed_note="no verified support in the transcript; confirmed by the clinician.",
        said="Where it was said",
        said_note="Minutes and seconds from the start of the consultation.",
        signature="Signature",
        signed_by="Signed by",
        identity="Identity",
        signed_at="Signed at",
        digest="SHA-256 of the signature",
        report_hash="SHA-256 of the report",
        transcript_hash="SHA-256 of the transcript",
        recording_hash="SHA-256 of the recording",
        page="Page {page} of {pages}",
        undrawn="This PDF cannot draw every character of the original: [?] or the plain letter stands for it. "
        "The Word and Markdown files have them.",
    ),
}


def written(language: Language, utterances: Sequence[Utterance]) -> Written:
    """Return the language of a document; of `auto`, the one in which most was said."""
    if language != "auto":
        return language
    heard = Counter(spoken.language[:2] for spoken in utterances)
    return "en" if heard["en"] > heard["pt"] else "pt"


def moment(at: datetime, language: Written) -> str:
    """Return date and time to the minute as the language writes them, with the zone `at` is in."""
    day = f"{at:%d/%m/%Y}, " if language == "pt" else f"{at.day} {_MONTHS[at.month - 1]} {at.year}, "
    return f"{day}{at:%H:%M} ({_zone(at.utcoffset())})"


def _zone(offset: timedelta | None) -> str:
    minutes = round((offset or timedelta()).total_seconds() / 60)
    if not minutes:
        return "UTC"
    return f"UTC{'+' if minutes > 0 else '−'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def clock(time_s: float) -> str:
    """Return a time on the room clock as minutes and seconds, as hours too where it has any."""
    seconds = max(0, int(time_s))
    minutes = f"{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 3600}:{minutes}" if seconds >= 3600 else minutes
