"""One browser for all tests of the page alone; each test opens a context of its own in it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.e2e.running import browser, join
from tests.page.stub import FAKE_MEDIA, Stub, serving

OpenPage = Callable[..., Awaitable[Page]]
WORKER_THREADS = 4
STEP_MS = 500
expect.set_options(timeout=20_000)


async def _start_worker_threads() -> None:
    """Start the session loop's threads now, so that no test appears to leave one behind."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(WORKER_THREADS))
    all_there = threading.Barrier(WORKER_THREADS)
    await asyncio.gather(*(loop.run_in_executor(None, all_there.wait) for _ in range(WORKER_THREADS)))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    await _start_worker_threads()
    async with browser() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def stub() -> AsyncIterator[Stub]:
    async with serving() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(chromium: Browser) -> AsyncIterator[OpenPage]:
    """Open pages whose media are faked, and on demand their `clock`; what they complain of fails the test."""
    complaints: list[str] = []
    contexts = []

    async def opened(
        link: str,
        *,
        size: tuple[int, int] = (1280, 800),
        locale: str = "pt-BR",
        clock: bool = False,
        **context: Any,
    ) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        one = await chromium.new_context(
            locale=locale, viewport=viewport, permissions=["camera", "microphone"], **context
        )
        contexts.append(one)
        page = await one.new_page()
        if clock:
            await page.clock.install()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        await page.add_init_script(FAKE_MEDIA)
        await page.goto(link)
        return page

    yield opened
    for one in contexts:
        await one.close()
    # A browser says in its console when a socket or a request failed; some tests make that happen.
    expected = ("ERR_CONNECTION", "WebSocket", "status of 401", "status of 409")
    assert [one for one in complaints if not any(part in one for part in expected)] == []


async def hurry(page: Page, check: Callable[[], Awaitable[bool]]) -> None:
    """Let the clock of a page run ahead until `check` holds, in steps short enough for answers to come in between."""
    while not await check():
        await page.clock.run_for(STEP_MS)


async def join_call(stub: Stub, open_page: OpenPage, role: str = "clinician", **options: Any) -> Page:
    """Open a page, join, and wait until its media flow."""
    page = await open_page(stub.link(role), **options)
    await join(page)
    await page.wait_for_selector(f'.call[data-role="{role}"]')
    await stub.told("offer", 1)
    await expect(page.locator('.states [data-state^="self."]')).to_have_count(0)
    return page
