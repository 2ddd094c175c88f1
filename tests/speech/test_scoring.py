"""The yardstick itself."""

from server.speech.port import Final, Interim
from server.speech.scoring import Heard, Turn, normalized, score

TURNS = [Turn("patient", 1.0, 3.0, "Estou com dor, doutor."), Turn("clinician", 4.0, 5.0, "Onde?")]


def final(text: str, start_s: float, end_s: float) -> Final:
    return Final(text, start_s, end_s, text, (), "pt")


def test_case_and_punctuation_are_no_errors() -> None:
    assert normalized("Estou com DOR, doutor!") == "estou com dor doutor"


def test_errors_latencies_and_inventions_are_counted() -> None:
    patient, clinician = Heard(), Heard()
    patient.take(Interim("u", 1.0, 1.8, "estou", 0, "pt"), 1.9)
    patient.take(final("estou com dor doutora", 1.0, 3.0), 4.0)
    patient.take(final("obrigado", 8.0, 8.5), 9.0)
    clinician.take(final("onde", 4.0, 5.0), 5.5)
    figures = score(TURNS, {"patient": patient, "clinician": clinician})
    assert figures["word_error_rate"] == 0.4
    assert figures["by_speaker"] == {"patient": 0.5, "clinician": 0.0}
    assert figures["end_to_final_s"]["max"] == 1.0
    assert figures["start_to_interim_s"]["p50"] == 0.9
    assert figures["finals_in_silence"] == 1
