"""What the speech provider over a network promises of a network's faults."""

import asyncio
import gzip
import json
import logging
import ssl
import traceback
import tracemalloc
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.model.errors import InvalidSettings, SpeechUnavailable
from server.speech.port import Final, Gap, Interim, ServiceChanged, SpeechEvent, StreamOptions
from server.speech.providers.openai_compatible import create
from server.speech.providers.scripted import SCRIPT, LoudnessActivity, ScriptedRecogniser
from server.speech.recogniser import Hypothesis, Request
from server.speech.remote import RemoteSpeech
from server.speech.remote_requests import Health, RemoteFailed, RemoteRequests
from server.speech.scheduler import Priority
from server.speech.shared import SharedRecogniser
from server.speech.transcription_endpoint import MOST_BYTES, TranscriptionEndpoint
from tests.certificates import write_certificate
from tests.speech.fake_endpoint import (
    KEY,
    MODEL,
    Behaviour,
    FakeEndpoint,
    body,
    breaks_off,
    drops,
    fake_endpoint,
    floods,
    hangs,
    hears,
    plain_json_only,
    says,
    status,
    trickles,
)
from tests.speech.sound import silence, tone

SPOKEN = Request(np.concatenate([silence(0.3), tone(0.9), silence(0.3)]), "pt", final=True, prompt="losartana")
WORDS = " ".join(SCRIPT[:3])


class Waits:
    """Stands in for sleep: notes each wait and takes no time."""

    def __init__(self) -> None:
        self.asked_s: list[float] = []

    async def __call__(self, wait_s: float) -> None:
        self.asked_s.append(wait_s)


@pytest.fixture
async def fake() -> AsyncIterator[FakeEndpoint]:
    async with fake_endpoint() as server:
        yield server


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
async def endpoint(fake: FakeEndpoint, waits: Waits) -> AsyncIterator[Callable[..., TranscriptionEndpoint]]:
    made: list[TranscriptionEndpoint] = []

    def make(**changes: Any) -> TranscriptionEndpoint:
        made.append(TranscriptionEndpoint(fake.options(**changes), sleep=waits))
        return made[-1]

    yield make
    for one in made:
        await one.aclose()


Make = Callable[..., TranscriptionEndpoint]


async def refusal(one: TranscriptionEndpoint) -> RemoteFailed:
    """Return the error that asking raises, having made sure that it gives nothing away."""
    with pytest.raises(RemoteFailed) as caught:
        await one.read(SPOKEN)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    return caught.value


async def test_it_sends_wav_with_language_prompt_and_model_and_the_key_in_a_header(
    fake: FakeEndpoint, endpoint: Make
) -> None:
    said = await endpoint().read(SPOKEN)
    [asked] = fake.asked
    assert np.allclose(asked.samples, SPOKEN.samples, atol=1e-4)
    assert asked.fields["language"] == "pt"
    assert asked.fields["prompt"] == "losartana"
    assert asked.fields["model"] == MODEL
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert (said.text, said.language) == (WORDS, "pt")


async def test_word_times_are_the_servers(endpoint: Make) -> None:
    said = await endpoint().read(SPOKEN)
    assert [word.text for word in said.words] == said.text.split()
    assert [word.start_s for word in said.words] == pytest.approx([0.3, 0.6, 0.9], abs=0.01)


async def test_without_a_language_the_answers_counts(fake: FakeEndpoint, endpoint: Make) -> None:
    said = await endpoint().read(Request(SPOKEN.samples, None, final=True))
    assert "language" not in fake.asked[0].fields
    assert said.languages == (("pt", 1.0),)


async def test_where_word_times_are_refused_it_asks_for_plain_json_from_then_on(
    fake: FakeEndpoint, endpoint: Make
) -> None:
    fake.script = [plain_json_only]
    one = endpoint()
    said = await one.read(SPOKEN)
    await one.read(SPOKEN)
    assert said.text == WORDS
    assert [word.text for word in said.words] == WORDS.split()
    assert 0.0 <= said.words[0].start_s < said.words[-1].end_s <= 1.5
    assert len(fake.asked) == 3


async def test_one_utterance_that_it_does_not_like_costs_the_others_no_word_times(
    fake: FakeEndpoint, endpoint: Make
) -> None:
    fake.script = [status(400), status(400), hears]
    one = endpoint()
    await refusal(one)
    await one.read(SPOKEN)
    assert [asked.fields["response_format"] for asked in fake.asked] == ["verbose_json", "json", "verbose_json"]


@pytest.mark.parametrize("fault", [status(500), status(503), drops, breaks_off, status(429, {"Retry-After": "0"})])
async def test_what_may_pass_is_asked_again(fake: FakeEndpoint, endpoint: Make, fault: Behaviour) -> None:
    fake.script = [fault, fault, hears]
    assert (await endpoint().read(SPOKEN)).text == WORDS
    assert len(fake.asked) == 3


async def test_retry_after_is_obeyed_and_backoff_grows_without_it(
    fake: FakeEndpoint, endpoint: Make, waits: Waits
) -> None:
    fake.script = [status(429, {"Retry-After": "3"}), status(500), hears]
    await endpoint().read(SPOKEN)
    assert waits.asked_s[0] == 3.0
    assert 0.5 < waits.asked_s[1] < 2.0


async def test_retry_after_may_be_a_date(fake: FakeEndpoint, endpoint: Make, waits: Waits) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=5), usegmt=True)
    fake.script = [status(429, {"Retry-After": at}), hears]
    assert (await endpoint().read(SPOKEN)).text == WORDS
    assert 0.0 < waits.asked_s[0] <= 5.0


@pytest.mark.parametrize("value", ["soon", "Wed, 01 Jan 2025 12:00:30 -999999999999999999"])
async def test_a_retry_after_of_no_sense_is_none(fake: FakeEndpoint, endpoint: Make, waits: Waits, value: str) -> None:
    fake.script = [status(503, {"Retry-After": value}), hears]
    assert (await endpoint().read(SPOKEN)).text == WORDS
    assert 0.0 < waits.asked_s[0] < 1.0


async def test_a_wait_longer_than_the_time_left_is_not_waited_for(
    fake: FakeEndpoint, endpoint: Make, waits: Waits
) -> None:
    fake.script = [status(429, {"Retry-After": "60"})]
    assert (await refusal(endpoint())).wait_s == 60.0
    assert waits.asked_s == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(fake: FakeEndpoint, endpoint: Make, code: int) -> None:
    async with fake_endpoint() as elsewhere:
        fake.script = [status(code, {"Location": f"{elsewhere.url}/audio/transcriptions"})]
        assert f"elsewhere ({code})" in str(await refusal(endpoint()))
        assert elsewhere.asked == []
    assert len(fake.asked) == 1


async def test_a_certificate_that_nobody_vouches_for_gets_neither_voice_nor_key(
    endpoint: Make, waits: Waits, tmp_path: Path
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*write_certificate(tmp_path))
    async with fake_endpoint(tls) as unknown:
        assert "certificate" in str(await refusal(endpoint(base_url=unknown.url)))
        assert unknown.asked == []
    assert waits.asked_s == []


async def test_tls_that_meets_none_is_a_failure(fake: FakeEndpoint, endpoint: Make) -> None:
    assert "certificate" in str(await refusal(endpoint(base_url=fake.url.replace("http:", "https:"))))
    assert fake.asked == []


@pytest.mark.parametrize("code", [401, 403, 404, 413])
async def test_what_will_not_pass_is_not_asked_again(fake: FakeEndpoint, endpoint: Make, code: int) -> None:
    fake.script = [status(code)]
    assert (await refusal(endpoint())).status == code
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"text": 7}',
        b"\xff\xfe",
        b'{"text":' + b"[" * 100_000,
        b'{"text": "' + b"a" * MOST_BYTES,
    ],
)
async def test_garbage_is_no_transcript(fake: FakeEndpoint, endpoint: Make, garbage: bytes) -> None:
    fake.script = [body(garbage)]
    assert "did not answer with a transcript" in str(await refusal(endpoint()))


async def test_a_page_is_no_transcript(fake: FakeEndpoint, endpoint: Make) -> None:
    fake.script = [body(b"<!doctype html><p>Sign in</p>", "text/html")]
    assert "did not answer with a transcript" in str(await refusal(endpoint()))


async def test_what_json_is_called_does_not_matter(fake: FakeEndpoint, endpoint: Make) -> None:
    fake.script = [body(json.dumps({"text": "dói"}, ensure_ascii=False).encode("utf-16"), "text/plain")]
    assert (await endpoint().read(SPOKEN)).text == "dói"


async def test_an_answer_without_an_end_is_left(fake: FakeEndpoint, endpoint: Make) -> None:
    fake.script = [floods]
    assert "did not answer with a transcript" in str(await refusal(endpoint(timeout_s=60.0)))


async def test_an_answer_that_unfolds_to_gigabytes_is_not_unfolded(fake: FakeEndpoint, endpoint: Make) -> None:
    packed = gzip.compress(b'{"text": "' + b"a" * (1 << 28) + b'"}', 1)
    fake.script = [body(packed, **{"Content-Encoding": "gzip"})]
    tracemalloc.start()
    try:
        await refusal(endpoint(timeout_s=60.0))
        assert tracemalloc.get_traced_memory()[1] < 1 << 25
    finally:
        tracemalloc.stop()


async def test_an_answer_that_never_ends_for_slowness_is_a_failure(fake: FakeEndpoint, endpoint: Make) -> None:
    fake.script = [trickles]
    assert "within 0.3 s" in str(await refusal(endpoint(timeout_s=0.3)))


@pytest.mark.parametrize(
    "words",
    [
        "no list",
        [7, None, {"word": 7, "start": 0, "end": 1}],
        [{"word": "estou", "start": float("nan"), "end": 1}],
        [{"word": "estou", "start": 9, "end": 3}, {"word": "com", "start": -1, "end": 99}],
    ],
)
async def test_odd_word_times_are_replaced(fake: FakeEndpoint, endpoint: Make, words: Any) -> None:
    fake.script = [says({"text": WORDS, "words": words})]
    said = await endpoint().read(SPOKEN)
    times = [time for word in said.words for time in (word.start_s, word.end_s)]
    assert [word.text for word in said.words] == WORDS.split()
    assert times == sorted(times)
    assert 0.0 <= times[0] <= times[-1] <= 1.5


async def test_silence_beyond_the_time_limit_is_a_failure(fake: FakeEndpoint, endpoint: Make) -> None:
    fake.script = [hangs]
    assert "within 0.1 s" in str(await refusal(endpoint(timeout_s=0.1)))


async def test_nobody_there_is_a_failure(endpoint: Make) -> None:
    assert "cannot be reached" in str(await refusal(endpoint(base_url="http://127.0.0.1:9/v1")))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"base_url": ""}, "SPEECH_BASE_URL"),
        ({"base_url": "file:///v1"}, "SPEECH_BASE_URL"),
        ({"base_url": "https://me:secret@example.org/v1"}, "SPEECH_BASE_URL"),
        ({"base_url": "https://example.org/v1?key=secret"}, "SPEECH_BASE_URL"),
        ({"remote_model": ""}, "SPEECH_REMOTE_MODEL"),
    ],
)
def test_settings_that_cannot_work_are_refused_and_not_quoted(changes: dict[str, str], named: str) -> None:
    options = FakeEndpoint().options(**({"base_url": "http://127.0.0.1:9/v1"} | changes))
    with pytest.raises(InvalidSettings, match=named) as caught:
        create(options)
    assert "secret" not in str(caught.value)
    assert KEY not in repr(options)


class Speaking:
    """A remote provider, its clock, and what one participant's stream says."""

    def __init__(self, fake: FakeEndpoint, **changes: Any) -> None:
        self.now_s = 0.0
        options = fake.options(**changes)
        self.remote = RemoteSpeech(
            "openai_compatible",
            lambda: TranscriptionEndpoint(options, sleep=Waits()),
            lambda: LoudnessActivity,
            lambda: self.now_s,
        )
        self.local = SharedRecogniser(Local(), lambda: LoudnessActivity)
        self.at_s = 0.0

    async def utter(self, stream: Any) -> list[SpeechEvent]:
        """Speak once; return what came, up to the final or the gap."""
        sound = np.concatenate([tone(1.5), silence(1)])
        for first in range(0, len(sound), 320):
            stream.push_pcm(sound[first : first + 320], self.at_s + first / 16_000)
        self.at_s += len(sound) / 16_000
        events: list[SpeechEvent] = []
        async with asyncio.timeout(20):
            while not events or not isinstance(events[-1], Final | Gap):
                events.append(await anext(stream))
        return events

    async def aclose(self) -> None:
        await self.remote.aclose()
        await self.local.aclose()


class Local(ScriptedRecogniser):
    def recognise(self, request: Request) -> Hypothesis:
        return Hypothesis("daqui", language="pt")


@pytest.fixture
async def speaking(fake: FakeEndpoint) -> AsyncIterator[Speaking]:
    speaking = Speaking(fake)
    yield speaking
    await speaking.aclose()


async def test_finals_come_without_interims_while_the_service_is_well(speaking: Speaking) -> None:
    await speaking.remote.start()
    events = await speaking.utter(await speaking.remote.open(StreamOptions()))
    assert [type(event) for event in events] == [Final]


async def test_without_a_stand_in_a_failure_is_a_gap_that_is_said(fake: FakeEndpoint, speaking: Speaking) -> None:
    fake.script = [status(401), hears]
    await speaking.remote.start()
    stream = await speaking.remote.open(StreamOptions())
    events = await speaking.utter(stream)
    assert events[0] == ServiceChanged("failing", "unreachable")
    assert isinstance(events[1], Gap)
    events = await speaking.utter(stream)
    assert events[0] == ServiceChanged("ok")
    assert isinstance(events[1], Final)


async def test_the_local_model_stands_in_says_so_and_steps_back(fake: FakeEndpoint, speaking: Speaking) -> None:
    fake.script = [status(401), hears]
    await speaking.local.start()
    speaking.remote.lean_on(speaking.local)
    await speaking.remote.start()
    stream = await speaking.remote.open(StreamOptions())
    first = await speaking.utter(stream)
    assert first[0] == ServiceChanged("delayed", "fallback")
    assert isinstance(first[-1], Final)
    assert (first[-1].text, first[-1].provider) == ("daqui", "scripted")
    newcomer = await speaking.remote.open(StreamOptions())
    assert await anext(newcomer) == ServiceChanged("delayed", "fallback")

    second = await speaking.utter(stream)
    assert any(isinstance(event, Interim) for event in second)
    assert len(fake.asked) == 1

    speaking.now_s += 60
    third = await speaking.utter(stream)
    assert third[0] == ServiceChanged("ok")
    assert isinstance(third[-1], Final)
    assert third[-1].provider == ""
    assert len(fake.asked) == 2


async def test_a_service_that_stays_away_is_asked_ever_less_often(fake: FakeEndpoint, speaking: Speaking) -> None:
    fake.script = [status(401)]
    await speaking.local.start()
    speaking.remote.lean_on(speaking.local)
    await speaking.remote.start()
    stream = await speaking.remote.open(StreamOptions())
    asked = []
    for _ in range(5):
        await speaking.utter(stream)
        asked.append(len(fake.asked))
        speaking.now_s += 16
    assert asked == [1, 2, 2, 3, 3]


async def test_a_service_that_asks_for_time_gets_it(fake: FakeEndpoint, speaking: Speaking) -> None:
    fake.script = [status(429, {"Retry-After": "60"}), hears]
    await speaking.local.start()
    speaking.remote.lean_on(speaking.local)
    await speaking.remote.start()
    stream = await speaking.remote.open(StreamOptions())
    asked = []
    for _ in range(3):
        await speaking.utter(stream)
        asked.append(len(fake.asked))
        speaking.now_s += 31
    assert asked == [1, 1, 2]


async def test_what_the_stand_in_has_shown_it_finishes_itself_though_the_service_is_back(
    fake: FakeEndpoint, endpoint: Make, speaking: Speaking
) -> None:
    await speaking.local.start()
    now_s = 0.0
    health = Health(lambda _: None, lambda: now_s)
    health.failed(RemoteFailed("is away"), stands_in=True)
    requests = RemoteRequests(endpoint(), health, speaking.local)
    begun = Request(SPOKEN.samples, "pt", final=False)
    await requests.submit("a", begun, Priority.INTERIM)
    now_s = 60.0
    shown = Request(SPOKEN.samples, "pt", final=True, settled="daqui")
    assert (await requests.submit("a", shown, Priority.FINAL)).text == "daqui"
    assert fake.asked == []
    assert (await requests.submit("a", SPOKEN, Priority.FINAL)).text == WORDS
    await requests.aclose()


async def test_closing_while_the_service_hangs_is_quick(fake: FakeEndpoint, speaking: Speaking) -> None:
    fake.script = [hangs]
    await speaking.remote.start()
    stream = await speaking.remote.open(StreamOptions())
    speaking_on = asyncio.create_task(speaking.utter(stream))
    await fake.was_asked.wait()
    async with asyncio.timeout(2):
        await stream.aclose()
    speaking_on.cancel()
    await asyncio.gather(speaking_on, return_exceptions=True)


async def test_it_opens_nothing_before_it_is_started(speaking: Speaking) -> None:
    with pytest.raises(SpeechUnavailable):
        await speaking.remote.open(StreamOptions())


async def test_no_log_names_the_key(
    fake: FakeEndpoint, endpoint: Make, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.script = [status(401)]
    await refusal(endpoint())
    seen = capsys.readouterr()
    assert KEY not in caplog.text + seen.out + seen.err
