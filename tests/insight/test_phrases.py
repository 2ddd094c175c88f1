import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.insight.phrases import Lexicon, within_one_edit
from server.insight.text import tokenize


def found(phrase: str, text: str) -> str | None:
    """Return the words of `text` that `phrase` matches."""
    spoken = tokenize(text)
    matches = Lexicon({"it": [phrase]}).find(spoken.tokens)
    return spoken.quote(matches[0].first, matches[0].last) if matches else None


@pytest.mark.parametrize(
    ("phrase", "text", "quote"),
    [
        ("dor no peito", "sinto uma Dor no PEITO forte", "Dor no PEITO"),
        ("dor|dores no peito", "dores no peito", "dores no peito"),
        ("dor ~ peito", "dor bem aqui no peito", "dor bem aqui no peito"),
        ("dor ~ peito", "dor que anda bem aqui no peito", None),
        ("dor ~ peito", "dor. Bem no peito", None),
        ("dor de? cabeça", "dor cabeça", "dor cabeça"),
        ("alergi*", "alergias", "alergias"),
        ("barriga|pé_da_barriga dói", "pé da barriga dói", "pé da barriga dói"),
        ("exame", "uns exames", "exames"),
        ("losartana", "tomo lozartana", "lozartana"),
        ("dipirona", "tomo de pirona sempre", "de pirona"),
        ("eletrocardiograma", "um eletro cardiograma", "eletro cardiograma"),
        ("febre", "fibre", None),
        ("fitting", "sitting", None),
        ("anti-inflamatório", "um anti inflamatorio", "anti inflamatorio"),
    ],
)
def test_a_phrase_matches_what_was_meant(phrase: str, text: str, quote: str | None) -> None:
    assert found(phrase, text) == quote


def test_a_gap_skips_no_denial() -> None:
    lexicon = Lexicon({"it": ["vomit* ~ blood"]}, never_skipped=["no"])
    assert lexicon.find(tokenize("vomited some blood").tokens)
    assert not lexicon.find(tokenize("vomited but no blood").tokens)


@pytest.mark.parametrize("phrase", ["~ dor", "dor ~", "", "~"])
def test_a_phrase_without_firm_ends_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="must begin and end with a word"):
        Lexicon({"it": [phrase]})


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_one_edit_is_one_letter(a: str, b: str) -> None:
    edits = {a} | {a[:i] + a[i + 1 :] for i in range(len(a))}
    edits |= {a[:i] + c + a[i:] for i in range(len(a) + 1) for c in "abc"}
    edits |= {a[:i] + c + a[i + 1 :] for i in range(len(a)) for c in "abc"}
    assert within_one_edit(a, b) == (b in edits)
