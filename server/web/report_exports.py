"""A consultation's report as a file to take away."""

from __future__ import annotations

import asyncio
from datetime import tzinfo
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from ..model.errors import DatabaseUnavailable, NotFound, Unavailable
from .exchange import Speaks, read_query, speaks
from .exports.dossier import Dossier
from .exports.export import CONTENT_TYPES, FORMS, export
from .keys import REPORTS, settled_store
from .paths import consultation_id_of, report_form_of
from .reports import ReportQuery


class ExportQuery(ReportQuery):
    """Which version, and in which time zone (of the IANA's database) its times are shown; as they are kept if none."""

    time_zone: str | None = Field(default=None, pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}$")


@speaks(
    Speaks(
        query=ExportQuery,
        contents=tuple(CONTENT_TYPES[form] for form in FORMS),
        raises=(NotFound, Unavailable, DatabaseUnavailable),
    )
)
async def export_report(request: web.Request) -> web.Response:
    """Download the report as Markdown (md), PDF, Word document (docx) or FHIR R4 document bundle (fhir.json).

    Statements that nothing supports are in none of them. A draft says on every page that nobody signed it.
    """
    consultation_id, form = consultation_id_of(request), report_form_of(request)
    query = read_query(request, ExportQuery)
    zone = _zone(query.time_zone) if query.time_zone else None
    store, desk = await settled_store(request), request.app[REPORTS]
    consultation = await store.consultation(consultation_id)
    report = await (
        desk.newest(consultation_id) if query.version is None else desk.version(consultation_id, query.version)
    )
    dossier = Dossier(
        report=report,
        consultation=consultation,
        participants=await store.participants(consultation_id),
        utterances=await store.utterances(consultation_id, report.edition),
        zone=zone,
    )
    file = await asyncio.to_thread(export, dossier, form)
    return web.Response(
        body=file.body,
        content_type=file.content_type,
        charset=file.charset,
        headers={"Content-Disposition": f'attachment; filename="{file.name}"'},
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise NotFound("There is no such time zone: use a name like America/Sao_Paulo.") from None
