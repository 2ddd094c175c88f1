"""Several worker processes and several recordings: read one after the other, and the server says how that goes."""

from __future__ import annotations

import asyncio

import aiohttp
import psutil
import pytest

from tests.e2e.running import RunningServer, running_server
from tests.e2e.test_second_pass import recorded

from .test_workers import in_worker


async def figures(server: RunningServer) -> dict[str, float]:
    async with aiohttp.ClientSession(server.address) as session, session.get("/metrics") as response:
        lines = [line for line in (await response.text()).splitlines() if line.startswith("escuta_second_pass")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def readers(server: RunningServer) -> int:
    """Return how many processes of this server read a recording."""
    found = 0
    for process in psutil.Process(server.process.pid).children(recursive=True):
        try:
            found += any("second_pass_worker" in part for part in process.cmdline())
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.mark.timeout(180)
async def test_of_two_workers_one_reads_at_a_time(tmp_path, data_dir):
    settings = {"WORKERS": "2", "SPEECH_PROVIDER": "scripted"}
    with running_server(tmp_path, data_dir, **settings) as server:
        consultations = [await in_worker(server, number) for number in (0, 1, 0, 1)]
        assert server.stop() == 0
    for consultation in consultations:
        recorded(tmp_path / "recordings" / consultation)
    with running_server(tmp_path, data_dir, **settings) as server:
        most = 0
        told: dict[str, float] = {}
        async with asyncio.timeout(150):
            while told.get("escuta_second_pass_sound_seconds_total") != pytest.approx(2.9 * len(consultations)):
                for _ in range(10):
                    most = max(most, readers(server))
                    await asyncio.sleep(0.02)
                told = await figures(server)
        assert most == 1
        assert told['escuta_second_passes{state="failed"}'] == 0
        assert told["escuta_second_pass_failures_total"] == 0
        assert told["escuta_second_pass_reading_seconds_total"] > 0
        for consultation in consultations:
            transcript = await server.call("GET", f"/api/consultations/{consultation}/transcript")
            assert (transcript["edition"], transcript["second_pass"]) == ("final", "done")
            assert [one["text"] for one in transcript["utterances"]] == ["estou com dor"]
