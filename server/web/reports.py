"""Reports: read, drafted, changed, signed and proved, by the clinician or a backend; never by the patient."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BeforeValidator, Field

from ..insight.drafting import templates
from ..insight.languages import LANGUAGES
from ..model.consultation import Consultation, Frozen
from ..model.errors import Conflict, DatabaseUnavailable, NotFound, Unavailable
from ..model.report import AnyChange, Report, ReportVersion
from ..model.seal import PartCheck
from ..model.transcript import Edition
from .exchange import Speaks, json_response, read_body, read_query, speaks
from .keys import CLAIMS, REPORTS, ROOMS, ReportDesk, settled_store
from .paths import consultation_id_of
from .resources import whole

TemplateName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
VersionNumber = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(whole)]
MOST_CHANGES = 100


class ReportQuery(Frozen):
    """Which version: the newest, if none is named."""

    version: int | None = Field(default=None, ge=1, le=1_000_000)


class NewDraft(Frozen):
    """A draft to make: by the agent's template and from the transcript that counts, unless others are named."""

    template: TemplateName | None = None
    edition: Edition | None = None


class ReportChanges(Frozen):
    """What the clinician changes in version `base`, which must be the newest one."""

    base: VersionNumber
    changes: tuple[AnyChange, ...] = Field(min_length=1, max_length=MOST_CHANGES)


class NewSignature(Frozen):
    """Which version is signed, and the signer's name as it shall stand there."""

    version: VersionNumber
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")


class ReportTemplate(Frozen):
    """A kind of report."""

    id: str
    title: str


class ReportList(Frozen):
    """The versions, oldest first; the templates there are. `writing`: a chat model is at another draft."""

    consultation_id: str
    writing: bool
    templates: tuple[ReportTemplate, ...]
    versions: tuple[ReportVersion, ...]


class ReportVerification(Frozen):
    """Whether everything that was signed is still what it was, and each part of it."""

    consultation_id: str
    version: int
    signed: bool
    intact: bool
    parts: tuple[PartCheck, ...]


@speaks(Speaks(query=ReportQuery, returns=Report, raises=(NotFound, Unavailable, DatabaseUnavailable)))
async def read_report(request: web.Request) -> web.Response:
    """Read the newest version of the report, or another; the first is drafted now if there is none yet."""
    desk, consultation = await _at_desk(request)
    query = read_query(request, ReportQuery)
    if query.version is not None:
        return json_response(await desk.version(consultation.id, query.version))
    return json_response(await desk.newest(consultation.id))


@speaks(Speaks(returns=ReportList, raises=(NotFound, Unavailable, DatabaseUnavailable)))
async def list_reports(request: web.Request) -> web.Response:
    """List the versions of the report, and the templates to draft another one by."""
    desk, consultation = await _at_desk(request)
    versions = tuple(await desk.versions(consultation.id))
    language = consultation.language if consultation.language in LANGUAGES else "en"
    return json_response(
        ReportList(
            consultation_id=consultation.id,
            writing=desk.is_writing(consultation.id),
            templates=tuple(
                ReportTemplate(id=name, title=templates.template(name, language).title)
                for name in templates.names(language)
            ),
            versions=versions,
        )
    )


@speaks(
    Speaks(body=NewDraft, returns=Report, status=201, raises=(NotFound, Conflict, Unavailable, DatabaseUnavailable))
)
async def draft_report(request: web.Request) -> web.Response:
    """Draft a new version from what was said so far; the versions before it stay."""
    desk, consultation = await _at_desk(request)
    wish = await read_body(request, NewDraft)
    return json_response(await desk.draft(consultation.id, wish.template, wish.edition), status=201)


@speaks(
    Speaks(
        body=ReportChanges, returns=Report, status=201, raises=(NotFound, Conflict, Unavailable, DatabaseUnavailable)
    )
)
async def change_report(request: web.Request) -> web.Response:
    """Edit, confirm, remove or add statements: a new version. A signed one stays what it is."""
    desk, consultation = await _at_desk(request)
    wish = await read_body(request, ReportChanges)
    changed = await desk.change(consultation.id, wish.base, wish.changes, request[CLAIMS].name)
    return json_response(changed, status=201)


@speaks(
    Speaks(body=NewSignature, returns=Report, status=201, raises=(NotFound, Conflict, Unavailable, DatabaseUnavailable))
)
async def sign_report(request: web.Request) -> web.Response:
    """Sign the newest version after the call: name, time, and hashes of report, transcript and recordings."""
    desk, consultation = await _at_desk(request)
    wish = await read_body(request, NewSignature)
    if consultation.id in request.app[ROOMS].live_ids():
        raise Conflict("The consultation is still going on: sign its report when it has ended.")
    recording = request.app[ROOMS].recording_state(consultation.id)
    if recording is not None and recording.state in ("recording", "finalizing"):
        raise Conflict("The recording is still being finished: sign when it is there.")
    name, identity = " ".join(wish.name.split()), request[CLAIMS].identity
    return json_response(await desk.sign(consultation.id, wish.version, name, identity), status=201)


@speaks(Speaks(query=ReportQuery, returns=ReportVerification, raises=(NotFound, Unavailable, DatabaseUnavailable)))
async def verify_report(request: web.Request) -> web.Response:
    """Tell whether report, transcript and recordings are still what was signed, and which of them changed."""
    desk, consultation = await _at_desk(request)
    version = read_query(request, ReportQuery).version
    if version is None:
        signed = [one.version for one in await desk.versions(consultation.id) if one.status == "signed"]
        if not signed:
            raise NotFound("No version of this consultation's report is signed.")
        version = signed[-1]
    parts = await desk.verify(consultation.id, version)
    return json_response(
        ReportVerification(
            consultation_id=consultation.id,
            version=version,
            signed=bool(parts),
            intact=bool(parts) and all(part.state == "intact" for part in parts),
            parts=parts,
        )
    )


async def _at_desk(request: web.Request) -> tuple[ReportDesk, Consultation]:
    """Return who keeps the reports, and the consultation in the address, before anything else is read."""
    consultation_id = consultation_id_of(request)
    store = await settled_store(request)
    return request.app[REPORTS], await store.consultation(consultation_id)
