"""The second pass: a process of its own that reads whole recordings, and stands still when told."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import wave
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.model.consultation import Role
from server.model.errors import SpeechUnavailable
from server.model.transcript import Utterance
from server.speech import second_pass
from server.speech.options import ProviderOptions
from server.speech.passages import Voice, read_voice
from server.speech.providers.scripted import LoudnessActivity, ScriptedRecogniser
from server.speech.recogniser import Hypothesis, Request
from server.speech.second_pass import SecondPassOrder, Track, read_again

from .sound import silence, tone
from .voices import dialogue, leaking

PATIENCE_S = 60.0


def spoken(*parts: np.ndarray, voice: Voice | None = None) -> tuple[list[Utterance], list[Request]]:
    """Return what is read of these parts in a row, and what the model was asked."""
    requests: list[Request] = []
    scripted = ScriptedRecogniser()

    def recognise(request: Request) -> Hypothesis:
        requests.append(request)
        return scripted.recognise(request)

    sound = np.concatenate(parts)
    blocks = [sound[start : start + 16_000] for start in range(0, len(sound), 16_000)]
    said = list(read_voice(blocks, voice or Voice(Role.PATIENT, language="pt"), LoudnessActivity(), recognise))
    return said, requests


def test_short_pauses_do_not_part_what_the_model_hears_but_part_utterances() -> None:
    said, requests = spoken(silence(1), tone(1.2), silence(0.9), tone(1.5), silence(3), tone(0.9), silence(1))
    assert len(requests) == 2
    assert all(request.final for request in requests)
    assert [round(utterance.start_s) for utterance in said] == [1, 3, 8]
    assert [utterance.id for utterance in said] == ["patient-1", "patient-2", "patient-3"]
    assert all(
        utterance.start_s <= word.start_s <= word.end_s <= utterance.end_s
        for utterance in said
        for word in utterance.words
    )


def test_words_are_on_the_room_clock() -> None:
    (utterance,), _ = spoken(
        silence(1), tone(1.2), silence(1), voice=Voice(Role.CLINICIAN, start_s=100.0, language="pt")
    )
    assert utterance.start_s == pytest.approx(101.0, abs=0.1)
    assert utterance.words[0].start_s == pytest.approx(101.0, abs=0.1)
    assert utterance.end_s == pytest.approx(102.2, abs=0.1)


def test_long_speech_is_read_in_passages_that_the_model_can_take() -> None:
    _, requests = spoken(tone(70.0), silence(1))
    assert len(requests) >= 3
    assert max(len(request.samples) for request in requests) <= 26 * 16_000


def test_silence_asks_the_model_nothing() -> None:
    assert spoken(silence(30)) == ([], [])


def wav(path: Path, *parts: np.ndarray) -> Path:
    """Write 48 kHz mono, as recordings are."""
    sound = np.repeat(np.concatenate(parts), 3)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((sound * 32_767).astype("<i2").tobytes())
    return path


def order(*tracks: Track, provider: str = "scripted") -> SecondPassOrder:
    return SecondPassOrder(provider=provider, options=ProviderOptions(), tracks=tracks, language="pt")


async def test_a_process_reads_both_voices_into_one_transcript(tmp_path: Path) -> None:
    tracks = (
        Track(role=Role.CLINICIAN, path=wav(tmp_path / "clinician.wav", silence(1), tone(1.2), silence(4))),
        Track(role=Role.PATIENT, path=wav(tmp_path / "patient.wav", silence(3), tone(0.9), silence(2)), start_s=0.5),
    )
    async with asyncio.timeout(PATIENCE_S):
        said = (await read_again(order(*tracks), lambda: False)).utterances
    assert [(utterance.role, utterance.text) for utterance in said] == [
        (Role.CLINICIAN, "estou com dor no"),
        (Role.PATIENT, "estou com dor"),
    ]
    assert said[1].start_s == pytest.approx(3.5, abs=0.1)
    assert {utterance.provider for utterance in said} == {"scripted"}


async def test_a_voice_that_leaked_into_the_other_recording_is_read_once(tmp_path: Path) -> None:
    clinician, _ = dialogue()
    leaked = leaking(np.zeros_like(clinician), clinician, 0.1)
    tracks = (
        Track(role=Role.CLINICIAN, path=wav(tmp_path / "clinician.wav", clinician)),
        Track(role=Role.PATIENT, path=wav(tmp_path / "patient.wav", leaked)),
    )
    async with asyncio.timeout(PATIENCE_S):
        said = await read_again(order(*tracks), lambda: False)
        alone = await read_again(order(tracks[1]), lambda: False)
    assert {utterance.role for utterance in said.utterances} == {Role.CLINICIAN}
    assert alone.utterances


async def test_it_stands_still_while_a_call_is_live_and_goes_on_after(tmp_path: Path) -> None:
    track = Track(role=Role.PATIENT, path=wav(tmp_path / "patient.wav", silence(1), tone(0.9), silence(1)))
    busy = True
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read_again(order(track), lambda: busy))
        done, _ = await asyncio.wait({reading}, timeout=4.0)
        assert not done
        busy = False
    assert [utterance.text for utterance in reading.result().utterances] == ["estou com dor"]


async def test_cancelling_ends_the_process_even_while_it_stands_still(tmp_path: Path) -> None:
    track = Track(role=Role.PATIENT, path=wav(tmp_path / "patient.wav", silence(1)))
    reading = asyncio.get_running_loop().create_task(read_again(order(track), lambda: True))
    await asyncio.sleep(1.0)
    reading.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.wait({reading})
    assert reading.cancelled()


async def test_a_process_that_hangs_is_killed_and_counts_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children: list[Process] = []
    start = asyncio.create_subprocess_exec

    async def started(*command: str, **how: Any) -> Process:
        children.append(await start(*command, **how))
        return children[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", started)
    os.mkfifo(tmp_path / "patient.wav")  # nobody ever writes into it: who opens it hangs
    track = Track(role=Role.PATIENT, path=tmp_path / "patient.wav", duration_s=60.0)
    hanging = order(track).model_copy(update={"limit_s": 3.0})
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(SpeechUnavailable, match=r"Reading 60 s of sound took more than 3 s.*SECOND_PASS_LIMIT"):
            await read_again(hanging, lambda: False)
    assert [child.returncode for child in children] == [-signal.SIGKILL]


async def test_standing_still_is_not_counted(tmp_path: Path) -> None:
    track = Track(role=Role.PATIENT, path=wav(tmp_path / "patient.wav", silence(1), tone(0.9), silence(1)))
    looked = 0
    began_s = time.monotonic()

    def is_busy() -> bool:
        nonlocal looked
        looked += 1
        return looked < 200

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(second_pass, "LOOK_EVERY_S", 0.02)
        async with asyncio.timeout(PATIENCE_S):
            reading = await read_again(order(track), is_busy)
    assert looked >= 200
    assert 0.0 < reading.took_s < time.monotonic() - began_s - 198 * 0.02


@pytest.mark.parametrize("how", ["cut short", "no sound"])
async def test_a_file_that_is_not_whole_makes_no_transcript(tmp_path: Path, how: str) -> None:
    path = wav(tmp_path / "patient.wav", silence(1), tone(0.9), silence(6))
    if how == "cut short":
        path.write_bytes(path.read_bytes()[: 4 * 96_000])
    else:
        path.write_bytes(b"RIFF of nothing")
    with pytest.raises(SpeechUnavailable, match=r"ends after 4 s instead of 8 s|patient\.wav"):
        await read_again(order(Track(role=Role.PATIENT, path=path, duration_s=7.9)), lambda: False)


@pytest.mark.parametrize("what", ["file", "provider"])
async def test_what_cannot_be_read_is_said(tmp_path: Path, what: str) -> None:
    missing = Track(role=Role.PATIENT, path=tmp_path / "missing.wav")
    wish = order(missing) if what == "file" else order(provider="nobody")
    with pytest.raises(SpeechUnavailable, match=r"missing\.wav|SPEECH_PROVIDER"):
        await read_again(wish, lambda: False)
