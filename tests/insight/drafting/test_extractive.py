"""Without a model, what was said becomes a report: each thing once, as it stands last, in its section."""

from __future__ import annotations

import pytest

from server.insight.drafting import templates
from server.insight.drafting.extractive import draft
from server.insight.drafting.notes import Notes
from server.insight.drafting.templates import Kind, phrases, template
from server.insight.languages import LANGUAGES
from server.model.errors import NotFound
from server.model.report import Support
from tests.insight.spoken import utterances

from .spoken import drafted, notes, statements, texts

CHEST = (
    "c: O que traz a senhora aqui?",
    "p: Estou com dor no peito há três dias.",
    "c: Teve febre, tosse ou tontura?",
    "p: Febre não. Tive tontura ontem à noite.",
    "c: Tem pressão alta ou diabetes?",
    "p: Tenho pressão alta há dez anos. Diabetes não tenho. Minha mãe tem asma.",
    "c: Quais remédios a senhora toma?",
    "p: Tomo losartana cinquenta miligramas de manhã.",
    "c: Tem alergia a algum medicamento?",
    "p: Sim, tenho alergia a dipirona.",
    "c: E a glicose em jejum?",
    "p: Deu cento e oitenta.",
    "c: Vou pedir um eletrocardiograma. Se a dor piorar, vá direto para a emergência.",
)


def test_a_consultation_becomes_a_soap_note() -> None:
    sections = drafted(*CHEST)
    assert {
        "Queixa: “Estou com dor no peito há três dias.”",
        "Dor no peito, há três dias.",
        "Nega febre.",
        "Tontura, ontem à noite.",
        "Hipertensão (“pressão alta”), há dez anos.",
        "Nega diabetes.",
        "História familiar de asma (minha mãe).",
        "Usa losartana 50 mg, de manhã.",
        "Alergia a dipirona.",
    } <= set(sections["subjective"])
    assert sections["objective"] == ["Glicemia de jejum (“glicose em jejum”): 180."]
    assert sections["plan"] == ["Solicitado: eletrocardiograma.", "“Se a dor piorar, vá direto para a emergência.”"]


def test_a_red_flag_names_the_words_that_make_it() -> None:
    flags = [text for text in texts(*CHEST, "p: Também tenho falta de ar.") if text.startswith("Sinal de alerta")]
    assert any("dor no peito" in flag and "falta de ar" in flag for flag in flags)


def test_every_statement_is_proved_and_states_what_its_evidence_names() -> None:
    for one in statements(draft(notes(*CHEST), template("soap", "pt"))):
        assert one.support is Support.SUPPORTED
        assert one.evidence
        assert all(entity.utterance_id or entity.answer_id for entity in one.entities)


def test_an_answer_is_shown_with_its_question() -> None:
    (denial,) = [one for one in statements(draft(notes(*CHEST), template("soap", "pt"))) if one.text == "Nega febre."]
    assert [proof.quote for proof in denial.evidence] == ["Teve febre, tosse ou tontura?", "Febre não."]


def test_a_medicine_keeps_its_own_dose() -> None:
    said = texts("c: O que o senhor toma?", "p: Losartana cinquenta miligramas e enalapril dez miligramas.")
    assert {"Usa losartana 50 mg.", "Usa enalapril 10 mg."} <= set(said)


def test_what_was_taken_back_is_not_stated() -> None:
    said = texts("p: Tenho asma.", "c: Asma?", "p: Não, asma não tenho. Asma não.")
    assert "Asma." not in said


def test_what_was_told_often_is_not_taken_back_by_the_way() -> None:
    said = texts(
        "p: I have a terrible headache.",
        "p: The headache started today.",
        "p: I never had headaches like this before.",
        language="en",
    )
    assert not any(text.startswith("Denies headache") for text in said)
    assert any(text.startswith("Headache") for text in said)


def test_a_second_answer_does_not_answer_again() -> None:
    said = texts("c: Teve febre?", "p: Não.", "p: Tomo losartana cinquenta miligramas.")
    assert "Nega febre." in said
    assert "Febre." not in said


def test_what_is_taken_is_no_allergen() -> None:
    said = texts(
        "c: Toma algum remédio? Tem alergia a algum medicamento?",
        "p: Tomo losartana de manhã. Tenho alergia a dipirona.",
    )
    assert "Alergia a losartana." not in said
    assert "Alergia a dipirona." in said


def test_a_guess_of_the_clinician_is_a_hypothesis() -> None:
    said = drafted("p: It burns when I pee.", "c: I think it is probably a UTI or cystitis.", language="en")
    assert any(text.startswith("Possible") for text in said["assessment"])


def test_a_misheard_name_says_what_was_heard() -> None:
    assert "Usa losartana (ouvido: “lozartana”) 50 mg." in texts("p: Eu tomo lozartana cinquenta miligramas.")


def test_an_allergy_that_is_not_certain_says_so() -> None:
    assert "Possível alergia a dipirona." in texts("p: Acho que tenho alergia a dipirona.")
    assert "Possible allergy to benzylpenicillin (“penicillin”)." in texts(
        "p: I think I'm allergic to penicillin.", language="en"
    )


def test_an_allergy_is_to_what_was_named() -> None:
    assert "Alergia a sulfa." in texts("c: Tem alergia a algum medicamento?", "p: Tenho alergia a sulfa.")


def test_nothing_said_makes_empty_sections() -> None:
    assert set(map(tuple, drafted().values())) == {()}


def test_late_words_are_understood_as_if_they_had_come_in_time() -> None:
    said = utterances(CHEST)
    late = Notes()
    for one in reversed(said):
        late.hear(one)
    form = template("soap", "pt")
    assert draft(late, form) == draft(Notes(said), form)


def test_the_patients_summary_speaks_to_the_patient() -> None:
    said = texts(*CHEST, form="patient")
    assert "Você usa losartana 50 mg, de manhã." in said
    assert "Exame a fazer: eletrocardiograma." in said
    assert not any("alerta" in text for text in said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_takes_kinds_that_have_words(language: str) -> None:
    assert templates.names(language)[0] == "soap"
    for name in templates.names(language):
        form = template(name, language)
        assert form.title
        assert all(section.about and section.takes for section in form.section)
        assert set(form.phrases) <= set(Kind)
    assert set(phrases(language).statement) == set(Kind)


def test_languages_have_the_same_templates_with_the_same_sections() -> None:
    assert templates.names("pt") == templates.names("en")
    for name in templates.names("pt"):
        shapes = [[(one.id, one.code, one.takes) for one in template(name, lang).section] for lang in LANGUAGES]
        assert shapes[0] == shapes[1]
    assert set(phrases("pt").doubts) == set(phrases("en").doubts)


@pytest.mark.parametrize("name", ["sonnet", "../soap", "", "soap.toml", "phrases.pt"])
def test_a_template_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(NotFound, match="soap"):
        template(name, "pt")
