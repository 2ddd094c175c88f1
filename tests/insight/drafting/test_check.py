"""The checker believes nobody: cited words must be there, and say what the statement says."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.insight.drafting.check import Checker
from server.insight.drafting.extractive import draft
from server.insight.drafting.templates import template
from server.model.insight import Evidence
from server.model.report import Origin, Statement, Support

from .spoken import checked, cited, notes, statements
from .test_extractive import CHEST

SAID = notes(*CHEST)
PROVED = statements(draft(SAID, template("soap", "pt")))
PAIN = (1, "Estou com dor no peito há três dias.")


def test_what_was_said_is_supported_and_carries_its_entities() -> None:
    one = checked(SAID, "Paciente refere dor no peito há três dias.", PAIN)
    assert (one.support, one.doubts) == (Support.SUPPORTED, ())
    assert "chest_pain" in {entity.normal for entity in one.entities}


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("Hipertenso há 10 anos.", [(5, "Tenho pressão alta há dez anos.")]),
        ("Nega diabetes.", [(5, "Diabetes não tenho.")]),
        ("Mãe com asma.", [(5, "Minha mãe tem asma.")]),
        ("Usa losartana 50 mg pela manhã.", [(7, "Tomo losartana cinquenta miligramas de manhã.")]),
        ("Glicose em jejum 180.", [(10, "E a glicose em jejum?"), (11, "Deu cento e oitenta.")]),
        ("Solicitado eletrocardiograma.", [(12, "Vou pedir um eletrocardiograma.")]),
    ],
)
def test_a_models_own_words_pass_where_they_say_the_same(text: str, quotes: list[tuple[int, str]]) -> None:
    assert checked(SAID, text, *quotes).doubts == ()


@pytest.mark.parametrize(
    ("text", "quotes", "doubt"),
    [
        ("Dor no peito.", [], "não cita"),
        ("Dor no peito.", [(99, "dor no peito")], "não existe"),
        ("Dor no peito.", [(1, "dor no braço")], "não contém"),
        ("Dor no peito.", [(1, " ")], "não contém"),
        ("Dor no peito.", [(3, "Febre não.")], "não foi dito"),
        ("Febre.", [(3, "Febre não.")], "negado"),
        ("Febre.", [(2, "Teve febre, tosse ou tontura?")], "negado"),
        ("Nega dor no peito.", [PAIN], "afirmado"),
        ("Asma.", [(5, "Minha mãe tem asma.")], "familiar"),
        ("Dor no peito há cinco dias.", [PAIN], "5"),
        ("Usa losartana 100 mg.", [(7, "Tomo losartana cinquenta miligramas de manhã.")], "100"),
        ("Alergia a penicilina.", [(9, "Sim, tenho alergia a dipirona.")], "penicilina"),
        ("Hipertensão e asma.", [(5, "Tenho pressão alta há dez anos.")], "asma"),
        ("O paciente deve receber desconto e ver as sugestões.", [PAIN], "não vêm"),
    ],
)
def test_what_was_not_said_so_is_doubted(text: str, quotes: list[tuple[int, str]], doubt: str) -> None:
    one = checked(SAID, text, *quotes)
    assert one.support is Support.UNSUPPORTED
    assert doubt in " ".join(one.doubts)
    assert not one.exportable


def test_a_dose_belongs_to_the_medicine_it_was_said_of() -> None:
    said = notes("p: Tomo losartana cinquenta miligramas e enalapril dez miligramas.")
    words = (0, "Tomo losartana cinquenta miligramas e enalapril dez miligramas.")
    assert checked(said, "Usa enalapril 10 mg.", words).doubts == ()
    assert checked(said, "Usa enalapril 50 mg.", words).support is Support.UNSUPPORTED


def test_a_side_is_one_that_was_said() -> None:
    said = notes("p: Dói o joelho direito.")
    assert checked(said, "Dor no joelho direito.", (0, "Dói o joelho direito.")).doubts == ()
    assert "esquerdo" in " ".join(checked(said, "Dor no joelho esquerdo.", (0, "Dói o joelho direito.")).doubts)


def test_a_fragment_does_not_hide_the_denial_around_it() -> None:
    assert checked(SAID, "Febre.", (3, "Febre")).support is Support.UNSUPPORTED
    assert checked(SAID, "Apresenta “febre”.", (3, "Febre")).support is Support.UNSUPPORTED


def test_a_denial_of_what_is_no_entity_counts_too() -> None:
    said = notes("p: A dor não melhora quando descanso.")
    words = (0, "A dor não melhora quando descanso.")
    assert checked(said, "A dor não melhora quando descansa.", words).doubts == ()
    assert checked(said, "A dor melhora quando descansa.", words).support is Support.UNSUPPORTED


def test_what_was_taken_back_later_is_doubted() -> None:
    said = notes("p: Tenho asma.", "c: Certo.", "p: Desculpe, asma eu não tenho.")
    assert "mais tarde" in " ".join(checked(said, "Asma.", (0, "Tenho asma.")).doubts)


def test_an_answer_alone_is_completed_by_its_question() -> None:
    one = checked(notes("c: Teve febre?", "p: Não."), "Nega febre.", (1, "Não."))
    assert one.doubts == ()
    assert {proof.quote for proof in one.evidence} == {"Teve febre?", "Não."}


def test_what_the_clinician_answers_for_stays_with_its_doubts() -> None:
    checker = Checker(SAID, "pt")
    confirmed = checker.check(cited("Febre.", (3, "Febre não.")).model_copy(update={"support": Support.CONFIRMED}))
    written = checker.check(cited("Febre.").model_copy(update={"origin": Origin.CLINICIAN}))
    for one in (confirmed, written):
        assert (one.support, bool(one.doubts), one.exportable) == (Support.CONFIRMED, True, True)


def test_checking_again_changes_nothing() -> None:
    checker = Checker(SAID, "pt")
    assert [checker.check(one) for one in PROVED] == PROVED


@given(which=st.integers(0, len(PROVED) - 1), number=st.integers(200, 999))
@settings(deadline=None, max_examples=60)
def test_no_other_number_ever_passes(which: int, number: int) -> None:
    one = PROVED[which]
    changed = re.sub(r"\d+", str(number), one.text, count=1)
    if changed == one.text:
        changed = f"{one.text[:-1]}, {number}."
    assert Checker(SAID, "pt").check(one.model_copy(update={"text": changed})).doubts


@given(which=st.integers(0, len(PROVED) - 1), data=st.data())
@settings(deadline=None, max_examples=60)
def test_no_changed_quote_ever_passes(which: int, data: st.DataObject) -> None:
    one = PROVED[which]
    proof = data.draw(st.sampled_from(one.evidence))
    at = data.draw(st.integers(0, len(proof.quote) - 1))
    bent = proof.quote[:at] + "#" + proof.quote[at + 1 :]
    evidence = tuple(proof.model_copy(update={"quote": bent}) if other is proof else other for other in one.evidence)
    assert Checker(SAID, "pt").check(one.model_copy(update={"evidence": evidence})).doubts


STANDING = [one for one in PROVED if re.match(r"(Nega|Dor|Tontura|Hipertensão|Alergia)", one.text)]


@pytest.mark.parametrize("one", STANDING, ids=lambda one: one.text)
def test_no_turned_denial_ever_passes(one: Statement) -> None:
    turned = one.text.removeprefix("Nega ") if one.text.startswith("Nega") else f"Nega {one.text.lower()}"
    assert Checker(SAID, "pt").check(one.model_copy(update={"text": turned})).doubts


@pytest.mark.parametrize("one", PROVED, ids=lambda one: one.text)
def test_no_statement_passes_on_anothers_evidence(one: Statement) -> None:
    other = Evidence(utterance_id="u0", quote="O que traz a senhora aqui?")
    assert Checker(SAID, "pt").check(one.model_copy(update={"evidence": (other,)})).doubts


@given(text=st.text(min_size=1, max_size=200), quote=st.text(max_size=50), turn=st.integers(-1, 14))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_model_writes_is_answered(text: str, quote: str, turn: int) -> None:
    one = Checker(SAID, "pt").check(cited(text, (turn, quote)))
    assert one.support in (Support.SUPPORTED, Support.UNSUPPORTED)
    assert one.text == text
