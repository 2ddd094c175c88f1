"""`doctor` says what is wrong, what to do, and does not stumble over its own checks."""

import asyncio
import json
import socket

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.commands import doctor
from server.commands.checks import (
    address,
    chat_model,
    database,
    folders,
    live,
    media_ports,
    page,
    port,
    speech,
    tls,
    turn,
)
from server.commands.checks.finding import fail, ok, warn
from server.settings import load_settings
from server.storage.embedded import EmbeddedPostgres
from tests.certificates import write_certificate
from tests.turnserver import HOST, SECRET, running_turnserver


@pytest.fixture
def taken_port():
    with socket.create_server((HOST, 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def closed_port():
    with socket.create_server((HOST, 0)) as listening:
        return listening.getsockname()[1]


# The page's port


async def test_a_free_port_is_fine(closed_port):
    assert (await port.check(load_settings(port=closed_port))).outcome == "ok"


async def test_a_port_another_program_has_is_not(taken_port, monkeypatch):
    monkeypatch.setattr(port, "ANSWER_TIMEOUT_S", 0.2)
    found = await port.check(load_settings(port=taken_port))
    assert found.outcome == "fail"
    assert str(taken_port) in found.sentence


async def test_a_port_escuta_answers_on_is_fine():
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    application = web.Application()
    application.router.add_get("/healthz", answer)
    async with TestServer(application) as server:
        number = server.port
        found = await port.check(load_settings(port=number))
    assert found == ok(f"Escuta answers on 127.0.0.1:{number}.")


async def test_an_address_of_another_machine_cannot_be_listened_on():
    assert (await port.check(load_settings(host="192.0.2.1"))).outcome == "fail"


# Media


async def test_a_range_without_a_free_port_fails():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        number = taken.getsockname()[1]
        found = await media_ports.check(load_settings(udp_port_min=number, udp_port_max=number))
    assert found == fail(f"0 of the 1 UDP ports {number} to {number} are free: widen UDP_PORT_MIN to UDP_PORT_MAX.")


async def test_nat_without_a_range_warns():
    assert (await media_ports.check(load_settings(advertised_ip="203.0.113.7"))).outcome == "warn"
    assert (await media_ports.check(load_settings())).outcome == "ok"


@pytest.mark.parametrize(
    ("advertised_ip", "outcome"),
    [
        ("8.8.8.8", "ok"),
        ("2001:4860:4860::8888", "ok"),
        ("192.168.1.5", "warn"),
        ("127.0.0.1", "warn"),
        ("call.example.org", "fail"),
        ("0.0.0.0", "fail"),
        ("224.0.0.1", "fail"),
    ],
)
async def test_the_advertised_address_is_judged(advertised_ip, outcome):
    found = await address.check(load_settings(advertised_ip=advertised_ip))
    assert found.outcome == outcome
    assert advertised_ip in found.sentence


@pytest.mark.parametrize(
    ("public_url", "outcome"),
    [
        (None, "ok"),
        ("http://localhost:9000", "ok"),
        ("https://call.example.org", "ok"),
        ("http://call.example.org", "warn"),
        ("call.example.org", "fail"),
    ],
)
async def test_a_page_browsers_give_no_camera_to_is_noticed(public_url, outcome):
    assert (await page.check(load_settings(public_url=public_url))).outcome == outcome


# Certificate


def written(folder, days):
    certificate, key = write_certificate(folder, days=days)
    return {"tls_certificate": certificate, "tls_key": key}


@pytest.mark.parametrize(("days", "outcome"), [(90, "ok"), (3, "warn"), (-3, "fail")])
async def test_a_certificate_is_judged_by_its_end(workplace, days, outcome):
    assert (await tls.check(load_settings(**written(workplace, days)))).outcome == outcome


async def test_a_key_of_another_certificate_fails(workplace):
    first, second = written(workplace, 90), written(workplace, 91)
    found = await tls.check(load_settings(tls_certificate=first["tls_certificate"], tls_key=second["tls_key"]))
    assert found.outcome == "fail"
    missing = await tls.check(load_settings(tls_certificate=workplace / "no", tls_key=workplace / "no"))
    assert missing.outcome == "fail"


# Folders


async def test_a_folder_that_cannot_be_made_fails(workplace):
    (workplace / "file").touch()
    found = await folders.check_data(load_settings(data_dir=workplace / "file" / "data"))
    assert found.outcome == "fail"
    assert "DATA_DIR" in found.sentence


async def test_a_folder_open_to_everybody_warns(workplace):
    (workplace / "recordings").chmod(0o755)
    assert (await folders.check_recordings(load_settings())).outcome == "warn"
    (workplace / "recordings").chmod(0o700)
    assert (await folders.check_recordings(load_settings())).outcome == "ok"


async def test_an_unfinished_recording_is_mentioned(workplace):
    (workplace / "recordings").chmod(0o700)
    (workplace / "recordings" / "demo-0001" / "journal").mkdir(parents=True)
    found = await folders.check_recordings(load_settings())
    assert found.outcome == "warn"
    assert "1 unfinished" in found.sentence


async def test_too_little_disk_fails():
    assert (await folders.check_disk(load_settings(min_free_disk_mb=10**9))).outcome == "fail"
    assert (await folders.check_disk(load_settings(min_free_disk_mb=1))).outcome == "ok"


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


# Speech


async def test_a_provider_that_loads_is_fine():
    assert (await speech.check(load_settings(speech_provider="scripted"))).outcome == "ok"


async def test_a_model_folder_that_does_not_exist_fails():
    found = await speech.check(load_settings(speech_model="/nowhere/whisper"))
    assert found.outcome == "fail"
    assert "/nowhere/whisper" in found.sentence


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


# Chat model


@pytest.fixture
async def endpoint():
    async def list_models(request: web.Request) -> web.Response:
        if request.headers["Authorization"] != "Bearer right":
            return web.json_response({"error": {"message": "no"}}, status=401)
        return web.json_response({"object": "list", "data": [{"id": "small", "object": "model"}]})

    async def complete(request: web.Request) -> web.Response:
        if (await request.json())["model"] == "unknown":
            return web.json_response({"error": {"message": "no such model"}}, status=404)
        return web.json_response({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": []})

    application = web.Application()
    application.router.add_get("/v1/models", list_models)
    application.router.add_post("/v1/chat/completions", complete)
    async with TestServer(application) as server:
        yield str(server.make_url("/v1"))


@pytest.mark.parametrize(
    ("key", "model", "outcome"),
    [
        ("right", "small", "ok"),
        ("right", "hidden", "warn"),
        ("right", "unknown", "fail"),
        ("right", "", "fail"),
        ("wrong", "small", "fail"),
    ],
)
async def test_the_chat_model_is_asked_for(endpoint, key, model, outcome):
    found = await chat_model.check(load_settings(llm_base_url=endpoint, llm_api_key=key, llm_model=model))
    assert found.outcome == outcome


async def test_no_endpoint_means_rules_and_a_dead_one_fails(closed_port):
    assert (await chat_model.check(load_settings())).outcome == "ok"
    dead = load_settings(llm_base_url=f"http://{HOST}:{closed_port}/v1", llm_model="small")
    assert (await chat_model.check(dead)).outcome == "fail"


# The command


def check_of(finding):
    async def check(_):
        if isinstance(finding, Exception):
            raise finding
        return finding

    return check


async def test_one_line_a_check_and_status_0_when_nothing_failed(capsys):
    checks = {"first": check_of(ok("Fine.")), "second": check_of(warn("Nearly."))}
    assert await doctor.examine(load_settings(), checks, as_json=False) == 0
    assert capsys.readouterr().out.splitlines() == ["ok    first           Fine.", "warn  second          Nearly."]


async def test_status_1_when_one_failed_and_a_broken_check_hides_no_other(capsys):
    checks = {"broken": check_of(RuntimeError("oh")), "sound": check_of(ok("Fine."))}
    assert await doctor.examine(load_settings(), checks, as_json=True) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["healthy"] is False
    assert [(one["name"], one["outcome"]) for one in answer["checks"]] == [("broken", "fail"), ("sound", "ok")]
    assert "RuntimeError" in answer["checks"][0]["sentence"]


async def test_a_check_that_hangs_is_given_up(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "TIMEOUT_S", 0.01)

    async def hang(_):
        await asyncio.Event().wait()

    assert await doctor.examine(load_settings(), {"hanging": hang}, as_json=False) == 1
    assert "given up" in capsys.readouterr().out
