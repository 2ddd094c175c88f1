"""The FHIR document: valid for R4, whole, and claiming no more than was said."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from fhirclient.models.bundle import Bundle as R4Bundle
from hypothesis import HealthCheck, given, settings

from server.model.consultation import Participant, Role
from server.model.entities import Assertion, EntityCategory, Relation, RelationKind
from server.model.report import Section, Support
from server.web.exports.dossier import Dossier
from server.web.exports.export import export
from server.web.exports.fhir.bundle import InvalidBundle, to_fhir, validated

from .generated import HIDDEN, dossiers
from .samples import dossier, entity, report, signature, signed, statement

XHTML = "{http://www.w3.org/1999/xhtml}"
Json = dict[str, Any]


def resources(bundle: Json, kind: str) -> list[Json]:
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind]


def only(bundle: Json, kind: str) -> Json:
    (one,) = resources(bundle, kind)
    return one


def of_entities(*entities: object, signed_too: bool = False, code: str = "") -> Json:
    """Return the bundle of a report with one statement that states `entities`."""
    said = statement(1, "Frase.", ("u2", "u5", "u6", "u7"), *entities)  # type: ignore[arg-type]
    sections = (Section(id="one", title="Um", code=code, statements=(said,)),)
    made = signed(sections=sections) if signed_too else dossier(sections=sections)
    return json.loads(validated(to_fhir(made)))


def nodes(value: object) -> list[Json]:
    found: list[Json] = []
    if isinstance(value, dict):
        found.append(value)
        for one in value.values():
            found += nodes(one)
    elif isinstance(value, list):
        for one in value:
            found += nodes(one)
    return found


def check_invariants(bundle: Json) -> None:
    """Hold the rules of R4 that are no matter of structure; named as the specification names them."""
    assert bundle["identifier"]["system"]  # bdl-9
    assert bundle["identifier"]["value"]
    assert bundle["timestamp"]  # bdl-10
    assert bundle["entry"][0]["resource"]["resourceType"] == "Composition"  # bdl-11
    urls = [one["fullUrl"] for one in bundle["entry"]]
    assert len(urls) == len(set(urls))  # bdl-7
    for one in bundle["entry"]:
        assert one["fullUrl"] == f"urn:uuid:{one['resource']['id']}"
    for node in nodes(bundle):
        if "reference" in node:
            assert node["reference"] in urls
        if str(node.get("url", "")).startswith("urn:escuta:"):  # ext-1
            assert ("extension" in node) != any(name.startswith("value") for name in node)
        if "div" in node:
            check_narrative(node["div"])
        for name, value in node.items():
            assert value not in ({}, [], "", None), name
            if isinstance(value, str):
                assert not re.search("[\x00-\x1f]", value), name
    for section in bundle["entry"][0]["resource"].get("section", ()):
        assert section["text"]  # cmp-1
    for condition in resources(bundle, "Condition"):
        status = condition["verificationStatus"]["coding"][0]["code"]
        assert ("clinicalStatus" in condition) is (status != "refuted")
    for allergy in resources(bundle, "AllergyIntolerance"):
        assert allergy["clinicalStatus"]  # ait-1
    for observation in resources(bundle, "Observation"):
        assert len([name for name in observation if name.startswith("value")]) == 1


def check_narrative(div: str) -> None:
    """Hold that a narrative is XHTML of the elements we write, with some text in it (txt-1, txt-2)."""
    root = ElementTree.fromstring(div)
    assert root.tag == f"{XHTML}div"
    for one in root.iter():
        assert one.tag in {f"{XHTML}{name}" for name in ("div", "p", "ul", "li", "small")}
        assert one is root or not one.attrib
    assert "".join(root.itertext()).strip()


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(dossiers)
def test_whatever_a_report_holds_its_bundle_is_valid(made: Dossier) -> None:
    bundle = json.loads(validated(to_fhir(made)))
    R4Bundle(bundle, strict=True)  # made from the definitions of 4.0.1
    check_invariants(bundle)
    assert HIDDEN not in json.dumps(bundle)


def test_the_sample_is_a_document_of_all_it_states() -> None:
    bundle = to_fhir(signed())
    assert [one["resource"]["resourceType"] for one in bundle["entry"]] == [
        *("Composition", "Patient", "Practitioner", "Encounter"),
        *("Observation", "Observation", "MedicationStatement", "AllergyIntolerance", "Condition", "Observation"),
        *("Provenance", "Provenance"),
    ]
    assert only(bundle, "Patient")["name"] == [{"text": "Maria José"}]
    assert "inventada" not in json.dumps(bundle)


def test_each_section_has_its_code_its_words_and_what_they_state() -> None:
    bundle = to_fhir(dossier())
    subjective, objective, assessment, plan = only(bundle, "Composition")["section"]
    assert subjective["title"] == "Subjetivo"
    assert subjective["code"]["coding"] == [{"system": "http://loinc.org", "code": "61150-9"}]
    assert "<li>Usa losartana 50 mg de 12 em 12 h. <small>[12:03]</small></li>" in subjective["text"]["div"]
    assert len(subjective["entry"]) == 5
    assert len(objective["entry"]) == 1
    assert "entry" not in assessment
    assert "<small>[confirmado]</small>" in assessment["text"]["div"]
    assert "<p>Nada registrado.</p>" in plan["text"]["div"]


def test_every_statement_carries_its_evidence_with_seconds() -> None:
    (statements,) = [
        section["extension"]
        for section in only(to_fhir(dossier()), "Composition")["section"]
        if section["title"] == "Objetivo"
    ]
    parts = {one["url"]: one for one in statements[0]["extension"]}
    assert parts["text"]["valueString"] == "Pressão arterial 140/90 mmHg."
    assert parts["support"]["valueCode"] == "supported"
    proof = {one["url"]: one for one in parts["urn:escuta:fhir:evidence"]["extension"]}
    assert proof["utterance"]["valueString"] == "u7"
    assert (proof["start"]["valueDecimal"], proof["end"]["valueDecimal"]) == (3605.0, 3611.0)
    assert proof["quote"]["valueString"].startswith("A pressão está catorze por nove.")


def test_a_draft_is_preliminary_and_says_so() -> None:
    bundle = to_fhir(dossier())
    head = only(bundle, "Composition")
    assert head["status"] == "preliminary"
    assert "attester" not in head
    assert "Rascunho, não assinado" in head["text"]["div"]
    assert only(bundle, "Provenance")["activity"]["coding"][0]["code"] == "CREATE"


def test_a_signature_without_the_status_signs_nothing() -> None:
    bundle = to_fhir(dossier(signature=signature()))
    assert only(bundle, "Composition")["status"] == "preliminary"
    assert "Conceição ·" not in json.dumps(bundle, ensure_ascii=False)


def test_a_signed_one_is_final_and_its_provenance_has_the_hashes() -> None:
    bundle = to_fhir(signed())
    head = only(bundle, "Composition")
    assert head["status"] == "final"
    assert head["attester"][0]["time"] == "2026-03-01T11:30:00.000-03:00"
    _, signing = resources(bundle, "Provenance")
    assert signing["target"][0]["reference"] == bundle["entry"][0]["fullUrl"]
    assert signing["recorded"] == "2026-03-01T11:30:00.000-03:00"
    hashes = [one["what"]["identifier"] for one in signing["entity"]]
    assert {one["system"] for one in hashes} == {"urn:oid:2.16.840.1.101.3.4.2.1"}
    assert [one["value"][:4] for one in hashes] == ["0123", "aaaa", "bbbb", "cccc", "dddd"]
    assert "data" not in signing["signature"][0]


def test_who_signed_in_anothers_place_is_a_practitioner_of_their_own() -> None:
    bundle = to_fhir(dossier(status="signed", signature=signature(name="Dr. Rui", identity="rui")))
    led, signer = resources(bundle, "Practitioner")
    head = only(bundle, "Composition")
    assert head["author"][0]["reference"].endswith(led["id"])
    assert head["attester"][0]["party"]["reference"].endswith(signer["id"])
    assert signer["name"] == [{"text": "Dr. Rui"}]


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


def test_nobody_in_a_seat_leaves_a_resource_without_a_name() -> None:
    made = dossier()
    alone = Dossier(made.report, made.consultation, (Participant(role=Role.CLINICIAN, identity="ana", name="Ana"),))
    bundle = json.loads(validated(to_fhir(alone)))
    assert "name" not in only(bundle, "Patient")
    check_invariants(bundle)


def test_the_same_report_makes_the_same_document_and_its_signed_version_another() -> None:
    assert to_fhir(dossier()) == to_fhir(dossier())
    assert to_fhir(dossier())["identifier"] != to_fhir(signed())["identifier"]


def test_an_invalid_bundle_does_not_leave_and_the_message_holds_no_words() -> None:
    bundle = to_fhir(dossier())
    bundle["entry"][0]["resource"]["status"] = {"a secret": "of somebody"}
    bundle["entry"][1]["resource"]["surname"] = "a secret"
    with pytest.raises(InvalidBundle) as caught:
        validated(bundle)
    assert "secret" not in str(caught.value)
    assert "status" in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_it_is_exported_as_json_in_utf_8() -> None:
    file = export(dossier(report()), "fhir.json")
    assert json.loads(file.body) == to_fhir(dossier(report()))
    assert "Avaliação".encode() in file.body
