"""Worker processes, here small programs: started together, started again when they die, ended when asked."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from server.front import workers as workers_module
from server.front.orders import Orders
from server.front.workers import Workers
from server.model.errors import Unavailable
from server.settings import Settings, load_settings

TAKES_ORDERS = "import json, pathlib, signal, sys; o = json.loads(sys.stdin.readline());"
WAITS = TAKES_ORDERS + "print('{\"ready\": true}', flush=True); sys.stdin.read()"
CANNOT = TAKES_ORDERS + 'print(\'{"failed": "No room."}\', flush=True)'
DIES = TAKES_ORDERS + "sys.exit(7)"
NOTES_ITS_END = (
    TAKES_ORDERS
    + "signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path(o['socket'] + '.ended').touch(), sys.exit(0)));"
    "print('{\"ready\": true}', flush=True); sys.stdin.read()"
)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setattr(workers_module, "_BACKOFF_S", (0.01,))
    return lambda code: monkeypatch.setattr(workers_module, "_COMMAND", (sys.executable, "-c", code))


def orders(folder: Path, number: int) -> Orders:
    settings = Settings(data_dir=folder, _env_file=None)
    return Orders.of(
        settings,
        worker=number,
        workers=2,
        socket=str(folder / f"worker-{number}"),
        speech_socket="",
        database_url="",
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(0.01)


async def test_one_that_dies_is_replaced_and_the_other_goes_on(program: Callable[[str], None], tmp_path: Path) -> None:
    program(WAITS)
    workers = Workers(2)
    async with workers.running(lambda number: orders(tmp_path, number)):
        one, other = workers.each
        first, others = one.pid, other.pid
        assert first is not None
        assert one.up
        assert other.up
        os.kill(first, signal.SIGKILL)
        await until(lambda: one.life == 2 and one.up)
        await one.session()
        assert one.pid != first
        assert (other.pid, other.life) == (others, 1)


async def test_who_asks_for_one_that_is_being_started_again_waits_a_moment(
    program: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(WAITS)
    workers = Workers(2)
    async with workers.running(lambda number: orders(tmp_path, number)):
        one = workers.each[0]
        assert one.pid is not None
        os.kill(one.pid, signal.SIGKILL)
        await until(lambda: not one.up)
        await one.session()
        assert one.life == 2
        monkeypatch.setattr(workers_module, "PATIENCE_S", 0.01)
        program(DIES)
        os.kill(one.pid, signal.SIGKILL)
        await until(lambda: not one.up)
        with pytest.raises(Unavailable):
            await one.session()


async def test_why_one_cannot_be_started_again_stands_in_the_log(
    program: Callable[[str], None], tmp_path: Path
) -> None:
    program(WAITS)
    with structlog.testing.capture_logs() as logged:
        workers = Workers(2)
        async with workers.running(lambda number: orders(tmp_path, number)):
            program(CANNOT)
            one = workers.each[0]
            assert one.pid is not None
            os.kill(one.pid, signal.SIGKILL)
            await until(lambda: one.life > 2)
    assert {"event": "worker.cannot_start", "worker": 0, "why": "No room.", "log_level": "error"} in logged


@pytest.mark.parametrize(("code", "why"), [(CANNOT, "No room"), (DIES, "see its log")])
async def test_one_that_cannot_start_ends_them_all_and_says_why(
    program: Callable[[str], None], tmp_path: Path, code: str, why: str
) -> None:
    program(code)
    with pytest.raises(Unavailable, match=why):
        async with Workers(2).running(lambda number: orders(tmp_path, number)):
            raise AssertionError("it must not get so far")


async def test_an_error_of_the_body_stays_what_it_is_and_workers_still_end_cleanly(
    program: Callable[[str], None], tmp_path: Path
) -> None:
    program(NOTES_ITS_END)

    async def serve() -> None:
        async with Workers(2).running(lambda number: orders(tmp_path, number)):
            raise KeyError("a fault of the front")

    with pytest.raises(KeyError):
        await serve()
    assert {"worker-0.ended", "worker-1.ended"} <= set(os.listdir(tmp_path))


def test_orders_carry_every_setting_and_its_secrets(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, api_secret=SecretStr("x" * 32), tls_certificate=tmp_path / "c", tls_key=tmp_path / "k"
    )
    sent = Orders.of(settings, worker=1, workers=2, socket="", speech_socket="", database_url="")
    received = Orders(**json.loads(sent.line()))
    assert received == sent
    assert load_settings(**received.settings) == settings
    assert "x" * 32 not in repr(received)
