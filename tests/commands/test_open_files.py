"""The usual limit of 1024 open files is not that of a server with many calls."""

import resource
import subprocess
import sys

import pytest

from server.commands import open_files
from server.commands.open_files import allow_many


@pytest.mark.parametrize(("most", "soft"), [(65_536, 256), (300, 256), (65_536, None), (10, 256)])
def test_the_limit_is_raised_as_far_as_it_goes_and_handed_on(
    monkeypatch: pytest.MonkeyPatch, most: int, soft: int | None
) -> None:
    monkeypatch.setattr(open_files, "MOST", most)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    began = before[1] if soft is None else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (began, before[1]))
    try:
        allow_many()
        told = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
        child = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
        assert int(child.stdout) == max(began, min(before[1], most))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
