"""What tests keep to when several processes run them beside each other (`pytest -n 2`).

Those of a file, or of a folder in `WHOLE`, stay in one process, and what a folder's fixtures start for the session is
started once. Beside a test that is marked `alone` nothing runs.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

WHOLE = ("tests/e2e/calls",)
"""One server with the real model in it; two would want more of a small machine than it has."""

MACHINE = Path(__file__)
GATE = Path(__file__).parent
"""Both are locked, never written."""


def part_of(nodeid: str) -> str:
    """Return the folder or file whose tests the test stays with."""
    file = nodeid.partition("::")[0]
    return next((folder for folder in WHOLE if file.startswith(f"{folder}/")), file)


class ByPart(LoadScopeScheduling):
    """Gives a process that is about to be done the next part, in the order of collection."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByPart:
    return ByPart(config, log)


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


# First, so that waiting is not counted as the test's own time.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[object]:
    if not hasattr(item.config, "workerinput"):
        return (yield)
    alone = item.get_closest_marker("alone") is not None
    with ExitStack() as held:
        with _locked(GATE, fcntl.LOCK_EX):  # nobody overtakes one that waits to be alone
            held.enter_context(_locked(MACHINE, fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
        return (yield)
