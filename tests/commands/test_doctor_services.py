"""`doctor` on the services around Escuta: each is asked as the server itself would ask it."""

import asyncio

import psycopg
import pytest

from server.commands.checks import database, live, second_pass, speech, turn
from server.commands.checks.finding import ok
from server.settings import load_settings
from server.storage.embedded import EmbeddedPostgres
from server.storage.store import Store
from tests.speech.fake_endpoint import KEY, MODEL, fake_endpoint, status
from tests.speech.fake_realtime import fake_realtime
from tests.storage.facts import consultation
from tests.turnserver import HOST, SECRET, running_turnserver

# Database, Redis


async def test_the_embedded_database_is_started_and_nothing_of_it_stays(workplace):
    found = await database.check(load_settings())
    assert found.outcome == "ok"
    assert "version 18" in found.sentence
    assert not (workplace / "data").exists()


async def test_the_embedded_database_of_a_running_server_is_asked_and_left_running(data_dir):
    running = EmbeddedPostgres(data_dir)
    await running.start()
    try:
        found = await database.check(load_settings(data_dir=data_dir))
        assert found.outcome == "ok"
        assert "of the Escuta that runs" in found.sentence
        assert running.pid is not None
    finally:
        await running.stop()


async def test_a_database_that_does_not_answer_fails_without_its_password(closed_port):
    url = f"postgresql://someone:hunter2@{HOST}:{closed_port}/escuta"
    found = await database.check(load_settings(database_url=url))
    assert found.outcome == "fail"
    assert "hunter2" not in found.sentence


async def test_a_redis_that_does_not_answer_fails_without_its_password(closed_port):
    found = await live.check(load_settings(redis_url=f"redis://:hunter2@{HOST}:{closed_port}/0"))
    assert found.outcome == "fail"
    assert "hunter2" not in found.sentence
    assert (await live.check(load_settings(redis_url="not a url"))).outcome == "fail"
    assert (await live.check(load_settings())).outcome == "ok"


# The second pass


async def test_no_second_pass_is_said():
    found = await second_pass.check(load_settings(second_pass=False))
    assert (found.outcome, "not read again" in found.sentence) == ("ok", True)


async def test_before_the_first_start_no_recording_waits(workplace):
    found = await second_pass.check(load_settings(second_pass_model="small", second_pass_beam=5))
    assert found == ok("Recordings are read again by faster_whisper with 'small' and a beam of 5; 0 wait, 0 failed.")
    assert not (workplace / "data").exists()


@pytest.mark.parametrize(
    ("states", "outcome", "says"),
    [(["waiting", "done"], "ok", "1 waits, 0 failed."), (["waiting", "waiting", "failed"], "warn", "2 wait, 1 failed")],
)
async def test_those_that_wait_and_failed_are_counted(database_url, workplace, states, outcome, says):
    store = await Store.open(database_url, workplace / "spool")
    for number in range(len(states)):
        await store.create_consultation(consultation(f"consultation-{number}"))
    await store.aclose()
    with psycopg.connect(database_url) as connection:
        for number, state in enumerate(states):
            connection.execute("INSERT INTO second_passes VALUES (%s, %s, 0, now())", [f"consultation-{number}", state])
    found = await second_pass.check(load_settings(database_url=database_url))
    assert found.outcome == outcome
    assert says in found.sentence


async def test_the_embedded_database_is_counted_in_beside_its_own_check(data_dir):
    first = EmbeddedPostgres(data_dir)
    await first.start()
    await first.stop()
    settings = load_settings(data_dir=data_dir)
    of_database, of_second_pass = await asyncio.gather(database.check(settings), second_pass.check(settings))
    assert (of_database.outcome, of_second_pass.outcome) == ("ok", "ok")


async def test_a_database_that_cannot_tell_is_no_reason_to_fail(closed_port):
    url = f"postgresql://someone:hunter2@{HOST}:{closed_port}/escuta"
    found = await second_pass.check(load_settings(database_url=url))
    assert found.outcome == "warn"
    assert "hunter2" not in found.sentence


@pytest.mark.parametrize("name", ["SECOND_PASS_MODEL", "SPEECH_MODEL"])
async def test_a_model_for_it_that_does_not_exist_is_noticed(name):
    found = await second_pass.check(load_settings(**{name.lower(): "/nowhere/whisper"}))
    assert found.outcome == "warn"
    assert f" {name} is '/nowhere/whisper'" in found.sentence


# Speech


async def test_a_provider_that_loads_is_fine():
    assert (await speech.check(load_settings(speech_provider="scripted"))).outcome == "ok"


async def test_a_model_folder_that_does_not_exist_fails():
    found = await speech.check(load_settings(speech_model="/nowhere/whisper"))
    assert found.outcome == "fail"
    assert "/nowhere/whisper" in found.sentence


async def test_a_speech_service_that_answers_is_named_as_where_voices_go():
    async with fake_endpoint() as fake:
        known = {"speech_provider": "openai_compatible", "speech_base_url": fake.url, "speech_remote_model": MODEL}
        found = await speech.check(load_settings(**known, speech_api_key=KEY))
        assert found.outcome == "ok"
        assert "Voices are sent to 127.0.0.1" in found.sentence
        fake.script = [status(401)]
        found = await speech.check(load_settings(**known, speech_api_key=KEY))
        assert found.outcome == "fail"
        assert "SPEECH_API_KEY" in found.sentence
        assert KEY not in found.sentence
        found = await speech.check(load_settings(**known | {"speech_provider": "scripted"}))
        assert found.outcome == "warn"


async def test_a_realtime_speech_service_is_asked_over_its_socket():
    async with fake_realtime() as fake:
        known = {"speech_provider": "openai_realtime", "speech_base_url": fake.url, "speech_remote_model": MODEL}
        assert (await speech.check(load_settings(**known))).outcome == "ok"
        assert len(fake.committed_s) == 1


async def test_a_speech_service_without_its_settings_fails():
    found = await speech.check(load_settings(speech_provider="openai_compatible"))
    assert found.outcome == "fail"
    assert "SPEECH_BASE_URL" in found.sentence


async def test_a_damaged_model_file_is_named(workplace):
    folder = workplace / "model"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"damaged")
    (folder / "verified.sha256").write_text(f"{'0' * 64} 7 1 model.bin\n")
    found = await speech.check(load_settings(speech_model=str(folder)))
    assert found.outcome == "fail"
    assert str(folder / "model.bin") in found.sentence


# TURN


@pytest.fixture(scope="module")
def turnserver():
    with running_turnserver() as server:
        yield server


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_turn_server_that_gives_an_address_is_fine(turnserver, transport):
    url = f"turn:{HOST}:{turnserver.port}?transport={transport}"
    assert (await turn.check(load_settings(turn_urls=url, turn_secret=SECRET))).outcome == "ok"


async def test_a_turn_server_with_another_secret_refuses(turnserver):
    found = await turn.check(load_settings(turn_urls=turnserver.url, turn_secret="another-secret-0123456789"))
    assert found.outcome == "fail"
    assert "refused: 401" in found.sentence


async def test_a_turn_server_that_is_not_there_fails(closed_port, monkeypatch):
    monkeypatch.setattr(turn, "ALLOCATE_TIMEOUT_S", 0.5)
    urls = f"turn:{HOST}:{closed_port}?transport=tcp,nonsense"
    found = await turn.check(load_settings(turn_urls=urls, turn_secret=SECRET))
    assert found.outcome == "fail"
    assert "cannot be reached" in found.sentence
    assert "nonsense is not like" in found.sentence
