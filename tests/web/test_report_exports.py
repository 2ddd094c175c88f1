"""The report as a file: who may take it away, in which version, under which name."""

from __future__ import annotations

import json

import pytest

from server.model.insight import Evidence
from server.model.report import Report

from .conftest import House
from .exports.samples import report, signed, utterances
from .fakes import CONSULTATION, OTHER_CONSULTATION

ONE = f"/api/consultations/{CONSULTATION}"
FORMS = {
    "md": ("text/markdown", "utf-8", b"# "),
    "pdf": ("application/pdf", None, b"%PDF-"),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", None, b"PK"),
    "fhir.json": ("application/fhir+json", "utf-8", b'{"resourceType": "Bundle"'),
}


@pytest.fixture(autouse=True)
def reports(house: House) -> list[Report]:
    """A draft, and its next version, signed."""
    kept = house.store.reports.kept[CONSULTATION]
    kept += [report(version=1), signed().report]
    house.store.said[CONSULTATION] = list(utterances())
    return kept


@pytest.mark.parametrize("role", ["service", "clinician"])
@pytest.mark.parametrize("form", FORMS)
async def test_the_report_comes_as_a_file_of_each_form(house: House, form: str, role: str) -> None:
    answer = await house.call("GET", f"{ONE}/report.{form}", role)  # type: ignore[arg-type]
    assert answer.status == 200
    content_type, charset, start = FORMS[form]
    assert (answer.content_type, answer.charset) == (content_type, charset)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="report-{CONSULTATION}-v2.{form}"'
    assert (await answer.read()).startswith(start)


@pytest.mark.parametrize("form", FORMS)
async def test_a_patient_gets_no_report(house: House, form: str) -> None:
    answer = await house.call("GET", f"{ONE}/report.{form}", "patient")
    assert answer.status == 403
    assert "losartana" not in await answer.text()


async def test_the_version_that_is_asked_for_comes_and_a_draft_is_named_one(house: House) -> None:
    answer = await house.call("GET", f"{ONE}/report.md?version=1")
    assert answer.headers["Content-Disposition"].endswith(f'report-{CONSULTATION}-v1-draft.md"')
    assert "Rascunho, não assinado" in await answer.text()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{ONE}/report.md?version=3", 404),
        (f"{ONE}/report.odt", 404),
        (f"{ONE}/report.fhir", 404),
        (f"/api/consultations/{OTHER_CONSULTATION}/report.md", 404),
        ("/api/consultations/no-such-consultation/report.md", 404),
        (f"{ONE}/report.md?version=0", 422),
        (f"{ONE}/report.md?version=99999999999999999999", 422),
        (f"{ONE}/report.md?format=pdf", 422),
        (f"{ONE}/report.md?time_zone=Nowhere/Atall", 404),
        (f"{ONE}/report.md?time_zone=America", 404),
        (f"{ONE}/report.md?time_zone=../../etc/passwd", 422),
        (f"{ONE}/report.md?time_zone=a/../../etc/passwd", 422),
    ],
)
async def test_what_there_is_not_is_refused(house: House, path: str, status: int) -> None:
    assert (await house.call("GET", path)).status == status


async def test_times_are_shown_in_the_zone_that_is_asked_for(house: House) -> None:
    markdown = await (await house.call("GET", f"{ONE}/report.md?time_zone=America/Sao_Paulo")).text()
    assert "- **Data:** 01/03/2026, 09:00 (UTC−03:00)" in markdown
    assert "- **Data:** 01/03/2026, 12:00 (UTC)" in await (await house.call("GET", f"{ONE}/report.md")).text()


async def test_while_the_database_is_away_it_says_so(house: House) -> None:
    house.store.away = True
    assert (await house.call("GET", f"{ONE}/report.pdf")).status == 503


async def test_times_and_speakers_come_from_the_edition_that_the_report_quotes(
    house: House, reports: list[Report]
) -> None:
    first = report().sections[0]
    said = first.statements[0].model_copy(update={"evidence": (Evidence(utterance_id="f1"),)})
    sections = (first.model_copy(update={"statements": (said,)}),)
    reports[:] = [report(version=1, edition="final", sections=sections)]
    house.store.said_finally[CONSULTATION] = [
        utterances()[1].model_copy(update={"id": "f1", "start_s": 61.0, "end_s": 62.0})
    ]
    markdown = await (await house.call("GET", f"{ONE}/report.md")).text()
    assert "- \\[01:01\\] Paciente: “Tenho dor no peito" in markdown
    bundle = json.loads(await (await house.call("GET", f"{ONE}/report.fhir.json")).read())
    assert "[01:01]" in json.dumps(bundle)


async def test_the_first_draft_is_written_when_its_file_is_asked_for(house: House, reports: list[Report]) -> None:
    reports.clear()
    answer = await house.call("GET", f"{ONE}/report.md")
    assert answer.status == 200
    assert "Rascunho, não assinado" in await answer.text()
    assert [one.version for one in reports] == [1]
