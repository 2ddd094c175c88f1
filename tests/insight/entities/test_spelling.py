"""Inflections are one word; mishearings are near, other words are not."""

import pytest

from server.insight.entities.spelling import Likeness, Neighbours, edits, sound, stem


@pytest.mark.parametrize(
    ("a", "b", "language"),
    [
        ("enjoada", "enjoados", "pt"),
        ("lesoes", "lesao", "pt"),
        ("rins", "rim", "pt"),
        ("dores", "dor", "pt"),
        ("allergies", "allergy", "en"),
        ("rashes", "rash", "en"),
    ],
)
def test_inflections_share_a_stem(a: str, b: str, language: str) -> None:
    assert stem(a, language) == stem(b, language)


@pytest.mark.parametrize(
    ("a", "b", "language"), [("coma", "como", "pt"), ("mao", "ma", "pt"), ("abscess", "absces", "en")]
)
def test_other_words_do_not(a: str, b: str, language: str) -> None:
    assert stem(a, language) != stem(b, language)


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("lozartana", "losartana"),
        ("omeprasol", "omeprazol"),
        ("sinvastatina", "simvastatina"),
        ("idroclorotiazida", "hidroclorotiazida"),
        ("rivotriu", "rivotril"),
        ("depirona", "dipirona"),
    ],
)
def test_brazilian_spellings_sound_alike(heard: str, meant: str) -> None:
    assert sound(heard) == sound(meant)


def test_edits_count_letters_and_swaps_up_to_a_bound() -> None:
    assert edits("losartana", "losratana", 2) == 1
    assert edits("losartana", "losarta", 2) == 2
    assert edits("losartana", "valsartana", 1) == 2


def test_how_far_off_a_word_may_be_depends_on_what_it_is() -> None:
    known = Neighbours({"metformina": Likeness.NAME, "hemoglobina": Likeness.TERM, "manchas": Likeness.WORD})
    assert known.of("metiformina") == {"metformina": 1}
    assert known.of("metiforminas") == {"metformina": 2}
    assert known.of("emoglobina") == {"hemoglobina": 0}
    assert known.of("emoglobila") == {"hemoglobina": 1}
    assert known.of("marchas") == {}
    assert known.of("vitamina") == {}
