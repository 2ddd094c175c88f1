"""Which tests stay in one process when several run beside each other (`pytest -n 2`): those of a file, or of a folder.

What a folder's fixtures start for the session is then started once.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

WHOLE = ("tests/e2e/calls",)
"""One server with the real model in it; two would want more of a small machine than it has."""


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
