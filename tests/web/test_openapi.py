"""The OpenAPI document is valid, complete, and the server keeps to it whatever it is sent."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.config import SchemathesisConfig

from server.insight.drafting.notebook import Notebook
from server.rooms.reports import Reports
from server.settings import Settings
from server.web.application import WebContext, setup_web
from server.web.auth import TokenAuthority
from server.web.limits import Limits, RateLimit
from server.web.openapi import openapi_document
from server.web.paths import PATTERNS
from server.web.routes import API_ROUTES

from .conftest import KEY, SECRET, House, fake_socket
from .fakes import CONSULTATION, RECORDED_BYTES, FakeRooms, filled_store

DOCUMENT = openapi_document(API_ROUTES, "0")
CONFIG = SchemathesisConfig.from_dict({"generation": {"deterministic": True}})
schema = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)

KNOWN = {"consultation_id": CONSULTATION, "agent_id": "default", "name": "patient.ogg", "form": "pdf"}


@schema.hook
def map_path_parameters(context, path_parameters):  # type: ignore[no-untyped-def]
    """Let most valid requests reach something that exists; what is meant to be invalid stays so."""
    for name, known in KNOWN.items():
        drawn = (path_parameters or {}).get(name)
        if isinstance(drawn, str) and re.search(PATTERNS[name], drawn) and len(drawn) % 4:
            path_parameters[name] = known
    return path_parameters


@dataclass(frozen=True)
class RunningServer:
    url: str
    authorization: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The whole web on loopback, in a thread of its own."""
    folder = tmp_path_factory.mktemp("schemathesis")
    started: threading.Event = threading.Event()
    ports: list[int] = []
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()
    executor = ThreadPoolExecutor(1)
    executor.submit(int).result()  # its thread belongs to this fixture, not to the first test that reads a file
    authority = TokenAuthority(KEY, SECRET, 3600)

    async def serve() -> None:
        loop.set_default_executor(executor)
        runner = web.AppRunner(_application(folder, authority), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.append(runner.addresses[0][1])
        started.set()
        await stopping.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(10)
    token = authority.issue(identity="fuzz", name="Fuzz", role="service")
    yield RunningServer(f"http://127.0.0.1:{ports[0]}", f"Bearer {token}")
    loop.call_soon_threadsafe(stopping.set)
    thread.join(10)
    executor.shutdown()
    loop.close()


def _application(folder: Path, authority: TokenAuthority) -> web.Application:
    recordings = folder / "recordings" / CONSULTATION
    recordings.mkdir(parents=True)
    (recordings / "patient.ogg").write_bytes(RECORDED_BYTES)
    app = web.Application()
    store = filled_store()
    setup_web(
        app,
        WebContext(
            settings=Settings(_env_file=None, recordings_dir=folder / "recordings", data_dir=folder),
            store=store,
            rooms=FakeRooms(store, live=[CONSULTATION]),
            reports=Reports(store, lambda _: Notebook(), folder / "recordings"),
            authority=authority,
            socket=fake_socket,
            limits=Limits(service=RateLimit(1e6, 1_000_000), failures=RateLimit(1e6, 1_000_000)),
        ),
    )
    return app


def _told_apart(path: str, method: str) -> Callable[..., None]:
    """Return the test of one operation: of several from one function, all would have the same id."""

    @schema.include(path=path, method=method).parametrize()
    @settings(
        max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
    )
    def keeps_to_its_document(case: schemathesis.Case, server: RunningServer) -> None:
        case.call_and_validate(base_url=server.url, headers={"Authorization": server.authorization}, timeout=10)

    return keeps_to_its_document


for _path, _operations in DOCUMENT["paths"].items():
    for _method, _operation in _operations.items():
        globals()[f"test_{_operation['operationId']}_keeps_to_the_document"] = _told_apart(_path, _method)


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


async def test_the_document_is_served_to_anyone(house: House) -> None:
    served = await (await house.call("GET", "/api/openapi.json", None)).json()
    assert {**served, "info": {**served["info"], "version": "0"}} == DOCUMENT


def test_the_document_says_of_every_operation_who_may_call() -> None:
    for route in API_ROUTES:
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        assert set(operation["x-roles"]) == route.access.roles
        assert bool(operation["security"]) is bool(route.access.roles)
        if route.access.roles:
            assert {"401", "403", "429"} <= operation["responses"].keys()


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names)) == len(API_ROUTES)
