"""How tests are dealt out to processes that run beside each other."""

from collections import Counter
from pathlib import Path

import pytest

from tests.parts import WHOLE

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[1]
NOTES_ITS_PROCESS = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(3))
def test_it(number):
    with pathlib.Path(os.environ["NOTES"]).open("a") as notes:
        print(pathlib.Path(__file__).relative_to(os.environ["ABOVE"]).as_posix(), os.getpid(), file=notes)
"""


@pytest.fixture
def processes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Run three tests in each of six files by two processes; return for each that ran its file and its process."""
    notes = pytester.path / "notes"
    monkeypatch.setenv("NOTES", str(notes))
    monkeypatch.setenv("ABOVE", str(pytester.path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\n")
    for file in (*(f"{WHOLE[0]}/test_{name}.py" for name in "abc"), *(f"tests/test_{name}.py" for name in "def")):
        path = pytester.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(NOTES_ITS_PROCESS)
    options = "-p xdist -p tests.parts -p no:cacheprovider --import-mode=importlib -n 2"
    result = pytester.runpytest_subprocess(*options.split())
    result.assert_outcomes(passed=18)
    return [(file, int(process)) for file, process in (line.split() for line in notes.read_text().splitlines())]


def test_every_test_runs_once_and_what_belongs_together_in_one_process(processes: list[tuple[str, int]]) -> None:
    assert len(processes) == 18
    parts: dict[str, set[int]] = {}
    for file, process in processes:
        parts.setdefault(WHOLE[0] if file.startswith(f"{WHOLE[0]}/") else file, set()).add(process)
    assert len(parts) == 4
    assert all(len(each) == 1 for each in parts.values())
    assert len(set.union(*parts.values())) == 2


def test_each_test_has_an_id_of_its_own(request: pytest.FixtureRequest) -> None:
    """Processes are told ids: of two tests with one id only the first would run."""
    counted = Counter(item.nodeid for item in request.session.items)
    assert [nodeid for nodeid, count in counted.items() if count > 1] == []


def test_what_stays_whole_exists() -> None:
    assert all(list((ROOT / folder).glob("test_*.py")) for folder in WHOLE)
