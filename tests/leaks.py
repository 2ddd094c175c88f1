"""A test that leaves a task, a thread, a socket or a child process behind fails, and says which.

What fixtures of a wider scope than a function open is theirs to close later and is not counted. A test that
failed already is not blamed for its leaks as well.
"""

import asyncio
import asyncio.runners
import gc
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SETTLE_S = float(os.environ.get("LEAK_SETTLE_S", "3"))
"""Longest wait for what is already on its way out."""

LIVES_ON = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""Children that Python itself starts once and keeps."""


def _threads() -> dict[str, str]:
    return {
        f"thread {thread.ident}": f"thread {thread.name}"
        for thread in threading.enumerate()
        if not thread.daemon and thread.is_alive()
    }


def _sockets() -> dict[str, str]:
    inodes: dict[str, str] = {}
    for entry in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{entry}")
        except OSError:
            continue
        if target.startswith("socket:"):
            inodes[target] = f"fd {entry}"
    return inodes


def _children() -> dict[str, str]:
    children = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            pids = (task / "children").read_text().split()
        except OSError:  # the thread is gone
            continue
        for pid in pids:
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ").strip()
            except OSError:
                continue
            # One that has ended and was not waited for (Z) is what Python itself complains of.
            if state != "Z" and not any(name in command for name in LIVES_ON):
                children[f"child {pid}"] = f"process {pid}: {command[:120]}"
    return children


def _open_things() -> dict[str, str]:
    return _threads() | _sockets() | _children()


def _describe_socket(inode: str, where: str) -> str:
    number = inode.removeprefix("socket:[").removesuffix("]")
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] == number:
                port = int(fields[1].rpartition(":")[2], 16)
                return f"{table} socket on port {port} ({where})"
    return f"socket {number} ({where})"


@dataclass
class _Watch:
    """What was open before the test, what wider fixtures opened meanwhile, and which tasks outlived their loop."""

    before: dict[str, str] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)
    failed: bool = False

    def leaks(self) -> list[str]:
        """Return what is open and was not before, after it had time to close."""
        deadline = time.monotonic() + SETTLE_S
        new = self._new()
        if new:
            gc.collect()
        while new and time.monotonic() < deadline:
            time.sleep(0.02)
            new = self._new()
        return self.tasks + [_describe_socket(key, what) if "socket:" in key else what for key, what in new.items()]

    def _new(self) -> dict[str, str]:
        return {key: what for key, what in _open_things().items() if key not in self.before}


_watch = _Watch()
_cancel_all_tasks = asyncio.runners._cancel_all_tasks


def _note_pending_tasks(loop: asyncio.AbstractEventLoop) -> None:
    # asyncio.Runner cancels what is left without a word; this is the last moment at which it can be seen.
    for _ in range(5):
        if not asyncio.all_tasks(loop):
            break
        loop.run_until_complete(asyncio.sleep(0))
    _watch.tasks.extend(f"task {task.get_name()}: {task.get_coro()!r}" for task in asyncio.all_tasks(loop))
    _cancel_all_tasks(loop)


@pytest.fixture(scope="session", autouse=True)
def _pending_tasks_are_noted() -> Iterator[None]:
    asyncio.runners._cancel_all_tasks = _note_pending_tasks
    yield
    asyncio.runners._cancel_all_tasks = _cancel_all_tasks


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    global _watch
    _watch = _Watch(_open_things())
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest) -> Iterator[object]:
    if fixturedef.scope == "function":
        return (yield)
    open_before = _open_things()
    try:
        return (yield)
    finally:
        _watch.before |= {key: what for key, what in _open_things().items() if key not in open_before}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[pytest.TestReport]:
    report = yield
    _watch.failed = _watch.failed or report.failed
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    result = yield
    if not _watch.failed:
        leaks = _watch.leaks()
        if leaks:
            pytest.fail("left behind: " + "; ".join(leaks), pytrace=False)
    return result
