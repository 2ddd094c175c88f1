"""Words settle when two hypotheses agree on them, and stay."""

from hypothesis import given
from hypothesis import strategies as st

from server.speech.agreement import LocalAgreement, comparable

HYPOTHESES = st.lists(st.lists(st.sampled_from(["dor", "Dor,", "no", "peito", "há", "a"]), max_size=8), max_size=8)


def test_nothing_settles_on_the_first_hypothesis() -> None:
    agreement = LocalAgreement()
    assert agreement.update(["estou", "com", "dor"]) == ("estou", "com", "dor")
    assert agreement.settled == ()


def test_what_two_hypotheses_agree_on_settles_but_for_the_last_word() -> None:
    agreement = LocalAgreement(holdback=1)
    agreement.update(["estou", "com", "dó"])
    agreement.update(["estou", "com", "dor", "no"])
    assert agreement.settled == ("estou", "com")


def test_case_and_punctuation_are_no_disagreement() -> None:
    agreement = LocalAgreement(holdback=1)
    agreement.update(["Bom", "dia", "doutor"])
    agreement.update(["bom", "dia,", "Doutor.", "Estou"])
    assert agreement.settled == ("bom", "dia,")


def test_a_settled_word_stays_when_a_later_hypothesis_contradicts_it() -> None:
    agreement = LocalAgreement(holdback=1)
    agreement.update(["sinto", "falta", "de"])
    agreement.update(["sinto", "falta", "de", "ar"])
    assert agreement.settled == ("sinto", "falta")
    assert agreement.update(["minto", "falta", "de", "ar"]) == ("sinto", "falta", "de", "ar")
    assert agreement.settled == ("sinto", "falta")


def test_words_close_to_the_end_of_the_sound_are_held_back() -> None:
    agreement = LocalAgreement(holdback=3)
    agreement.update(["a", "dor", "vai", "para", "o"])
    agreement.update(["a", "dor", "vai", "para", "o", "braço"])
    assert agreement.settled == ("a", "dor")


@given(HYPOTHESES)
def test_settled_words_only_ever_grow_and_begin_what_is_shown(hypotheses: list[list[str]]) -> None:
    agreement = LocalAgreement(holdback=1)
    before: tuple[str, ...] = ()
    for hypothesis in hypotheses:
        shown = agreement.update(hypothesis)
        assert agreement.settled[: len(before)] == before
        assert shown[: len(agreement.settled)] == agreement.settled
        before = agreement.settled


def test_accents_count_whatever_their_encoding() -> None:
    assert comparable("Há,") == comparable("há")
    assert comparable("há") != comparable("ha")
