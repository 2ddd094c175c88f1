"""A report in any of the forms it leaves in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from ..docx import CONTENT_TYPE as DOCX
from .dossier import Dossier

ReportForm = Literal["md", "pdf", "docx", "fhir.json"]
"""How a file's name ends, and with it what the file is."""
FORMS: tuple[ReportForm, ...] = get_args(ReportForm)


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file to send: what is in it, and under which name."""

    body: bytes
    content_type: str
    name: str
    charset: str | None = None


CONTENT_TYPES: Mapping[ReportForm, str] = {
    "md": "text/markdown",
    "pdf": "application/pdf",
    "docx": DOCX,
    "fhir.json": "application/fhir+json",
}
_CHARSETS: Mapping[ReportForm, str] = {"md": "utf-8", "fhir.json": "utf-8"}


def export(dossier: Dossier, form: ReportForm) -> ReportFile:
    """Return the report as a file. Takes up to some 100 ms of processor time: not for the event loop.

    Raises:
        InvalidBundle: If what would leave as FHIR breaks its rules.
    """
    report = dossier.report
    state = "" if dossier.signature else "-draft"
    name = f"report-{report.consultation_id}-v{report.version}{state}.{form}"
    return ReportFile(_WRITERS[form](dossier), CONTENT_TYPES[form], name, _CHARSETS.get(form))


def _markdown(dossier: Dossier) -> bytes:
    from .markdown import to_markdown

    return to_markdown(dossier).encode()


def _word(dossier: Dossier) -> bytes:
    from .word import to_docx

    return to_docx(dossier)


def _pdf(dossier: Dossier) -> bytes:
    from .pdf import to_pdf  # Here: ReportLab, which nothing else needs, takes 0.2 s and 8 MiB.

    return to_pdf(dossier)


def _fhir(dossier: Dossier) -> bytes:
    from .fhir.bundle import to_fhir, validated

    return validated(to_fhir(dossier))


_WRITERS: Mapping[ReportForm, Callable[[Dossier], bytes]] = {
    "md": _markdown,
    "pdf": _pdf,
    "docx": _word,
    "fhir.json": _fhir,
}
