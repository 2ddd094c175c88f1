"""A real server in a process of its own, and real browsers with sound files for microphones."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import av
import numpy as np
from playwright.async_api import Browser, Page, async_playwright

from server.web.auth import TokenAuthority

ROOT = Path(__file__).parents[2]
FIXTURE = ROOT / "tests/fixtures/consultation"
SECRET = "an API secret for tests alone, 32+"
STARTS_WITHIN_S = 90
MAIN = "from server.__main__ import main; raise SystemExit(main())"
ARGUMENTS = ("serve", "--port", "0", "--json", "--no-demo")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Without it a Chromium on a machine with no network gathers no candidates.
    "--allow-loopback-in-peer-connection",
)


@dataclass
class RunningServer:
    """A server's address and what opens its doors."""

    address: str
    folder: Path
    process: subprocess.Popen[str]
    environment: dict[str, str]

    @property
    def recordings(self) -> Path:
        return self.folder / "recordings"

    def token(self, role: str, consultation_id: str | None, name: str | None = None) -> str:
        return TokenAuthority("escuta", SECRET, 3600).issue(
            identity=f"{role}-identity",
            name=name or {"clinician": "Dra. Ana", "patient": "Maria"}.get(role, role),
            role=role,  # type: ignore[arg-type]
            consultation_id=consultation_id,
        )

    def link(self, role: str, consultation_id: str) -> str:
        return f"{self.address}/join#{self.token(role, consultation_id)}"

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token('service', None)}"}
        async with (
            aiohttp.ClientSession(self.address, headers=headers) as session,
            session.request(method, path, json=body) as response,
        ):
            response.raise_for_status()
            return await response.json()

    async def consultation(self, language: str = "pt") -> str:
        created = await self.call("POST", "/api/consultations", {"title": "Teste", "language": language})
        return str(created["id"])

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ctrl-C; return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=120)


@contextmanager
def running_server(
    folder: Path, data_dir: Path | None = None, *, first: str = "", **environment: str
) -> Iterator[RunningServer]:
    """Start `serve` with everything under `folder`; stop it at the end.

    A `data_dir` that holds a database already spares the seconds that making one takes. The server runs the line of
    Python `first` before anything else.
    """
    process_environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")},
        "DATA_DIR": str(data_dir or folder / "data"),
        "RECORDINGS_DIR": str(folder / "recordings"),
        "API_SECRET": SECRET,
        "LOG_FORMAT": "json",
        "MIN_FREE_DISK_MB": "10",
        **environment,
    }
    with (folder / "server.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, *(["-c", f"{first}; {MAIN}"] if first else ["-m", "server"]), *ARGUMENTS],
            cwd=ROOT,
            env=process_environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        spoke, _, _ = select.select([process.stdout], [], [], STARTS_WITHIN_S)
        line = process.stdout.readline() if spoke else ""
        assert line, (folder / "server.log").read_text()[-4000:]
        yield RunningServer(json.loads(line)["address"], folder, process, process_environment)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=120)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def as_wav(source: Path, target: Path, *, pad_s: float = 30.0) -> Path:
    """Write `source` as a 48 kHz mono WAV that Chromium plays as a microphone, followed by silence.

    Chromium plays the file in a loop: the silence keeps the words from coming twice.
    """
    resampler = av.AudioResampler("s16", "mono", 48_000)
    chunks = []
    with av.open(str(source)) as container:
        for frame in container.decode(audio=0):
            chunks += [one.to_ndarray().reshape(-1) for one in resampler.resample(frame)]
    samples = np.concatenate([*chunks, np.zeros(int(pad_s * 48_000), dtype=np.int16)])
    import wave

    with wave.open(str(target), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(samples.astype("<i2").tobytes())
    return target


@asynccontextmanager
async def browser(microphone: Path | None = None, *flags: str) -> AsyncIterator[Browser]:
    """Start a Chromium whose microphone plays `microphone` (a beep if None)."""
    fake = [f"--use-file-for-fake-audio-capture={microphone}"] if microphone else []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*CHROMIUM_FLAGS, *fake, *flags]
        )
        try:
            yield chromium
        finally:
            await chromium.close()


async def open_page(chromium: Browser, link: str, *, locale: str = "pt-BR", **context: Any) -> Page:
    """Open a join link; page errors become an attribute `errors` of the page's context."""
    opened = await chromium.new_context(locale=locale, permissions=["camera", "microphone"], **context)
    page = await opened.new_page()
    await page.goto(link)
    return page


async def join(page: Page, *, consent: bool = True) -> None:
    """Answer the consent and join."""
    await page.wait_for_selector('main[data-screen="prejoin"]')
    await page.click("#consent-yes" if consent else "#consent-no")
    await page.click("#join")
    await page.wait_for_selector('main[data-screen="call"]')


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something another process does; the test's own time-out bounds it."""
    while not await check():  # noqa: ASYNC110 - nothing in this process could set an event
        await asyncio.sleep(0.2)
