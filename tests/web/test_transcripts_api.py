"""Transcript, tips, chat and activity."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.model.consultation import Role
from server.model.transcript import Utterance
from server.web.application import WebContext, setup_web

from .conftest import House
from .fakes import CONSULTATION, OTHER_CONSULTATION, FakeStore

ONE = f"/api/consultations/{CONSULTATION}"


async def test_the_transcript_is_in_the_order_of_speech_with_word_times(house: House) -> None:
    transcript = await (await house.call("GET", f"{ONE}/transcript", "patient")).json()
    assert [spoken["id"] for spoken in transcript["utterances"]] == ["u1", "u2"]
    assert transcript["utterances"][0]["words"][1] == {"text": "dia.", "start_s": 1.4, "end_s": 1.9, "probability": 1.0}


@pytest.mark.parametrize(
    ("form", "content_type", "name"),
    [
        ("vtt", "text/vtt", "transcript-consultation-one.vtt"),
        ("srt", "application/x-subrip", "transcript-consultation-one.srt"),
        ("text", "text/plain", "transcript-consultation-one.txt"),
    ],
)
async def test_the_transcript_comes_as_a_file(house: House, form: str, content_type: str, name: str) -> None:
    answer = await house.call("GET", f"{ONE}/transcript?format={form}", "clinician")
    assert (answer.content_type, answer.charset) == (content_type, "utf-8")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "Profissional de saúde (Dra. Ana)" in await answer.text()


async def test_the_transcript_comes_as_a_word_document(house: House) -> None:
    answer = await house.call("GET", f"{ONE}/transcript?format=docx", "clinician")
    assert answer.content_type == "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    assert answer.charset is None
    assert answer.headers["Content-Disposition"] == 'attachment; filename="transcript-consultation-one.docx"'
    assert (await answer.read()).startswith(b"PK")


async def test_the_final_transcript_counts_once_it_is_there_and_the_live_one_stays(house: House) -> None:
    house.store.passes[CONSULTATION] = "waiting"
    waiting = await (await house.call("GET", f"{ONE}/transcript")).json()
    assert (waiting["edition"], waiting["second_pass"]) == ("live", "waiting")
    assert (await house.call("GET", f"{ONE}/transcript?edition=final")).status == 404
    better = Utterance(id="f1", role=Role.PATIENT, start_s=3.5, end_s=5.0, text="Dói bem aqui", language="pt")
    house.store.said_finally[CONSULTATION] = [better]
    house.store.passes[CONSULTATION] = "done"
    for query, edition, ids in (
        ("", "final", ["f1"]),
        ("?edition=final", "final", ["f1"]),
        ("?edition=live", "live", ["u1", "u2"]),
    ):
        transcript = await (await house.call("GET", f"{ONE}/transcript{query}", "patient")).json()
        assert (transcript["edition"], transcript["second_pass"]) == (edition, "done")
        assert [spoken["id"] for spoken in transcript["utterances"]] == ids
        form = "&format=srt" if query else "?format=srt"
        file = (await house.call("GET", f"{ONE}/transcript{query}{form}")).headers["Content-Disposition"]
        assert file.endswith(f'-{edition}.srt"' if query else f'{CONSULTATION}.srt"')
    text = await (await house.call("GET", f"{ONE}/transcript?format=text")).text()
    assert "Dói bem aqui" in text


async def test_a_final_transcript_of_a_part_of_the_call_is_shown_to_those_alone_who_ask_for_it(house: House) -> None:
    house.store.said_finally[CONSULTATION] = []
    house.store.passes[CONSULTATION] = "partial"
    for query, edition, ids in (("", "live", ["u1", "u2"]), ("?edition=final", "final", [])):
        transcript = await (await house.call("GET", f"{ONE}/transcript{query}")).json()
        assert (transcript["edition"], transcript["second_pass"]) == (edition, "partial")
        assert [spoken["id"] for spoken in transcript["utterances"]] == ids


async def test_an_unknown_form_is_refused(house: House) -> None:
    assert (await house.call("GET", f"{ONE}/transcript?format=odt")).status == 422


async def test_a_consultation_in_which_nobody_spoke_has_an_empty_transcript(house: House) -> None:
    path = f"/api/consultations/{OTHER_CONSULTATION}/transcript"
    assert (await (await house.call("GET", path)).json())["utterances"] == []
    assert await (await house.call("GET", f"{path}?format=vtt")).text() == "WEBVTT\n"
    assert await (await house.call("GET", f"{path}?format=text")).text() == ""


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("service", ["for-clinician", "for-patient", "for-all"]),
        ("clinician", ["for-clinician", "for-patient", "for-all"]),
        ("patient", ["for-patient", "for-all"]),
    ],
)
async def test_a_patient_sees_no_tip_meant_for_the_clinician(house: House, role: str, seen: list[str]) -> None:
    answer = await house.call("GET", f"{ONE}/tips", role)
    assert [entry["tip"]["id"] for entry in (await answer.json())["tips"]] == seen
    assert ("for-clinician" in await answer.text()) is (role != "patient")


async def test_tips_carry_what_their_reader_did_with_them(house: House) -> None:
    tips = (await (await house.call("GET", f"{ONE}/tips")).json())["tips"]
    assert [entry["mark"] for entry in tips] == ["useful", None, None]


async def test_both_participants_read_the_chat(house: House) -> None:
    for role in ("clinician", "patient"):
        messages = (await (await house.call("GET", f"{ONE}/chat", role)).json())["messages"]
        assert [message["text"] for message in messages] == ["Olá"]


async def test_the_activity_log_says_what_happened_and_when(house: House) -> None:
    entries = (await (await house.call("GET", f"{ONE}/activity", "clinician")).json())["entries"]
    assert entries == [
        {
            "at": "2026-03-01T12:00:00Z",
            "at_s": 0.0,
            "kind": "participant_joined",
            "role": "clinician",
            "detail": {"name": "Dra. Ana", "returned": False},
        }
    ]


@pytest.mark.parametrize("what", ["transcript", "entities", "tips", "chat", "activity", "recordings"])
async def test_words_on_their_way_are_waited_for_but_not_while_the_database_is_away(house: House, what: str) -> None:
    assert (await house.call("GET", f"{ONE}/{what}")).status == 200
    assert house.store.settlings > 0
    house.store.settlings, house.store.away = 0, True
    assert (await house.call("GET", f"{ONE}/{what}")).status == 503
    assert house.store.settlings == 0


async def test_nothing_is_promised_where_no_second_pass_is_made(context: WebContext) -> None:
    app = web.Application()
    setup_web(app, replace(context, settings=context.settings.model_copy(update={"second_pass": False})))
    async with TestClient(TestServer(app)) as client:
        assert isinstance(context.store, FakeStore)
        context.store.passes[CONSULTATION] = "waiting"
        token = context.authority.issue(identity="s", name="S", role="service", consultation_id=None)
        answer = await client.get(f"{ONE}/transcript", headers={"Authorization": f"Bearer {token}"})
        assert (await answer.json())["second_pass"] == "none"
