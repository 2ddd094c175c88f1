"""A signature proves the report, the transcript and the recordings, and says which of them changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.model import seal
from server.model.consultation import Role
from server.model.report import Report, Section, Statement
from server.model.transcript import Utterance

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPORT = Report(
    consultation_id="consultation-1",
    version=1,
    template="soap",
    language="pt",
    title="SOAP",
    sections=(Section(id="plan", title="Plano", statements=(Statement(id="a", text="Retorno."),)),),
    created_at=AT,
)
SAID = [
    Utterance(id=f"u{i}", role=Role.PATIENT, start_s=i, end_s=i + 1, text=f"fala {i}", language="pt") for i in (0, 1)
]
FILES = {"patient.ogg": "aa", "clinician.ogg": "bb"}


def signed() -> Report:
    signature = seal.sign(REPORT, SAID, FILES, name="Dra. Ana", identity="ana", signed_at=AT)
    return REPORT.model_copy(update={"signature": signature, "status": "signed"})


def changed(report: Report, said: list[Utterance] = SAID, files: dict[str, str] = FILES) -> dict[str, str]:
    checks = seal.verify(report, said, files)
    return {one.name or one.part: one.state for one in checks if one.state != "intact"}


def test_what_did_not_change_is_intact_whatever_order_it_comes_in() -> None:
    assert changed(signed(), SAID[::-1], dict(reversed(FILES.items()))) == {}
    assert len(seal.verify(signed(), SAID, FILES)) == 3 + len(FILES)


def test_an_unsigned_report_has_nothing_to_verify() -> None:
    assert seal.verify(REPORT, SAID, FILES) == ()


def test_each_part_that_changed_is_named_alone() -> None:
    report = signed()
    assert changed(report.model_copy(update={"title": "Outro"})) == {"report": "changed"}
    assert changed(report, [SAID[0]]) == {"transcript": "changed"}
    assert changed(report, []) == {"transcript": "missing"}
    assert changed(report, files={"patient.ogg": "cc", "clinician.ogg": "bb"}) == {"patient.ogg": "changed"}
    assert changed(report, files={"clinician.ogg": "bb"}) == {"patient.ogg": "missing"}


@pytest.mark.parametrize(
    "change",
    [{"name": "Outro"}, {"identity": "x"}, {"signed_at": datetime(2026, 3, 2, tzinfo=UTC)}, {"recordings": ()}],
)
def test_a_signature_that_was_changed_does_not_hold(change: dict[str, object]) -> None:
    report = signed()
    assert report.signature is not None
    forged = report.model_copy(update={"signature": report.signature.model_copy(update=change)})
    assert changed(forged)["signature"] == "changed"


def test_a_report_read_back_from_json_has_the_same_hash() -> None:
    assert seal.of_report(Report.model_validate_json(REPORT.model_dump_json())) == seal.of_report(REPORT)
    assert seal.of_report(signed()) == seal.of_report(REPORT)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans() | st.none()))
def test_canonical_json_is_json_and_of_one_form(value: dict[str, object]) -> None:
    backwards = dict(reversed(value.items()))
    assert seal.canonical(value) == seal.canonical(backwards)
    assert json.loads(seal.canonical(value).decode("utf-8", "surrogatepass")) == value
