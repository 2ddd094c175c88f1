"""A generator process: its share of the calls. Orders come as JSON lines on stdin, figures go out on stdout."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass

import aioice.ice

from server.settings import load_settings
from server.web.credentials import token_authority

from .media import LOOP_S, schedule
from .participant import Counts, Participant
from .servers import WITHIN_S, Direct, Escuta, Janus, Meeting, Posted

MOST_SAMPLES = 60_000


@dataclass(frozen=True, slots=True)
class Orders:
    """What one process does. `calls` are numbers unique in the run; `address` is the only one media comes from."""

    server: str
    url: str
    calls: list[int]
    video: str
    record: bool
    address: str | None
    record_folder: str | None = None
    workers: int = 1
    """Into so many workers of an Escuta the calls go in turn."""


def meeting(orders: Orders, stack: AsyncExitStack) -> Meeting:
    if orders.server.startswith("escuta"):
        return Escuta(stack, orders.url, token_authority(load_settings()), orders.workers, record=orders.record)
    if orders.server == "janus":
        return Janus(stack, orders.url, orders.record_folder if orders.record else None)
    return Direct() if orders.server == "direct" else Posted(orders.url)


async def generate(orders: Orders) -> None:
    if orders.address is not None:
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [orders.address]
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    due = schedule(orders.video)
    stamped = orders.server != "mediarelay"
    async with AsyncExitStack() as stack:
        meet = meeting(orders, stack)
        participants: list[Participant] = []
        for call in orders.calls:
            pair = Participant(due, stamped=stamped), Participant(due, stamped=stamped)
            for participant in pair:
                stack.push_async_callback(participant.pc.close)
            participants += pair
            async with asyncio.timeout(WITHIN_S):
                await meet(call, *pair)
                await asyncio.gather(*(participant.connected.wait() for participant in pair))
            say(joined=call)
        for participant in participants:
            participant.attach()
            # Every participant at a phase of its own: no common key frame, no common tick.
            participant.start(time.monotonic() - LOOP_S + random.random() * LOOP_S)
        say(ready=True)
        window = json.loads(await lines.readline())
        gc.collect()
        gc.freeze()
        say(**await measured(participants, window["from_s"], window["to_s"]))
        await lines.readline()
        for participant in participants:
            participant.stop()


async def measured(participants: list[Participant], from_s: float, to_s: float) -> dict[str, object]:
    await asyncio.sleep(max(0.0, from_s - time.monotonic()))
    before = summed(participants)
    for participant in participants:
        participant.measuring = True
    await asyncio.sleep(max(0.0, to_s - time.monotonic()))
    for participant in participants:
        participant.measuring = False
    after = summed(participants)
    figures: dict[str, object] = {name: value - before[name] for name, value in after.items()}
    figures["silent"] = after["silent"]
    for name, kind in (("audio", 0), ("video", 1)):
        figures[f"{name}_ms"] = thinned([ns / 1e6 for one in participants for ns in one.latencies_ns[kind]])
    figures["lateness_ms"] = thinned([s * 1e3 for one in participants for s in one.lateness_s])
    return figures


def summed(participants: list[Participant]) -> dict[str, int]:
    total = dict.fromkeys(asdict(Counts()), 0)
    for participant in participants:
        for name, value in asdict(participant.counts()).items():
            total[name] += value
    return total


def thinned(values: list[float]) -> list[float]:
    chosen = values if len(values) <= MOST_SAMPLES else random.sample(values, MOST_SAMPLES)
    return [round(value, 4) for value in chosen]


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    orders = Orders(**json.loads(sys.stdin.readline()))
    try:
        asyncio.run(generate(orders))
    except Exception as error:
        say(error=f"{type(error).__name__}: {error}")
        raise
    # Connections that close politely one after another would take longer than the run.
    os._exit(0)


if __name__ == "__main__":
    main()
