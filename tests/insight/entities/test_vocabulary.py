"""The vocabularies are as large as promised, agree between languages, and every form is found."""

from collections import Counter
from pathlib import Path

import pytest

from server.insight.entities import mentions, vocabulary
from server.insight.entities.grammar import load as load_grammar
from server.insight.languages import LANGUAGES
from server.insight.text import tokenize
from server.model.entities import EntityCategory

AT_LEAST = {
    EntityCategory.SYMPTOM: 400,
    EntityCategory.MEDICATION: 600,
    EntityCategory.DIAGNOSIS: 300,
    EntityCategory.EXAMINATION: 150,
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_knows_what_primary_care_speaks_of(language: str) -> None:
    known = Counter(term.category for term in vocabulary.load(language))
    assert all(known[category] >= least for category, least in AT_LEAST.items()), known


def test_both_languages_know_the_same_concepts() -> None:
    pt, en = ({(term.id, term.category, term.located) for term in vocabulary.load(one)} for one in LANGUAGES)
    assert pt == en


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_id_is_given_twice(language: str) -> None:
    ids = Counter((term.id, term.category) for term in vocabulary.load(language))
    assert [one for one, times in ids.items() if times > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_finds_its_concept_as_written(language: str) -> None:
    automaton = mentions.automaton(language)
    lost = []
    for term in vocabulary.load(language):
        for form in term.forms:
            spoken = tokenize(form.lstrip("="))
            found = automaton.find(spoken)
            if not any(one.term is term and one.wrong < 0 and one.first == 0 for one in found):
                lost.append((term.id, form))
    assert lost == []


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "symptoms.tsv").write_text("# ok\nfever\tfebre\ncough\n", "utf-8")
    with pytest.raises(ValueError, match=r"symptoms\.tsv, line 3"):
        list(vocabulary._read(tmp_path / "symptoms.tsv", EntityCategory.SYMPTOM))


@pytest.mark.parametrize("language", LANGUAGES)
def test_ordinary_words_are_listed_once(language: str) -> None:
    words = (vocabulary.FOLDER / language / mentions.ORDINARY).read_text("utf-8").split()
    assert len(words) == len(set(words))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_quantity_can_be_said(language: str) -> None:
    grammar = load_grammar(language)
    assert {EntityCategory.DOSAGE, EntityCategory.FREQUENCY, EntityCategory.AGE, EntityCategory.TIME} <= {
        quantity.category for quantity in grammar.quantity
    }
