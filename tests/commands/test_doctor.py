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
    folders,
    media_ports,
    page,
    port,
    tls,
    workers,
)
from server.commands.checks.finding import fail, ok, warn
from server.settings import load_settings
from tests.certificates import write_certificate

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


@pytest.mark.parametrize(
    ("cores", "count", "outcome", "says"),
    [(2, 1, "ok", "1 media process on 2"), (8, 1, "ok", "up to 7"), (8, 7, "ok", "7 media"), (2, 3, "warn", "to 1")],
)
async def test_workers_are_judged_by_the_cores(monkeypatch, cores, count, outcome, says):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    found = await workers.check(load_settings(workers=count))
    assert found.outcome == outcome
    assert says in found.sentence


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
