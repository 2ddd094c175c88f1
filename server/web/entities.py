"""What was named in a consultation: for the clinician."""

from __future__ import annotations

from aiohttp import web

from ..model.errors import DatabaseUnavailable, NotFound
from .exchange import Speaks, json_response, read_query, speaks
from .keys import settled_store
from .paths import consultation_id_of
from .resources import EntitiesQuery, EntityList
from .transcripts import edition_of


@speaks(Speaks(query=EntitiesQuery, returns=EntityList, raises=(NotFound, DatabaseUnavailable)))
async def list_entities(request: web.Request) -> web.Response:
    """List what one edition of the transcript names: category, words, normal form, assertion, relations.

    Spans count characters (code points) of the utterance's text in the same edition.
    """
    consultation_id = consultation_id_of(request)
    query = read_query(request, EntitiesQuery)
    store = await settled_store(request)
    await store.consultation(consultation_id)
    edition, _ = await edition_of(request, store, consultation_id, query.edition)
    found = tuple(await store.entities(consultation_id, edition))
    return json_response(EntityList(consultation_id=consultation_id, edition=edition, entities=found))
