"""Which resources a report's statements become: no more than was said, as sure as who said it."""

from __future__ import annotations

import pytest

from server.model.entities import Assertion, EntityCategory, Relation, RelationKind
from server.model.report import Section, Support
from server.web.exports.fhir.bundle import to_fhir

from .fhir_rules import of_entities, only, resources
from .samples import dossier, entity, statement


def test_a_medicine_has_its_dose_and_who_told() -> None:
    bundle = to_fhir(dossier())
    medicine = only(bundle, "MedicationStatement")
    assert medicine["medicationCodeableConcept"] == {"text": "losartana"}
    assert medicine["status"] == "active"
    assert medicine["dosage"] == [
        {
            "text": "50 mg, de doze em doze horas",
            "doseAndRate": [
                {
                    "doseQuantity": {
                        "value": 50,
                        "unit": "mg",
                        "system": "http://unitsofmeasure.org",
                        "code": "mg",
                    }
                }
            ],
        }
    ]
    assert medicine["informationSource"]["reference"].endswith(only(bundle, "Patient")["id"])


def medicine(of: str = "u5", **more: object) -> object:
    return entity(of, EntityCategory.MEDICATION, "losartana", **more)


@pytest.mark.parametrize(
    ("assertion", "code", "of", "status"),
    [
        (Assertion.AFFIRMED, "", "u5", "active"),
        (Assertion.AFFIRMED, "", "u7", "unknown"),
        (Assertion.AFFIRMED, "18776-5", "u7", "intended"),
        (Assertion.NEGATED, "", "u5", "not-taken"),
        (Assertion.NEGATED, "18776-5", "u7", None),
        (Assertion.PAST, "", "u5", "stopped"),
        (Assertion.POSSIBLE, "", "u5", "unknown"),
        (Assertion.ASKED, "", "u7", None),
        (Assertion.SUPPOSED, "", "u7", None),
        (Assertion.FAMILY, "", "u5", None),
    ],
)
def test_a_medicine_is_taken_only_by_who_said_so(assertion: Assertion, code: str, of: str, status: str | None) -> None:
    made = resources(of_entities(medicine(of, assertion=assertion), code=code), "MedicationStatement")
    assert [one["status"] for one in made] == ([status] if status else [])


def test_what_the_clinician_asked_and_the_patient_affirmed_is_the_patients() -> None:
    made = of_entities(medicine("u7", answer_id="u2"))
    assert only(made, "MedicationStatement")["status"] == "active"


@pytest.mark.parametrize(
    ("assertion", "of", "signed_too", "verification", "clinical"),
    [
        (Assertion.AFFIRMED, "u6", False, "unconfirmed", "active"),
        (Assertion.AFFIRMED, "u6", True, "unconfirmed", "active"),
        (Assertion.AFFIRMED, "u7", False, "unconfirmed", "active"),
        (Assertion.AFFIRMED, "u7", True, "confirmed", "active"),
        (Assertion.POSSIBLE, "u7", True, "provisional", "active"),
        (Assertion.PAST, "u6", True, "unconfirmed", "inactive"),
        (Assertion.NEGATED, "u7", True, "refuted", None),
    ],
)
def test_a_condition_is_as_sure_as_who_stated_it(
    assertion: Assertion, of: str, signed_too: bool, verification: str, clinical: str | None
) -> None:
    stated = entity(of, EntityCategory.DIAGNOSIS, "pressão", assertion=assertion)
    condition = only(of_entities(stated, signed_too=signed_too), "Condition")
    assert condition["verificationStatus"]["coding"][0]["code"] == verification
    found = condition.get("clinicalStatus", {}).get("coding", [{"code": None}])
    assert found[0]["code"] == clinical
    assert condition["evidence"][0]["code"][0]["text"].startswith("[")


@pytest.mark.parametrize("assertion", [Assertion.ASKED, Assertion.SUPPOSED])
@pytest.mark.parametrize("category", EntityCategory)
def test_what_was_only_asked_or_supposed_is_no_finding(assertion: Assertion, category: EntityCategory) -> None:
    bundle = of_entities(entity("u6", category, "pressão alta", assertion=assertion))
    kinds = {one["resource"]["resourceType"] for one in bundle["entry"]}
    assert kinds == {"Composition", "Patient", "Practitioner", "Encounter", "Provenance"}


def test_what_the_patient_denies_is_an_observation_and_no_condition() -> None:
    for category in (EntityCategory.DIAGNOSIS, EntityCategory.SYMPTOM, EntityCategory.ALLERGEN):
        bundle = of_entities(entity("u6", category, "dipirona", assertion=Assertion.NEGATED))
        assert only(bundle, "Observation")["valueBoolean"] is False
        assert not resources(bundle, "Condition") + resources(bundle, "AllergyIntolerance")


def test_what_a_relative_has_is_family_history() -> None:
    illness = entity("u6", EntityCategory.DIAGNOSIS, "pressão alta", assertion=Assertion.FAMILY)
    relation = Relation(kind=RelationKind.RELATIVE_WITH, to=illness.id)
    mother = entity("u5", EntityCategory.FAMILY, "Tomo", "mother", "mãe", relations=(relation,))
    bundle = of_entities(illness, mother)
    history = only(bundle, "FamilyMemberHistory")
    assert history["relationship"] == {"text": "mãe"}
    assert history["condition"] == [{"code": {"text": "pressão alta"}}]
    assert not resources(bundle, "Condition")


def test_a_value_names_what_was_measured() -> None:
    pulse = entity("u7", EntityCategory.EXAMINATION, "pressão", "pulse", "pulso")
    relation = Relation(kind=RelationKind.VALUE_OF, to=pulse.id)
    value = entity("u7", EntityCategory.MEASUREMENT, "catorze", value=72.0, unit="bpm", relations=(relation,))
    observation = only(of_entities(pulse, value), "Observation")
    assert observation["code"] == {"text": "pulso"}
    assert observation["valueQuantity"] == {"value": 72, "unit": "bpm"}
    assert not resources(of_entities(value), "Observation")


def test_what_the_clinician_confirmed_against_the_checker_stays_words() -> None:
    said = statement(1, "Nega pressão alta.", ("u6",), entity("u6", EntityCategory.DIAGNOSIS, "pressão alta"))
    sections = (Section(id="a", title="A", statements=(said.model_copy(update={"support": Support.CONFIRMED}),)),)
    bundle = to_fhir(dossier(sections=sections))
    assert not resources(bundle, "Condition")
    assert "Nega pressão alta." in only(bundle, "Composition")["section"][0]["text"]["div"]


def test_what_is_stated_twice_is_one_resource_with_all_its_evidence() -> None:
    allergen = entity("u6", EntityCategory.ALLERGEN, "dipirona")
    again = allergen.model_copy(update={"id": "again", "utterance_id": "u5"})
    parts = tuple(
        Section(id=of, title=of, statements=(statement(number, "Alergia a dipirona.", (of,), one),))
        for number, (of, one) in enumerate((("u6", allergen), ("u5", again)))
    )
    bundle = to_fhir(dossier(sections=parts))
    allergy = only(bundle, "AllergyIntolerance")
    assert len(allergy["extension"]) == 2
    entries = [section["entry"] for section in only(bundle, "Composition")["section"]]
    assert entries[0] == entries[1]


def test_a_medicine_told_with_its_dose_and_again_without_is_one() -> None:
    tablet = entity("u5", EntityCategory.MEDICATION, "losartana")
    dosed = [
        entity(
            "u5", EntityCategory.DOSAGE, "cinquenta miligramas", f"{mg} mg", f"{mg} mg",
            id=f"d{mg}", value=float(mg), unit="mg", relations=(Relation(kind=RelationKind.DOSAGE_OF, to=tablet.id),),
        )
        for mg in (50, 100)
    ]  # fmt: skip
    told = [statement(1, "Usa.", ("u2",), tablet), statement(2, "Usa 50.", ("u5",), tablet, dosed[0])]
    again = statement(3, "Usa 100.", ("u5",), tablet, dosed[1])
    for statements, doses in ((told, ["50 mg"]), (told[::-1], ["50 mg"]), ([*told, again], ["50 mg", "100 mg"])):
        sections = (Section(id="a", title="A", statements=tuple(statements)),)
        made = resources(to_fhir(dossier(sections=sections)), "MedicationStatement")
        assert [one["dosage"][0]["text"] for one in made] == doses
        assert len(made[0]["extension"]) == 2


def test_what_both_say_is_the_patients_word() -> None:
    illness = entity("u6", EntityCategory.DIAGNOSIS, "pressão alta")
    asked = illness.model_copy(update={"id": "again", "utterance_id": "u7"})
    condition = only(of_entities(asked, illness, signed_too=True), "Condition")
    assert condition["verificationStatus"]["coding"][0]["code"] == "unconfirmed"
