"""The bench: what it plays, its baseline, its page, and one run of it."""

import json
import re
import wave
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from server.model.audio import OPUS_CLOCK_HZ
from server.model.errors import InvalidRequest
from server.speech.bench import main
from server.speech.measure.leak import doubled_words, leaking
from server.speech.measure.offline import PaddedAgreement
from server.speech.measure.page import BEGIN, END, write_page
from server.speech.measure.pieces import Piece, pieces_of, shared_pieces
from server.speech.measure.sound import for_model, music, noise, silence, spoken_span
from server.speech.port import Final
from server.speech.scoring import Heard, Turn
from tests.speech.sound import tone
from tests.speech.voices import dialogue

SECOND = np.zeros(16_000, np.float32)


class FakeWhisper:
    """Reads one word for each second; the last word of the first reading is wrong."""

    def __init__(self) -> None:
        self.readings = 0

    def transcribe(self, samples: np.ndarray, **options: object) -> tuple[list[SimpleNamespace], None]:
        self.readings += 1
        words = [
            SimpleNamespace(start=float(n), end=n + 1.0, word=f" w{n}") for n in range(round(len(samples) / 16_000))
        ]
        words[-1].word += f"?{self.readings}"
        return [SimpleNamespace(words=words)], None


def write_wav(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return path


def test_local_agreement_commits_what_two_readings_agree_on() -> None:
    captions = PaddedAgreement(FakeWhisper(), "pt")
    shown = []
    for _ in range(3):
        captions.push(SECOND)
        shown.append(captions.read())
    assert shown == [(["w0?1"], 0), (["w0", "w1?2"], 0), (["w0", "w1", "w2?3"], 1)]


def test_local_agreement_lets_go_of_what_is_committed_long_ago() -> None:
    captions = PaddedAgreement(FakeWhisper(), "pt")
    for _ in range(40):
        captions.push(SECOND)
        captions.read()
    assert len(captions._buffer) <= 15 * 16_000


def test_local_agreement_keeps_what_is_not_yet_committed_when_readings_are_slow() -> None:
    captions = PaddedAgreement(FakeWhisper(), "pt")
    for _ in range(2):
        captions.push(np.concatenate([SECOND] * 18))
        captions.read()
    assert [text for _, _, text in captions.committed] == [f"w{n}" for n in range(17)]


def test_where_a_sentence_is_loud_is_where_it_is_spoken() -> None:
    sound = silence(3)
    sound[OPUS_CLOCK_HZ : 2 * OPUS_CLOCK_HZ] = 9000
    assert spoken_span(sound) == (1.0, 2.0)
    assert spoken_span(silence(1)) == (0.0, 0.0)


def test_a_click_is_no_beginning_or_end_of_a_sentence() -> None:
    sound = silence(5)
    sound[2 * OPUS_CLOCK_HZ : 3 * OPUS_CLOCK_HZ] = 9000
    for click_s in (0.0, 0.5, 4.9):
        at = round(click_s * OPUS_CLOCK_HZ)
        sound[at : at + OPUS_CLOCK_HZ // 20] = 9000
    assert spoken_span(sound) == (2.0, 3.0)


def test_noise_and_music_last_as_long_as_asked_for() -> None:
    assert [len(make(1.25)) for make in (silence, noise, music)] == [60_000] * 3
    assert len(for_model(noise(1.0))) == pytest.approx(16_000, abs=32)


def test_sentences_follow_each_other_on_one_time_line(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.concatenate([SECOND, tone(1.0)]))
    entry = {"file": "a.wav", "language": "pt", "seconds": 2.0, "text": "dói aqui"}
    (tmp_path / "manifest.json").write_text(json.dumps([entry, entry]))
    [piece] = shared_pieces(tmp_path)
    assert [round(turn.start_s, 1) for turn in piece.turns] == [1.5, 5.0]
    assert piece.spoken_s == pytest.approx(2.0, abs=0.1)
    assert [round(turn.start_s, 1) for turn in piece.later(2.0).turns] == [3.5, 7.0]


def test_a_folder_without_a_dialogue_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=str(tmp_path)):
        pieces_of([tmp_path], None, "pt")


def test_one_run_prints_one_line_and_writes_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setattr("server.speech.bench.configure_logs", lambda: None)  # it would outlive the captured output
    voice = write_wav(tmp_path / "patient.wav", np.concatenate([SECOND[:8000], tone(0.9), SECOND[:8000]]))
    reference = tmp_path / "reference.json"
    turn = {"speaker": "patient", "start_s": 0.5, "end_s": 1.4, "text": "Estou com dor."}
    reference.write_text(json.dumps({"turns": [turn]}))
    page = tmp_path / "speech.md"
    page.write_text(f"# Speech\n{BEGIN}\nold\n{END}\nafter\n")
    options = ["--no-baselines", "--provider", "scripted", "--noise-s", "3", "--json", "--page", str(page)]
    assert main([str(voice), "--reference", str(reference), *options]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    figures = json.loads(line)
    [ours] = figures["systems"]
    assert ours["word_error_rate"] == 0.0
    assert ours["committed_words_changed"] == 0
    assert ours["final_s"]["n"] == 1
    assert figures["invented_words"]["silence"] == {"final": 0, "interim": 0}
    assert "old" not in page.read_text()
    assert page.read_text().endswith("after\n")
    assert "<svg" in (tmp_path / "images" / "speech.svg").read_text()


def turn(speaker: str, start_s: float, end_s: float, text: str) -> Turn:
    return Turn(speaker, start_s, end_s, text)


def heard(*finals: tuple[float, float, str]) -> Heard:
    shown = Heard()
    for start_s, end_s, text in finals:
        shown.take(Final(str(start_s), start_s, end_s, text, (), "pt"), end_s)
    return shown


def test_each_microphone_of_a_leaking_piece_holds_the_other_voice_later_and_fainter() -> None:
    click = np.zeros(4800, np.int16)
    click[100] = 20_000
    piece = Piece("p", "pt", {"a": click, "b": silence(0.1)}, ())
    leaked = leaking(piece, -20.0, 50.0)
    assert list(np.flatnonzero(leaked.sounds["a"])) == [100]
    assert list(np.flatnonzero(leaked.sounds["b"])) == [2500]
    assert leaked.sounds["b"][2500] == pytest.approx(2000, abs=1)


def test_a_word_is_doubled_if_only_the_other_said_it_about_then() -> None:
    own = [turn("patient", 4.0, 6.0, "Dói aqui.")]
    others = [turn("clinician", 0.0, 3.0, "O que dói?"), turn("clinician", 60.0, 62.0, "Onde?")]
    assert doubled_words(heard((4.0, 6.0, "Dói aqui!")), own, others) == 0
    assert doubled_words(heard((0.1, 3.1, "O que dói?"), (4.0, 6.0, "dói aqui")), own, others) == 3
    assert doubled_words(heard((4.0, 6.0, "dói onde aqui")), own, others) == 0
    assert doubled_words(heard(), own, others) == 0


def test_a_run_with_leakage_says_what_was_heard_twice_apart_and_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setattr("server.speech.bench.configure_logs", lambda: None)  # it would outlive the captured output
    voice = dialogue()[0][: round(2.4 * 16_000)]
    files = [write_wav(tmp_path / f"{name}.wav", one) for name, one in (("a", voice), ("b", 0 * voice))]
    reference = tmp_path / "reference.json"
    said = {"speaker": "a", "start_s": 0.8, "end_s": 2.4, "text": "Estou com dor no peito há."}
    reference.write_text(json.dumps({"turns": [said]}))
    options = ["--reference", str(reference), "--provider", "scripted", "--leak-db", "-12", "--leak-ms", "100"]
    assert main([*map(str, files), *options]) == 0
    [_, _, row] = capsys.readouterr().out.splitlines()[-3:]
    assert re.match(r"\| 100 ms \| [1-9] → 0 \| [1-9] → 0 \|", row)


def test_a_long_call_says_whether_memory_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setattr("server.speech.bench.configure_logs", lambda: None)  # it would outlive the captured output
    voice = np.concatenate([SECOND[:8000], tone(0.9), SECOND[:12000]])
    files = [write_wav(tmp_path / f"{name}.wav", one) for name, one in (("a", voice), ("b", 0 * voice))]
    options = ["--provider", "scripted", "--minutes", "0.2", "--speed", "6"]
    assert main([*map(str, files), *options]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["channels"] == 2
    assert figures["finals"] >= 4
    assert figures["gaps"] == 0
    assert 0 < figures["memory_mb"]["settled"] <= figures["memory_mb"]["most"]


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "speech.md"
    page.write_text("mine\n")
    with pytest.raises(ValueError, match="has no"):
        write_page(page, {"systems": []})
    assert page.read_text() == "mine\n"
