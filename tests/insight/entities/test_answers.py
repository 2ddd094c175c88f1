"""An answer settles what its question asked, and says nothing of the rest."""

import pytest

from server.insight.entities.extract import extract
from server.insight.measure.consultations import dialogue
from server.model.entities import Assertion, EntityCategory, RelationKind
from tests.insight.entities.spoken import consultation


def settled(*turns: str, language: str = "pt") -> dict[str, str]:
    """Return how what the first turn asked stands in the end."""
    return {
        one.text: one.assertion.value for one in consultation(*turns, language=language) if one.utterance_id == "test-0"
    }


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (["c: Tem febre?", "p: Não."], {"febre": "negated"}),
        (["c: Tem febre?", "p: Tenho sim."], {"febre": "affirmed"}),
        (["c: Treme?", "p: Tremo muito."], {"Treme": "affirmed"}),
        (["c: Tem febre ou tosse?", "p: Não, nada disso."], {"febre": "negated", "tosse": "negated"}),
        (["c: Tem febre ou tosse?", "p: Sim."], {"febre": "asked", "tosse": "asked"}),
        (["c: Tem febre ou tosse?", "p: Febre não."], {"febre": "negated", "tosse": "asked"}),
        (["c: Tem febre ou tosse?", "p: Só tosse."], {"febre": "negated", "tosse": "affirmed"}),
        (["c: Tem visão embaçada?", "p: A visão está normal."], {"visão embaçada": "negated"}),
        (["c: Tem sangue nas fezes?", "p: Sangue não vi."], {"sangue nas fezes": "negated"}),
        (["c: Tem asma?", "p: Eu não, mas minha irmã tem asma."], {"asma": "negated"}),
        (
            ["c: Alguém na família teve infarto?", "p: Meu pai teve infarto."],
            {"família": "affirmed", "infarto": "family"},
        ),
        (["c: Toma metformina?", "p: Duas vezes ao dia."], {"metformina": "affirmed"}),
        (["c: E a glicada?", "p: Deu oito e meio por cento."], {"glicada": "affirmed"}),
        (["c: Ele tem dengue?", "p: Ainda não sabemos."], {"dengue": "asked"}),
        (["c: Se tiver febre, volte.", "p: Sim."], {"febre": "supposed"}),
        (["c: Tem febre?", "p: Não.", "p: Estou com tosse."], {"febre": "negated"}),
        (["c: Tem febre?", "p: Não.", "p: Ah, tive febre sim."], {"febre": "affirmed"}),
    ],
)
def test_in_portuguese(turns: list[str], expected: dict[str, str]) -> None:
    assert settled(*turns) == expected


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (["c: Any fever or chills?", "p: No."], {"fever": "negated", "chills": "negated"}),
        (["c: Any cough or phlegm?", "p: A dry cough, no phlegm."], {"cough": "affirmed", "phlegm": "negated"}),
        (["c: Do you smoke?", "p: About ten cigarettes a day."], {"smoke": "affirmed"}),
        (["c: Any chest pain?", "p: A little bit."], {"chest pain": "affirmed"}),
    ],
)
def test_in_english(turns: list[str], expected: dict[str, str]) -> None:
    assert settled(*turns, language="en") == expected


def test_what_is_settled_keeps_its_id_and_names_the_answer() -> None:
    question, answer = dialogue("test", "# language: pt\nc: Tem febre?\np: Não.").utterances
    (asked,) = extract(question)
    (one,) = extract(answer, [question])
    assert (one.id, one.utterance_id) == (asked.id, question.id)
    assert (asked.assertion, one.assertion, one.answer_id) == (Assertion.ASKED, Assertion.NEGATED, answer.id)


def test_a_listeners_noise_does_not_end_a_question() -> None:
    said = dialogue("test", "# language: pt\nc: Tem febre?\np: Hum.\np: Não.").utterances
    assert [one.assertion for one in extract(said[2], said[:2])] == [Assertion.NEGATED]


def test_a_statement_of_ones_own_ends_it() -> None:
    said = dialogue("test", "# language: pt\nc: Tem febre?\np: Eu estava em casa ontem.\np: Não.").utterances
    assert extract(said[2], said[:2]) == ()


def test_a_dose_may_belong_to_the_medicine_of_the_question() -> None:
    found = consultation("c: Quanto toma de losartana?", "p: Cinquenta miligramas.")
    dose = next(one for one in found if one.category is EntityCategory.DOSAGE)
    medicine = next(one for one in found if one.category is EntityCategory.MEDICATION)
    assert [(one.kind, one.to) for one in dose.relations] == [(RelationKind.DOSAGE_OF, medicine.id)]


def test_asked_what_one_is_allergic_to_whatever_is_named_is_an_allergen() -> None:
    found = consultation("c: Tem alergia a algum remédio?", "p: Dipirona.")
    assert [(one.category.value, one.text, one.assertion.value) for one in found] == [
        ("Diagnosis", "alergia", "affirmed"),
        ("Allergen", "Dipirona", "affirmed"),
    ]


@pytest.mark.parametrize(
    ("turns", "language", "expected"),
    [
        (
            ["c: Toma algum remédio? Tem alergia a algum?", "p: Tomo losartana. Acho que tenho alergia a dipirona."],
            "pt",
            {"losartana": ("MedicationName", "affirmed"), "dipirona": ("Allergen", "possible")},
        ),
        (
            ["c: Alguma alergia?", "p: Não. Só tomo losartana."],
            "pt",
            {"losartana": ("MedicationName", "affirmed")},
        ),
        (
            ["c: Alguma alergia?", "p: Quando tomo dipirona fico com coceira."],
            "pt",
            {"dipirona": ("Allergen", "affirmed"), "coceira": ("SymptomOrSign", "affirmed")},
        ),
        (
            ["c: Are you allergic to anything?", "p: Penicillin. I take metformin."],
            "en",
            {"Penicillin": ("Allergen", "affirmed"), "metformin": ("MedicationName", "affirmed")},
        ),
    ],
)
def test_asked_of_allergies_what_is_taken_is_no_allergen(
    turns: list[str], language: str, expected: dict[str, tuple[str, str]]
) -> None:
    found = consultation(*turns, language=language)
    answered = {one.text: (one.category.value, one.assertion.value) for one in found if one.utterance_id == "test-1"}
    assert answered == expected
