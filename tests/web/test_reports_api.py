"""Reports: drafted, changed, signed and proved by those who may, refused in one clear sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server.model.consultation import Role
from server.model.recording_state import FAILED, READY, RecordingState
from server.model.transcript import Utterance

from .conftest import House
from .fakes import CONSULTATION, ENDED_CONSULTATION

ONE = f"/api/consultations/{CONSULTATION}/report"
TURNS = (
    (Role.CLINICIAN, "Bom dia, dona Maria. O que traz a senhora aqui?"),
    (Role.PATIENT, "Estou com dor no peito há três dias."),
    (Role.CLINICIAN, "Teve febre?"),
    (Role.PATIENT, "Não."),
    (Role.PATIENT, "Tomo losartana cinquenta miligramas de manhã."),
    (Role.CLINICIAN, "Vou pedir um eletrocardiograma hoje."),
)
SAID = [
    Utterance(id=f"u{i}", role=role, start_s=5.0 * i, end_s=5.0 * i + 4, text=text, language="pt")
    for i, (role, text) in enumerate(TURNS)
]


@pytest.fixture(autouse=True)
def said(house: House) -> None:
    house.store.said[CONSULTATION] = list(SAID)
    house.store.said[ENDED_CONSULTATION] = []


async def asked(house: House, method: str, path: str, **more: Any) -> dict[str, Any]:
    answer = await house.call(method, ONE + path, "clinician", **more)
    assert answer.status in (200, 201), await answer.text()
    return await answer.json()


async def refused(house: House, method: str, path: str, **more: Any) -> tuple[int, str]:
    answer = await house.call(method, ONE + path, "clinician", **more)
    error = (await answer.json())["error"]
    assert error["message"].endswith((".", ".”"))
    return answer.status, error["code"]


def statements(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["text"]: one for section in report["sections"] for one in section["statements"]}


async def test_a_report_that_is_missing_is_drafted_when_it_is_asked_for(house: House) -> None:
    report = await asked(house, "GET", "")
    assert (report["version"], report["status"], report["template"], report["language"]) == (1, "draft", "soap", "pt")
    drafted = statements(report)
    assert drafted["Nega febre."]["evidence"][0]["quote"] == "Teve febre?"
    assert "Usa losartana 50 mg, de manhã." in drafted
    assert all(one["support"] == "supported" and one["evidence"] for one in drafted.values())
    assert (await asked(house, "GET", "")) == report
    assert [event.type for event in house.store.noted] == ["report_ready"]


async def test_the_patient_gets_no_report_in_any_way(house: House) -> None:
    await asked(house, "GET", "")
    paths = (("GET", ""), ("GET", "/versions"), ("GET", "/verification"), ("POST", "/drafts"), ("POST", "/changes"))
    for method, path in (*paths, ("POST", "/signature")):
        answer = await house.call(method, ONE + path, "patient", json={} if method == "POST" else None)
        assert answer.status == 403
        assert "losartana" not in await answer.text()


async def test_nothing_said_makes_no_report(house: House) -> None:
    answer = await house.call("GET", f"/api/consultations/{ENDED_CONSULTATION}/report")
    assert (answer.status, (await answer.json())["error"]["code"]) == (404, "not_found")


async def test_another_template_makes_another_version_and_the_first_stays(house: House) -> None:
    first = await asked(house, "GET", "")
    second = await asked(house, "POST", "/drafts", json={"template": "referral"})
    assert (second["version"], second["title"]) == (2, "Carta de encaminhamento")
    assert (await asked(house, "GET", "?version=1")) == first
    listed = await asked(house, "GET", "/versions")
    assert [one["version"] for one in listed["versions"]] == [1, 2]
    assert [one["id"] for one in listed["templates"]] == ["soap", "laudo", "patient", "referral"]
    assert listed["writing"] is False


async def test_the_agents_template_is_the_one_drafted_by(house: House) -> None:
    agent = house.store.listeners["default"]
    house.store.listeners["default"] = agent.model_copy(update={"report_template": "laudo"})
    assert (await asked(house, "GET", ""))["template"] == "laudo"


async def test_changes_are_kept_as_the_clinicians_in_a_new_version(house: House) -> None:
    report = await asked(house, "GET", "")
    drafted = statements(report)
    fever, medicine = drafted["Nega febre."], drafted["Usa losartana 50 mg, de manhã."]
    changes = [
        {"kind": "edit", "statement_id": medicine["id"], "text": "Usa losartana 100 mg, de manhã."},
        {"kind": "remove", "statement_id": fever["id"]},
        {"kind": "add", "section_id": "objective", "text": "PA 150/90 mmHg."},
    ]
    changed = await asked(house, "POST", "/changes", json={"base": 1, "changes": changes})
    assert (changed["version"], changed["author"]) == (2, "Somebody")
    now = statements(changed)
    assert "Nega febre." not in now
    edited = now["Usa losartana 100 mg, de manhã."]
    assert (edited["edited_from"], edited["origin"]) == ("Usa losartana 50 mg, de manhã.", "clinician")
    assert edited["support"] == "confirmed"
    assert any("100" in doubt for doubt in edited["doubts"])
    assert now["PA 150/90 mmHg."]["support"] == "confirmed"
    assert statements(await asked(house, "GET", "?version=1")) == drafted


async def test_a_change_of_an_old_version_is_refused(house: House) -> None:
    report = await asked(house, "GET", "")
    remove = {"kind": "remove", "statement_id": report["sections"][0]["statements"][0]["id"]}
    body = {"base": 1, "changes": [remove]}
    await asked(house, "POST", "/changes", json=body)
    assert await refused(house, "POST", "/changes", json=body) == (409, "conflict")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "edit", "statement_id": "none", "text": "x"},
        {"kind": "confirm", "statement_id": "none"},
        {"kind": "add", "section_id": "none", "text": "x"},
    ],
)
async def test_what_is_not_there_cannot_be_changed(house: House, change: dict[str, Any]) -> None:
    await asked(house, "GET", "")
    assert await refused(house, "POST", "/changes", json={"base": 1, "changes": [change]}) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"base": 1, "changes": []},
        {"base": 0, "changes": [{"kind": "remove", "statement_id": "a"}]},
        {"base": 1, "changes": [{"kind": "edit", "statement_id": "a", "text": "  "}]},
        {"base": 1, "changes": [{"kind": "edit", "statement_id": "a", "text": "x" * 4001}]},
        {"base": 1, "changes": [{"kind": "edit", "statement_id": "a", "text": "a\0b"}]},
        {"base": 1, "changes": [{"kind": "paint", "statement_id": "a"}]},
        {"base": 1, "changes": [{"kind": "remove", "statement_id": "a"}] * 101},
    ],
)
async def test_a_change_that_cannot_be_used_is_refused(house: House, body: dict[str, Any]) -> None:
    assert await refused(house, "POST", "/changes", json=body) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/drafts", {"template": "sonnet"}, (404, "not_found")),
        ("/drafts", {"template": "../pt/soap"}, (422, "invalid_request")),
        ("/drafts", {"edition": "final"}, (404, "not_found")),
        ("/signature", {"version": 1, "name": " "}, (422, "invalid_request")),
        ("/signature", {"version": 1, "name": "a\nb"}, (422, "invalid_request")),
    ],
)
async def test_drafts_and_signatures_that_cannot_be_made_are_refused(
    house: House, path: str, body: dict[str, Any], says: tuple[int, str]
) -> None:
    assert await refused(house, "POST", path, json=body) == says


SIGNATURE = {"version": 1, "name": "Dra. Ana  Souza"}


async def test_a_report_is_signed_after_the_call_and_its_recording_alone(house: House) -> None:
    await asked(house, "GET", "")
    assert await refused(house, "POST", "/signature", json=SIGNATURE) == (409, "conflict")
    house.rooms.live.clear()
    house.rooms.recordings[CONSULTATION] = RecordingState(state="finalizing", progress=0.5)
    assert await refused(house, "POST", "/signature", json=SIGNATURE) == (409, "conflict")
    house.rooms.recordings[CONSULTATION] = READY
    signed = await asked(house, "POST", "/signature", json=SIGNATURE)
    assert signed["status"] == "signed"
    assert (signed["signature"]["name"], signed["signature"]["identity"]) == ("Dra. Ana Souza", "clinician-1")
    assert {one["name"] for one in signed["signature"]["recordings"]} == {
        f"{role}.{form}" for role in ("clinician", "patient") for form in ("ogg", "wav")
    }


async def sealed(house: House) -> dict[str, Any]:
    await asked(house, "GET", "")
    house.rooms.live.clear()
    return await asked(house, "POST", "/signature", json=SIGNATURE)


async def test_a_recording_that_failed_does_not_hold_up_the_signature(house: House) -> None:
    house.rooms.recordings[CONSULTATION] = FAILED
    assert (await sealed(house))["status"] == "signed"


async def test_a_signed_version_stays_and_a_change_makes_a_draft(house: House) -> None:
    signed = await sealed(house)
    assert await refused(house, "POST", "/signature", json=SIGNATURE) == (409, "conflict")
    add = {"kind": "add", "section_id": "plan", "text": "Retorno em sete dias."}
    changed = await asked(house, "POST", "/changes", json={"base": 1, "changes": [add]})
    assert (changed["version"], changed["status"], changed["signature"]) == (2, "draft", None)
    assert (await asked(house, "GET", "?version=1")) == signed
    assert (await asked(house, "GET", "/verification"))["version"] == 1
    assert await refused(house, "POST", "/signature", json=SIGNATURE) == (409, "conflict")


def states(verification: dict[str, Any]) -> dict[str, str]:
    return {part["name"] or part["part"]: part["state"] for part in verification["parts"]}


async def test_verification_says_which_part_changed(house: House, recordings_dir: Path) -> None:
    assert await refused(house, "GET", "/verification") == (404, "not_found")
    await sealed(house)
    verified = await asked(house, "GET", "/verification")
    assert (verified["signed"], verified["intact"]) == (True, True)
    (recordings_dir / CONSULTATION / "patient.ogg").write_bytes(b"other")
    (recordings_dir / CONSULTATION / "patient.wav").unlink()
    house.store.said[CONSULTATION][1] = SAID[1].model_copy(update={"text": "Estou ótima."})
    kept = house.store.reports.kept[CONSULTATION]
    kept[0] = kept[0].model_copy(update={"title": "Outro"})
    now = await asked(house, "GET", "/verification?version=1")
    assert (now["signed"], now["intact"]) == (True, False)
    assert states(now) == {
        "signature": "intact",
        "report": "changed",
        "transcript": "changed",
        "clinician.ogg": "intact",
        "clinician.wav": "intact",
        "patient.ogg": "changed",
        "patient.wav": "missing",
    }


async def test_a_signature_made_up_afterwards_is_no_longer_whole(house: House) -> None:
    await sealed(house)
    kept = house.store.reports.kept[CONSULTATION]
    assert kept[0].signature is not None
    forged = kept[0].signature.model_copy(update={"name": "Dr. Outro"})
    kept[0] = kept[0].model_copy(update={"signature": forged})
    assert states(await asked(house, "GET", "/verification"))["signature"] == "changed"


async def test_an_unsigned_version_is_neither_signed_nor_intact(house: House) -> None:
    await asked(house, "GET", "")
    verified = await asked(house, "GET", "/verification?version=1")
    assert (verified["signed"], verified["intact"], verified["parts"]) == (False, False, [])


async def test_the_final_transcript_is_quoted_once_there_is_one(house: House) -> None:
    finally_ = [one.model_copy(update={"id": f"f{one.id}"}) for one in SAID]
    house.store.said_finally[CONSULTATION] = finally_
    report = await asked(house, "GET", "")
    assert report["edition"] == "final"
    cited = {proof["utterance_id"] for one in statements(report).values() for proof in one["evidence"]}
    assert cited
    assert all(one.startswith("f") for one in cited)
