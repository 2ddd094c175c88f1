"""What the streaming speech provider promises of a network's faults."""

import asyncio
import logging
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from server.speech.port import Final, Interim, ServiceChanged, SpeechEvent, StreamOptions
from server.speech.providers.scripted import SCRIPT, LoudnessActivity, ScriptedRecogniser
from server.speech.realtime_socket import RealtimeEndpoint
from server.speech.recogniser import Request
from server.speech.remote import RemoteSpeech
from server.speech.remote_requests import Health, RemoteFailed, RemoteRequests
from server.speech.scheduler import Priority
from server.speech.shared import SharedRecogniser
from tests.certificates import write_certificate
from tests.speech.fake_endpoint import KEY, MODEL
from tests.speech.fake_realtime import (
    Behaviour,
    FakeRealtime,
    answers_oddly,
    babbles,
    closes,
    drops,
    fails,
    fake_realtime,
    floods,
    garbles,
    hangs,
    hears,
    refuses,
    says_too_much,
)
from tests.speech.sound import silence, tone

SOUND = np.concatenate([silence(0.3), tone(0.9), silence(0.3)])
SPOKEN = Request(SOUND, "pt", final=True, prompt="losartana")
WORDS = " ".join(SCRIPT[:3])
Make = Callable[..., RealtimeEndpoint]


@pytest.fixture
async def fake() -> AsyncIterator[FakeRealtime]:
    async with fake_realtime() as server:
        yield server


@pytest.fixture
async def endpoint(fake: FakeRealtime) -> AsyncIterator[Make]:
    made: list[RealtimeEndpoint] = []

    async def no_wait(wait_s: float) -> None:
        await asyncio.sleep(0)

    def make(sleep: Callable[[float], Awaitable[None]] = no_wait, **changes: Any) -> RealtimeEndpoint:
        made.append(RealtimeEndpoint(fake.options(**changes), sleep=sleep))
        return made[-1]

    yield make
    for one in made:
        await one.aclose()


async def refusal(one: RealtimeEndpoint) -> RemoteFailed:
    with pytest.raises(RemoteFailed) as caught:
        await one.read(SPOKEN)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    return caught.value


async def test_it_says_what_is_to_come_and_sends_all_of_it_once(fake: FakeRealtime, endpoint: Make) -> None:
    one = endpoint()
    for stop in (8_000, 16_001):
        one.glimpse(Request(SOUND[:stop], "pt", final=False))
    said = await one.read(SPOKEN)
    assert (said.text, said.language) == (WORDS, "pt")
    assert [word.text for word in said.words] == WORDS.split()
    assert fake.committed_s == [pytest.approx(1.5, abs=0.001)]
    assert fake.sessions[-1]["transcription"] == {"model": MODEL, "language": "pt", "prompt": "losartana"}
    assert fake.sessions[-1]["turn_detection"] is None
    assert fake.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_utterances_follow_each_other_on_one_connection(fake: FakeRealtime, endpoint: Make) -> None:
    one = endpoint()
    said = await asyncio.gather(one.read(SPOKEN), one.read(Request(tone(0.3), "pt", final=True)))
    assert [hypothesis.text for hypothesis in said] == [WORDS, SCRIPT[0]]
    assert len(fake.headers) == 1


async def test_an_utterance_cut_short_is_sent_anew(fake: FakeRealtime, endpoint: Make) -> None:
    one = endpoint()
    one.glimpse(Request(np.concatenate([SOUND, tone(2)]), "pt", final=False))
    assert (await one.read(SPOKEN)).text == WORDS
    assert fake.committed_s == [pytest.approx(1.5, abs=0.001)]


async def test_an_utterance_that_somebody_else_reads_leaves_nothing_behind(fake: FakeRealtime, endpoint: Make) -> None:
    one = endpoint()
    one.glimpse(Request(tone(0.5), "pt", final=False))
    one.abandon()
    assert (await one.read(SPOKEN)).text == WORDS
    assert fake.committed_s == [pytest.approx(1.5, abs=0.001)]


@pytest.mark.parametrize("fault", [drops, closes])
@pytest.mark.parametrize("count", [1, 2])
async def test_after_a_dropped_connection_the_utterance_is_sent_again(
    fake: FakeRealtime, endpoint: Make, count: int, fault: Behaviour
) -> None:
    fake.script = [*[fault] * count, hears]
    assert (await endpoint().read(SPOKEN)).text == WORDS
    assert fake.committed_s == [pytest.approx(1.5, abs=0.001)] * (count + 1)


async def test_a_handshake_refused_for_now_is_tried_again(fake: FakeRealtime, endpoint: Make) -> None:
    fake.handshakes = [web.Response(status=429, headers={"Retry-After": "1"}), web.Response(status=503)]
    assert (await endpoint().read(SPOKEN)).text == WORDS


async def test_the_wait_that_a_refusal_names_is_waited_for(fake: FakeRealtime, endpoint: Make) -> None:
    waits: list[float] = []

    async def note(wait_s: float) -> None:
        waits.append(wait_s)

    at = format_datetime(datetime.now(UTC) + timedelta(seconds=5), usegmt=True)
    fake.handshakes = [web.Response(status=503, headers={"Retry-After": wait}) for wait in ("2", at)]
    assert (await endpoint(note).read(SPOKEN)).text == WORDS
    assert waits[0] == 2.0
    assert 0.0 < waits[1] <= 5.0


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(fake: FakeRealtime, endpoint: Make, code: int) -> None:
    async with fake_realtime() as elsewhere:
        fake.handshakes = [web.Response(status=code, headers={"Location": f"{elsewhere.url}/realtime"})]
        assert f"elsewhere ({code})" in str(await refusal(endpoint()))
        assert elsewhere.headers == []
    assert len(fake.headers) == 1


async def test_a_certificate_that_nobody_vouches_for_gets_neither_voice_nor_key(endpoint: Make, tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*write_certificate(tmp_path))
    async with fake_realtime(tls) as unknown:
        assert "certificate" in str(await refusal(endpoint(base_url=unknown.url)))
        assert unknown.headers == []


async def test_a_page_instead_of_a_handshake_is_a_failure(fake: FakeRealtime, endpoint: Make) -> None:
    fake.handshakes = [web.Response(text="<p>Sign in</p>", content_type="text/html")]
    assert (await refusal(endpoint())).status == 200


async def test_a_wait_longer_than_the_limit_is_a_failure(fake: FakeRealtime, endpoint: Make) -> None:
    fake.handshakes = [web.Response(status=429, headers={"Retry-After": "60"})]
    assert (await refusal(endpoint())).wait_s == 60.0


async def test_a_refused_key_is_a_failure_at_once(fake: FakeRealtime, endpoint: Make) -> None:
    fake.handshakes = [web.Response(status=401)]
    assert (await refusal(endpoint())).status == 401
    assert len(fake.headers) == 1


@pytest.mark.parametrize("fault", [garbles, babbles, answers_oddly, says_too_much, floods, fails, refuses])
async def test_a_bad_answer_is_a_failure_and_the_next_utterance_is_read(
    fake: FakeRealtime, endpoint: Make, fault: Behaviour
) -> None:
    fake.script = [fault, hears]
    one = endpoint()
    await refusal(one)
    assert (await one.read(SPOKEN)).text == WORDS


async def test_a_service_that_hangs_is_left_and_connected_to_anew(fake: FakeRealtime, endpoint: Make) -> None:
    fake.script = [hangs, hears]
    one = endpoint(timeout_s=0.2)
    assert "within 0.2 s" in str(await refusal(one))
    assert (await one.read(SPOKEN)).text == WORDS
    assert len(fake.headers) == 2


async def test_nobody_there_is_a_failure(endpoint: Make) -> None:
    assert "cannot be reached" in str(await refusal(endpoint(base_url="http://127.0.0.1:9/v1")))


async def spoken_to(remote: RemoteSpeech) -> list[SpeechEvent]:
    """Speak once into a new stream; return what came of it."""
    stream = await remote.open(StreamOptions())
    sound = np.concatenate([tone(1.5), silence(1)])
    for first in range(0, len(sound), 320):
        stream.push_pcm(sound[first : first + 320], first / 16_000)
    stream.end_input()
    async with asyncio.timeout(10):
        events = [event async for event in stream]
    await stream.aclose()
    return events


async def test_the_local_model_stands_in_says_so_and_steps_back(
    fake: FakeRealtime, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    now_s = 0.0
    fake.script = [refuses, hears]
    local = SharedRecogniser(ScriptedRecogniser(), lambda: LoudnessActivity)
    remote = RemoteSpeech(
        "openai_realtime",
        lambda: RealtimeEndpoint(fake.options()),
        lambda: LoudnessActivity,
        lambda: now_s,
        one_for_each=True,
    )
    await local.start()
    remote.lean_on(local)
    await remote.start()
    heard = [await spoken_to(remote), await spoken_to(remote)]
    now_s = 16.0
    heard.append(await spoken_to(remote))
    await remote.aclose()
    await local.aclose()
    providers = [[event.provider for event in events if isinstance(event, Final)] for events in heard]
    states = [[event.state for event in events if isinstance(event, ServiceChanged)] for events in heard]
    assert providers == [["scripted"], ["scripted"], [""]]
    assert states == [["delayed"], ["delayed"], ["delayed", "ok"]]
    seen = capsys.readouterr()
    assert KEY not in caplog.text + seen.out + seen.err


async def test_closing_while_the_service_hangs_is_quick(fake: FakeRealtime, endpoint: Make) -> None:
    fake.script = [hangs]
    one = endpoint()
    answer = one.read(SPOKEN)
    await fake.was_asked.wait()
    async with asyncio.timeout(2):
        await one.aclose()
    assert answer.cancelled()


async def test_a_whole_utterance_is_committed_once_and_never_before_its_end(fake: FakeRealtime, endpoint: Make) -> None:
    requests = RemoteRequests(endpoint(), Health(lambda _: None, lambda: 0.0), None)
    assert not requests.can_speculate
    assert (await requests.submit("a", SPOKEN, Priority.FINAL)).text == WORDS
    assert len(fake.committed_s) == 1


async def test_what_it_streams_is_shown_while_one_speaks(fake: FakeRealtime) -> None:
    fake.deltas = True
    remote = RemoteSpeech(
        "openai_realtime", lambda: RealtimeEndpoint(fake.options()), lambda: LoudnessActivity, one_for_each=True
    )
    await remote.start()
    stream = await remote.open(StreamOptions())
    sound = np.concatenate([tone(4), silence(1)])
    for first in range(0, len(sound), 320):
        stream.push_pcm(sound[first : first + 320], first / 16_000)
        await asyncio.sleep(0.001)
    stream.end_input()
    async with asyncio.timeout(10):
        events = [event async for event in stream]
    await stream.aclose()
    await remote.aclose()
    assert any(isinstance(event, Interim) for event in events)
    assert isinstance(events[-1], Final)
    assert len(fake.headers) == 1
