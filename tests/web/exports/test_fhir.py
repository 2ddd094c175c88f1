"""The FHIR document: valid for R4, whole, and final only where it is signed."""

from __future__ import annotations

import json

import pytest
from fhirclient.models.bundle import Bundle as R4Bundle
from hypothesis import HealthCheck, given, settings

from server.model.consultation import Participant, Role
from server.web.exports.dossier import Dossier
from server.web.exports.export import export
from server.web.exports.fhir.bundle import InvalidBundle, to_fhir, validated

from .fhir_rules import check_invariants, only, resources
from .generated import HIDDEN, dossiers
from .samples import dossier, report, signature, signed


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
