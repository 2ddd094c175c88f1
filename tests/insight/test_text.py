from hypothesis import given
from hypothesis import strategies as st

from server.insight.text import tokenize


def test_words_are_folded_and_know_where_they_stand() -> None:
    spoken = tokenize("Não, DÓI aqui.")
    assert [token.norm for token in spoken.tokens] == ["nao", "doi", "aqui"]
    assert spoken.quote(0, 1) == "Não, DÓI"


def test_decomposed_accents_are_one_word() -> None:
    text = "na\u0303o do\u0301i"
    assert [token.norm for token in tokenize(text).tokens] == ["nao", "doi"]
    assert tokenize(text).quote(0, 0) == "na\u0303o"


def test_apostrophes_do_not_split() -> None:
    assert [token.norm for token in tokenize("I don't, I can’t").tokens] == ["i", "dont", "i", "cant"]


def test_sentences_and_questions_are_told_apart() -> None:
    spoken = tokenize("Tem febre? Não tenho. Só 37.5 graus")
    assert [token.sentence for token in spoken.tokens] == [0, 0, 1, 1, 2, 2, 2, 2]
    assert spoken.questions == {0}


@given(st.text())
def test_any_text_is_cut_into_its_own_words(text: str) -> None:
    spoken = tokenize(text)
    for index, token in enumerate(spoken.tokens):
        assert spoken.quote(index, index) == text[token.start : token.end]
        assert token.start < token.end
    starts = [token.start for token in spoken.tokens]
    assert starts == sorted(starts)
