"""Versions of a report: only ever added, sealed by a signature, gone with their consultation."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from server.insight.drafting.notebook import Notebook
from server.model import seal
from server.model.errors import NotFound
from server.model.events import FinalTranscript
from server.model.insight import Evidence
from server.model.report import AddStatement, Report, Section, Statement, Support
from server.rooms.reports import Reports
from server.storage.store import Store
from tests.insight.spoken import utterances

from .facts import CID, said

MADE = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
PROOF = Evidence(utterance_id="u1", quote="Dói aqui", start_s=1.25, end_s=2.0)
STATEMENTS = (
    Statement(id="a", text="Dor – “dói aqui”\x00.", evidence=(PROOF,), support=Support.SUPPORTED),
    Statement(id="b", text="Febre.", doubts=("não foi dito",)),
)


def report(version: int = 1, **changes: object) -> Report:
    sections = (Section(id="subjective", title="Subjetivo", code="61150-9", statements=STATEMENTS),)
    made = Report(
        consultation_id=CID,
        version=version,
        template="soap",
        language="pt",
        title="SOAP",
        sections=sections,
        created_at=MADE,
    )
    return made.model_copy(update=changes)


async def signed(store: Store, version: int = 1) -> Report:
    kept = await store.reports.version(CID, version)
    signature = seal.sign(kept, [said(1).utterance], {"a.wav": "0"}, name="Dra. Ana", identity="ana", signed_at=MADE)
    assert await store.reports.sign(CID, version, signature)
    return await store.reports.version(CID, version)


async def test_a_version_is_read_as_it_was_kept_but_for_what_cannot_be_stored(store: Store) -> None:
    assert await store.reports.newest(CID) is None
    assert await store.reports.add(report())
    kept = await store.reports.newest(CID)
    assert kept is not None
    assert kept.sections[0].statements[0].text == "Dor – “dói aqui”\ufffd."
    first = STATEMENTS[0].model_copy(update={"text": kept.sections[0].statements[0].text})
    section = report().sections[0].model_copy(update={"statements": (first, STATEMENTS[1])})
    assert kept == report(sections=(section,))


async def test_versions_are_listed_without_what_they_say(store: Store) -> None:
    await store.reports.add(report())
    await store.reports.add(report(2, author="Dra. Ana", created_at=datetime(2026, 3, 2, tzinfo=UTC)))
    await signed(store, 2)
    first, second = await store.reports.versions(CID)
    assert (first.version, first.status, first.statements, first.unsupported) == (1, "draft", 2, 1)
    assert (second.author, second.status, second.signed_by) == ("Dra. Ana", "signed", "Dra. Ana")


async def test_a_version_follows_the_newest_one_or_is_not_kept(store: Store) -> None:
    assert await store.reports.add(report())
    later = datetime(2026, 3, 2, tzinfo=UTC)
    assert not await store.reports.add(report(created_at=later))
    assert not await store.reports.add(report(3, created_at=later))
    # The same once more, as after an answer that was lost.
    assert await store.reports.add(report())
    assert len(await store.reports.versions(CID)) == 1


async def test_no_report_is_kept_of_an_unknown_consultation(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.reports.add(report(consultation_id="consultation-unknown"))


async def test_a_signature_is_there_once_and_proves_what_was_signed(store: Store) -> None:
    await store.reports.add(report())
    kept = await signed(store)
    assert kept.status == "signed"
    parts = seal.verify(kept, [said(1).utterance], {"a.wav": "0"})
    assert {part.state for part in parts} == {"intact"}
    assert kept.signature is not None
    other = kept.signature.model_copy(update={"digest": "other"})
    assert not await store.reports.sign(CID, 1, other)
    assert (await store.reports.version(CID, 1)) == kept


async def test_the_database_lets_nobody_change_a_version(store: Store, database_url: str) -> None:
    await store.reports.add(report())
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        connection.execute("UPDATE reports SET title = 'other'")
    await signed(store)
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        connection.execute("UPDATE reports SET status = 'draft', signature = NULL")


async def test_reports_go_with_their_consultation(store: Store, database_url: str) -> None:
    await store.reports.add(report())
    await signed(store)
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM consultations")
        connection.commit()
        assert connection.execute("SELECT count(*) FROM reports").fetchone() == (0,)


async def test_an_agent_keeps_its_template(store: Store) -> None:
    agent = await store.agent("default")
    assert agent.report_template == "soap"
    await store.save_agent(agent.model_copy(update={"report_template": "referral"}))
    assert (await store.agent("default")).report_template == "referral"


TURNS = ("c: Teve febre?", "p: Não.", "p: Tomo losartana cinquenta miligramas de manhã.")


async def test_a_report_drafted_from_the_database_is_signed_and_proved_there(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    for one in utterances(TURNS):
        store.record(CID, FinalTranscript(at_s=one.end_s, utterance=one))
    assert await store.settled(30.0)
    async with Reports(store, lambda _: Notebook(), tmp_path) as reports:
        drafted = await reports.newest(CID)
        stated = [one.text for section in drafted.sections for one in section.statements]
        assert stated == ["Nega febre.", "Usa losartana 50 mg, de manhã."]
        add = AddStatement(kind="add", section_id="plan", text="Retorno em sete dias.")
        await reports.change(CID, 1, [add], "Dra. Ana")
        sealed = await reports.sign(CID, 2, "Dra. Ana", "ana")
        assert sealed.status == "signed"
        assert {part.state for part in await reports.verify(CID, 2)} == {"intact"}
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE utterances SET text = 'Sim.' WHERE id = 'u1'")
        changed = {part.part: part.state for part in await reports.verify(CID, 2)}
        assert changed == {"signature": "intact", "report": "intact", "transcript": "changed"}
