"""Debian's Firefox, driven by WebDriver BiDi: Playwright drives only a Firefox of its own making."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from .running import until

FIREFOX = "/usr/bin/firefox-esr"
PREFERENCES: dict[str, Any] = {
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "media.autoplay.default": 0,
    # Without it a Firefox on a machine with no network gathers no candidates.
    "media.peerconnection.ice.loopback": True,
    "intl.accept_languages": "pt-BR, pt",
    # Nothing outside this machine is asked for anything.
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.region.update.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "services.settings.server": "data:,",
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


@dataclass
class FirefoxPage:
    """One tab, by way of the browser's socket."""

    socket: aiohttp.ClientWebSocketResponse
    context: str = ""
    complaints: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result; what the page complains of meanwhile is kept."""
        number = next(self._numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self.socket.receive_json()
            if message["type"] == "event" and message["params"].get("level") == "error":
                self.complaints.append(message["params"]["text"])
            if message.get("id") == number:
                assert message["type"] == "success", message
                return dict(message["result"])

    async def open(self, link: str, before: str = "") -> None:
        """Go to `link`; `before` runs ahead of the page's own scripts."""
        if before:
            await self.command("script.addPreloadScript", functionDeclaration=f"() => {{ {before} }}")
        await self.command("browsingContext.navigate", context=self.context, url=link, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """Return what an expression, or what it promises, is; as a person's click would let it."""
        result = await self.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({expression})) ?? null))()",
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        assert result["type"] == "success", result
        return json.loads(result["result"]["value"])

    async def wait_for(self, selector: str) -> None:
        """Wait until an element is there."""

        async def there() -> bool:
            return bool(await self.evaluate(f"document.querySelector({json.dumps(selector)}) !== null"))

        await until(there)

    async def click(self, selector: str) -> None:
        """Click an element once it is there."""
        await self.wait_for(selector)
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


@asynccontextmanager
async def firefox() -> AsyncIterator[FirefoxPage]:
    """Start a Firefox with a made-up camera and microphone, and a new profile."""
    folder = Path(tempfile.mkdtemp(prefix="firefox-"))
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items())
    (folder / "user.js").write_text("\n".join(lines))
    process = await asyncio.create_subprocess_exec(
        FIREFOX, "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0", "about:blank",
        env={**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"}, start_new_session=True,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    reading: asyncio.Task[bytes] | None = None
    try:
        address = await _address(process.stderr)
        # What it goes on saying must not fill the pipe.
        reading = asyncio.create_task(process.stderr.read())
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{address}/session", max_msg_size=0) as ws:
            page = FirefoxPage(ws)
            await page.command("session.new", capabilities={})
            await page.command("session.subscribe", events=["log.entryAdded"])
            page.context = (await page.command("browsingContext.getTree"))["contexts"][0]["context"]
            yield page
    finally:
        # Its content processes are in its session's group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if reading is not None:
            await reading
        shutil.rmtree(folder, ignore_errors=True)


async def _address(stderr: asyncio.StreamReader) -> str:
    said = []
    while line := (await stderr.readline()).decode(errors="replace"):
        if found := LISTENING.search(line):
            return found[1]
        said.append(line)
    raise AssertionError(f"{FIREFOX} did not start: {''.join(said[-5:])}")
