"""What came of a consultation: transcript, tips, chat and activity."""

from __future__ import annotations

from aiohttp import web

from ..model.audience import roles_of
from ..model.consultation import Role
from ..model.errors import DatabaseUnavailable, NotFound
from ..model.transcript import Edition, SecondPassState
from .docx import CONTENT_TYPE as DOCX
from .exchange import Speaks, json_response, read_query, speaks
from .keys import CLAIMS, SETTINGS, ConsultationStore, settled_store
from .paths import consultation_id_of
from .resources import (
    ActivityLine,
    ActivityLog,
    ChatLog,
    MarkedTip,
    TipList,
    Transcript,
    TranscriptFormat,
    TranscriptQuery,
)
from .transcript_formats import Speakers, as_docx, as_srt, as_text, as_vtt

_WRITERS = {"vtt": as_vtt, "srt": as_srt, "text": as_text}
_CONTENT_TYPES: dict[TranscriptFormat, str] = {
    "json": "application/json",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "text": "text/plain",
    "docx": DOCX,
}
_SUFFIXES = {"vtt": "vtt", "srt": "srt", "text": "txt", "docx": "docx"}


@speaks(
    Speaks(
        query=TranscriptQuery,
        returns=Transcript,
        contents=("text/vtt", "application/x-subrip", "text/plain", DOCX),
        raises=(NotFound, DatabaseUnavailable),
    )
)
async def read_transcript(request: web.Request) -> web.Response:
    """Read the transcript as JSON with word times, or as WebVTT, SubRip, plain text or Word document.

    The final edition comes of a second pass over the recording, some time after the call. Where that is of a part of
    the call alone, the live edition counts unless the final one is asked for.
    """
    consultation_id = consultation_id_of(request)
    query = read_query(request, TranscriptQuery)
    form = query.format
    store = await settled_store(request)
    consultation = await store.consultation(consultation_id)
    edition, state = await edition_of(request, store, consultation_id, query.edition)
    found = await store.utterances(consultation_id, edition)
    utterances = tuple(sorted(found, key=lambda spoken: spoken.start_s))
    if form == "json":
        return json_response(
            Transcript(
                consultation_id=consultation_id,
                edition=edition,
                second_pass=state,
                language=consultation.language,
                utterances=utterances,
            )
        )
    participants = await store.participants(consultation_id)
    speakers = Speakers.of(consultation.language, {one.role: one.name for one in participants}, utterances)
    if form == "docx":
        body, charset = as_docx(utterances, speakers, consultation.title), None
    else:
        body, charset = _WRITERS[form](utterances, speakers).encode(), "utf-8"
    # Both editions may be fetched, and into the same folder.
    name = f"transcript-{consultation_id}" + (f"-{edition}" if query.edition else "")
    return web.Response(
        body=body,
        content_type=_CONTENT_TYPES[form],
        charset=charset,
        headers={"Content-Disposition": f'attachment; filename="{name}.{_SUFFIXES[form]}"'},
    )


async def edition_of(
    request: web.Request, store: ConsultationStore, consultation_id: str, wanted: Edition | None
) -> tuple[Edition, SecondPassState]:
    """Return which edition of the transcript counts, and how far the second pass is.

    Raises:
        NotFound: If the final one is wanted and there is none.
        DatabaseUnavailable: If the database does not answer.
    """
    state = await store.second_pass(consultation_id)
    if state == "waiting" and not request.app[SETTINGS].second_pass:
        state = "none"
    edition = wanted or ("final" if state == "done" else "live")
    if edition == "final" and state not in ("done", "partial"):
        raise NotFound("There is no final transcript of this consultation, or not yet: read the live one.")
    return edition, state


@speaks(Speaks(returns=TipList, raises=(NotFound, DatabaseUnavailable)))
async def list_tips(request: web.Request) -> web.Response:
    """List the tips the caller may see: a patient sees those for the patient or for all."""
    consultation_id = consultation_id_of(request)
    store = await settled_store(request)
    await store.consultation(consultation_id)
    is_patient = request[CLAIMS].role == "patient"
    tips = tuple(
        MarkedTip(tip=stored.tip, mark=stored.mark, released_at_s=stored.released_at_s)
        for stored in await store.tips(consultation_id)
        if not is_patient or Role.PATIENT in roles_of(stored.tip.audience)
    )
    return json_response(TipList(consultation_id=consultation_id, tips=tips))


@speaks(Speaks(returns=ChatLog, raises=(NotFound, DatabaseUnavailable)))
async def list_chat(request: web.Request) -> web.Response:
    """List what was typed."""
    consultation_id = consultation_id_of(request)
    store = await settled_store(request)
    await store.consultation(consultation_id)
    messages = tuple(await store.chat_messages(consultation_id))
    return json_response(ChatLog(consultation_id=consultation_id, messages=messages))


@speaks(Speaks(returns=ActivityLog, raises=(NotFound, DatabaseUnavailable)))
async def list_activity(request: web.Request) -> web.Response:
    """List who started, who took part, for how long, and what else happened."""
    consultation_id = consultation_id_of(request)
    store = await settled_store(request)
    await store.consultation(consultation_id)
    entries = tuple(
        ActivityLine(at=entry.at, at_s=entry.at_s, kind=entry.kind, role=entry.role, detail=dict(entry.detail))
        for entry in await store.activity(consultation_id)
    )
    return json_response(ActivityLog(consultation_id=consultation_id, entries=entries))
