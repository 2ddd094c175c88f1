"""The score counts what is right, missed, false and wrongly asserted, and the packaged dialogues stay understood."""

from pathlib import Path

import pytest

from server.insight import bench
from server.insight.measure.consultations import Consultation, consultations, dialogue
from server.insight.measure.entity_score import Score, of_note, score

DIALOGUES = Path(__file__).parents[1] / "fixtures/dialogues"


def scored(*held: Consultation) -> Score:
    total = Score()
    for one in held:
        score(one, total)
    return total


def test_each_mistake_is_counted_and_listed() -> None:
    text = "# language: pt\np: Tenho [febre]{S-} e [um troço esquisito]{S}, e tosse."
    total = scored(dialogue("mistakes", text))
    assert total.table()["SymptomOrSign"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "marked": 2}
    assert (total.judged, total.agreed) == (1, 0)
    assert total.wrong == [
        "mistakes: 'febre' is negated, not affirmed",
        "mistakes: missed SymptomOrSign 'um troço esquisito'",
        "mistakes: false SymptomOrSign 'tosse' (cough)",
    ]


def test_a_mark_knows_its_place() -> None:
    (mark,) = dialogue("place", "# language: en\np: I have a [sore throat]{S}.").marked
    (utterance,) = dialogue("place", "# language: en\np: I have a [sore throat]{S}.").utterances
    assert utterance.text == "I have a sore throat."
    assert utterance.text[mark.start : mark.end] == "sore throat"


@pytest.mark.parametrize("language", ["pt", "en"])
def test_the_packaged_dialogues_are_understood(language: str) -> None:
    total = scored(*(one for one in consultations(DIALOGUES) if one.language == language))
    assert total.table()["all"]["f1"] >= 0.95, total.wrong
    assert total.agreed / total.judged >= 0.95, total.wrong


def test_a_note_is_covered_by_what_was_said() -> None:
    said = dialogue("note", "# language: en\np: I have a fever.")
    noted = Consultation(said.name, said.language, said.utterances, note="Fever, cough.")
    assert of_note(noted) == (["fever", "cough"], ["cough"])


def test_the_bench_prints_a_table_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.txt").write_text("# language: pt\np: Tenho [febre]{S}.", "utf-8")
    assert bench.main([str(tmp_path), "--wrong"]) == 0
    assert "SymptomOrSign" in capsys.readouterr().out
    assert bench.main([str(tmp_path), "--json"]) == 0
    assert '"f1": 1.0' in capsys.readouterr().out
