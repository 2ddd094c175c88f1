"""`doctor` on how fast speech is read here, which it measures when nothing else of its own runs."""

import asyncio

import pytest

from server.commands import doctor
from server.commands.checks import captions
from server.commands.checks.finding import ok
from server.settings import load_settings

QUICK = {"model": "base", "device": "cpu", "interim_s": 0.16, "final_s": 0.28, "each_s": 0.28}


def test_what_was_measured_is_told_with_what_would_suit() -> None:
    found = captions.judged(QUICK)
    assert found.outcome == "ok"
    assert found.sentence.startswith("base on cpu reads 4 s of speech in 0.16 s while they are spoken and in 0.28 s")
    assert "8 people" in found.sentence
    assert "small" in found.sentence
    assert "small" not in captions.judged(QUICK | {"model": "large-v3-turbo", "device": "cuda"}).sentence


def test_a_machine_too_slow_for_anybody_is_warned_of() -> None:
    assert captions.judged(QUICK | {"interim_s": 2.0, "final_s": 4.0, "each_s": 4.0}).outcome == "warn"


async def test_the_packaged_model_is_measured_in_a_process_of_its_own() -> None:
    found = await captions.check(load_settings())
    assert found.sentence.startswith("base on cpu reads 4 s of speech in ")


@pytest.mark.parametrize("provider", ["scripted", "openai_compatible"])
async def test_where_no_model_reads_nothing_is_measured(provider: str) -> None:
    found = await captions.check(load_settings(speech_provider=provider))
    assert found.outcome == "ok"
    assert "nothing to measure" in found.sentence


async def test_a_model_that_does_not_load_is_not_measured_and_the_reason_told() -> None:
    found = await captions.check(load_settings(speech_model="/nowhere/whisper"))
    assert found.outcome == "warn"
    assert "/nowhere/whisper" in found.sentence


async def test_a_gpu_that_is_missing_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await captions.check(load_settings(speech_device="cuda"))
    if found.outcome == "ok":
        pytest.skip("this machine has a GPU")
    assert found.sentence.startswith("Not measured: SPEECH_DEVICE is cuda, but ")
    assert found.sentence.count(". ") == 0


async def test_measurements_begin_when_the_checks_have_ended_and_go_one_by_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    running: set[str] = set()
    beside: dict[str, set[str]] = {}

    def check_of(name: str) -> doctor.Check:
        async def check(_: object) -> object:
            beside[name] = set(running)
            running.add(name)
            await asyncio.sleep(0.01)
            running.remove(name)
            return ok("Fine.")

        return check

    checks = {name: check_of(name) for name in ("one", "two")}
    measurements = {name: check_of(name) for name in ("three", "four")}
    assert await doctor.examine(load_settings(), checks, as_json=False, measurements=measurements) == 0
    assert beside == {"one": set(), "two": {"one"}, "three": set(), "four": set()}
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["one", "two", "three", "four"]
