"""Words settle when two readings agree on them, and stay."""

from hypothesis import given
from hypothesis import strategies as st

from server.model.transcript import Word
from server.speech.agreement import LocalAgreement, Reading, comparable

TEXTS = st.lists(st.sampled_from(["dor", "Dor,", "no", "peito", "há", "a"]), max_size=8)


def untimed(text: str) -> Reading:
    return Reading.of(text, (), 0.0)


def timed(text: str, heard_s: float, unlikely: str = "", word_s: float = 0.4) -> Reading:
    """Return a reading of words of 0.4 s each, one after the other."""
    words = tuple(
        Word(
            text=word,
            start_s=place * word_s,
            end_s=(place + 1) * word_s,
            probability=0.2 if word == unlikely else 0.9,
        )
        for place, word in enumerate(text.split())
    )
    return Reading.of(text, words, heard_s)


def test_nothing_settles_on_the_first_reading_and_its_last_word_is_not_shown() -> None:
    agreement = LocalAgreement()
    assert agreement.update(untimed("estou com dor")) == ("estou", "com")
    assert agreement.settled == ()
    assert LocalAgreement().update(untimed("estou")) == ("estou",)


def test_without_times_what_two_readings_agree_on_settles_but_for_the_last_word() -> None:
    agreement = LocalAgreement(holdback=1)
    agreement.update(untimed("estou com dó"))
    agreement.update(untimed("estou com dor no"))
    assert agreement.settled == ("estou", "com")


def test_case_and_punctuation_are_no_disagreement() -> None:
    agreement = LocalAgreement(holdback=1)
    agreement.update(untimed("Bom dia doutor"))
    agreement.update(untimed("bom dia, Doutor. Estou"))
    assert agreement.settled == ("bom", "dia,")


def test_a_settled_word_stays_when_a_later_reading_contradicts_it() -> None:
    agreement = LocalAgreement(holdback=1)
    agreement.update(untimed("sinto falta de"))
    agreement.update(untimed("sinto falta de ar"))
    assert agreement.settled == ("sinto", "falta")
    assert agreement.update(untimed("minto falta de ar"))[:2] == ("sinto", "falta")
    assert agreement.settled == ("sinto", "falta")


def test_a_word_settles_once_both_readings_heard_it_whole_and_what_follows_began() -> None:
    agreement = LocalAgreement()
    agreement.update(timed("a dor vai", 1.0))
    agreement.update(timed("a dor vai para", 1.7))
    assert agreement.settled == ("a", "dor"), "the first reading stopped within the third word"
    agreement.update(timed("a dor vai para o", 1.8))
    assert agreement.settled == ("a", "dor", "vai"), "the fourth word ends less than 0.3 s before the sound"


def test_an_unlikely_word_settles_later_than_a_likely_one() -> None:
    likely, unlikely = LocalAgreement(), LocalAgreement()
    for agreement, doubted in ((likely, ""), (unlikely, "impressão")):
        agreement.update(timed("tem impressão alta", 1.3, doubted))
        agreement.update(timed("tem impressão alta há", 1.7, doubted))
    assert likely.settled == ("tem", "impressão", "alta")
    assert unlikely.settled == ("tem",)
    unlikely.update(timed("tem impressão alta há dez anos", 2.5, "impressão"))
    unlikely.update(timed("tem impressão alta há dez anos e", 3.2, "impressão"))
    assert unlikely.settled[:2] == ("tem", "impressão")


def test_words_go_on_settling_behind_a_settled_word_that_is_read_otherwise_by_now() -> None:
    agreement = LocalAgreement()
    agreement.update(timed("tem impressão alta há", 1.7))
    agreement.update(timed("tem impressão alta há", 2.0))
    assert agreement.settled == ("tem", "impressão", "alta", "há")
    agreement.update(timed("tenho pressão alta há dez anos", 2.5))
    shown = agreement.update(timed("tenho pressão alta há dez anos e diabetes", 3.2))
    assert agreement.settled == ("tem", "impressão", "alta", "há", "dez", "anos")
    assert shown == ("tem", "impressão", "alta", "há", "dez", "anos", "e")


def test_where_readings_differ_the_newer_counts_once_they_agree_again_and_time_has_passed() -> None:
    agreement = LocalAgreement()
    agreement.update(timed("fiz que ela perdeu o controle", 2.5))
    agreement.update(timed("diz que ela perdeu o controle do", 2.8))
    assert agreement.settled == ("diz", "que", "ela", "perdeu", "o", "controle")


def test_readings_that_agree_again_on_two_words_or_just_now_settle_nothing_that_differs() -> None:
    shortly, lately = LocalAgreement(), LocalAgreement()
    for text, heard_s in (("fiz que ela lavou o carro hoje", 2.8), ("diz que ela perdeu a chave ontem e", 3.2)):
        shortly.update(timed(text, heard_s))
    for text, heard_s in (("fiz que ela perdeu", 1.7), ("diz que ela perdeu", 1.8)):
        lately.update(timed(text, heard_s))
    assert shortly.settled == lately.settled == ()


def test_a_shown_word_is_taken_back_only_for_what_two_readings_say() -> None:
    agreement = LocalAgreement()
    assert agreement.update(timed("como essa dor", 1.0)) == ("como", "essa")
    assert agreement.update(timed("como é essa dor agora", 1.4)) == ("como", "essa")
    assert agreement.update(timed("como é essa dor agora ela", 1.8)) == ("como", "é", "essa", "dor", "agora")


@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=8))
def test_settled_words_only_ever_grow_and_begin_what_is_shown(readings: list[tuple[list[str], bool]]) -> None:
    agreement = LocalAgreement(holdback=1)
    before: tuple[str, ...] = ()
    for heard, (texts, has_times) in enumerate(readings):
        text = " ".join(texts)
        reading = timed(text, heard + 1.0) if has_times else untimed(text)
        shown = agreement.update(reading)
        assert agreement.settled[: len(before)] == before
        assert shown[: len(agreement.settled)] == agreement.settled
        assert agreement.preview(reading)[: len(agreement.settled)] == agreement.settled
        before = agreement.settled


def test_accents_count_whatever_their_encoding() -> None:
    assert comparable("Há,") == comparable("há")
    assert comparable("há") != comparable("ha")
