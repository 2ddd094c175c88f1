"""What was named, for those who may know."""

from __future__ import annotations

import pytest

from .conftest import House
from .fakes import CONSULTATION, OTHER_CONSULTATION

ONE = f"/api/consultations/{CONSULTATION}"


@pytest.mark.parametrize("role", ["service", "clinician"])
async def test_entities_are_listed_with_the_edition_they_belong_to(house: House, role: str) -> None:
    answer = await (await house.call("GET", f"{ONE}/entities", role)).json()
    assert (answer["consultation_id"], answer["edition"]) == (CONSULTATION, "live")
    assert [(one["text"], one["category"], one["assertion"]) for one in answer["entities"]] == [
        ("Dói", "SymptomOrSign", "affirmed")
    ]


async def test_a_patient_is_refused_and_learns_nothing(house: House) -> None:
    for path in ("entities", "entities?edition=live", "entities?edition=final"):
        answer = await house.call("GET", f"{ONE}/{path}", "patient")
        assert answer.status == 403
        assert "Symptom" not in await answer.text()


async def test_a_clinician_of_another_consultation_is_refused(house: House) -> None:
    path = f"/api/consultations/{OTHER_CONSULTATION}/entities"
    assert (await house.call("GET", path, "clinician")).status == 403


async def test_the_final_edition_counts_once_it_is_there_and_the_live_one_stays(house: House) -> None:
    assert (await house.call("GET", f"{ONE}/entities?edition=final")).status == 404
    house.store.said_finally[CONSULTATION] = house.store.said[CONSULTATION]
    final = house.store.named[CONSULTATION][0].model_copy(update={"text": "dor"})
    house.store.named_finally[CONSULTATION] = [final]
    for query, text in (("", "dor"), ("?edition=final", "dor"), ("?edition=live", "Dói")):
        answer = await (await house.call("GET", f"{ONE}/entities{query}")).json()
        assert [one["text"] for one in answer["entities"]] == [text]
