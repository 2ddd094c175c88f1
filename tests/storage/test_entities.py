"""What utterances name is kept as it stands last, apart for each edition, and goes with its consultation."""

from __future__ import annotations

import psycopg

from server.model.entities import Assertion, Relation, RelationKind
from server.model.events import EntitiesFound
from server.storage.store import Store

from .facts import CID, consultation, entity, said
from .test_second_passes import BETTER, recorded
from .test_store import keep

ASKED = entity(assertion="asked", name="dor", normal="pain")
DOSE = entity(
    "u6.0.5.Dosage",
    "50 mg",
    utterance_id="u6",
    category="Dosage",
    end=5,
    normal="50 mg",
    value=50.0,
    unit="mg",
    approximate=True,
    confidence=0.7,
    relations=(Relation(kind=RelationKind.DOSAGE_OF, to="u5.9.17.MedicationName"),),
)


def found(*entities, at_s: float = 6.0, utterance_id: str = "u5") -> EntitiesFound:
    return EntitiesFound(at_s=at_s, utterance_id=utterance_id, entities=entities, provider="rules", latency_s=0.001)


async def test_entities_come_back_whole_in_the_order_they_were_found(store: Store) -> None:
    await keep(store, said(5), found(ASKED), found(DOSE, at_s=7.0, utterance_id="u6"))
    assert await store.entities(CID) == [ASKED, DOSE]
    assert await store.entities(CID, "final") == []


async def test_what_an_answer_settles_replaces_what_was_asked(store: Store) -> None:
    settled = ASKED.model_copy(update={"assertion": Assertion.NEGATED, "answer_id": "u6"})
    await keep(store, found(ASKED), found(settled, DOSE, at_s=7.0, utterance_id="u6"))
    assert await store.entities(CID) == [settled, DOSE]


async def test_text_that_postgresql_cannot_hold_is_kept_without_it(store: Store) -> None:
    await keep(store, found(entity(text="d\x00i", name="\ud800", end=3)))
    (kept,) = await store.entities(CID)
    assert (kept.text, kept.name) == ("d\ufffdi", "\ufffd")


async def test_the_final_edition_has_its_own_entities(store: Store) -> None:
    await recorded(store)
    store.record(CID, found(ASKED))
    assert await store.settled(10)
    better = ASKED.model_copy(update={"utterance_id": BETTER.id, "assertion": Assertion.AFFIRMED})
    assert await store.second_passes.keep(CID, [BETTER], [better])
    assert await store.entities(CID, "final") == [better]
    assert await store.entities(CID, "live") == [ASKED]


async def test_a_consultation_is_deleted_with_what_was_named_in_it(store: Store, database_url: str) -> None:
    await keep(store, found(ASKED))
    await store.create_consultation(consultation("consultation-2"))
    store.record("consultation-2", found(DOSE))
    assert await store.settled(10)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("DELETE FROM consultations WHERE id = %s", (CID,))
    assert await store.entities(CID) == []
    assert await store.entities("consultation-2") == [DOSE]
