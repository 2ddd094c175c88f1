"""How tests are dealt out to processes that run beside each other."""

import shutil
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from tests import parts
from tests.parts import WHOLE

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[1]
ALONE = "tests/test_f.py"
NOTES_ITSELF = """
import os, pathlib, pytest, time

FILE = pathlib.Path(__file__).relative_to(os.environ["ABOVE"]).as_posix()

@pytest.mark.parametrize("number", range(3))
def test_it(number):
    began_s = time.monotonic()
    if number == 0 and FILE in os.environ["MEET"].split():
        met = pathlib.Path(os.environ["NOTES"] + "-met")
        met.mkdir(exist_ok=True)
        (met / pathlib.Path(FILE).name).touch()
        while len(list(met.iterdir())) < 2:
            time.sleep(0.01)
    time.sleep(0.1)
    with pathlib.Path(os.environ["NOTES"]).open("a") as notes:
        print(FILE, os.getpid(), began_s, time.monotonic(), file=notes)
"""


@dataclass(frozen=True)
class Ran:
    """One test: of which file, in which process, from when until when."""

    file: str
    process: int
    began_s: float
    ended_s: float

    def beside(self, other: "Ran") -> bool:
        return self.began_s < other.ended_s and other.began_s < self.ended_s


@pytest.fixture
def ran(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> list[Ran]:
    """Run three tests in each of six files by two processes; those of the last are marked `alone`.

    Those of two files wait for each other, which ends only where they run at the same time.
    """
    notes = pytester.path / "notes"
    monkeypatch.setenv("NOTES", str(notes))
    monkeypatch.setenv("MEET", f"{WHOLE[0]}/test_a.py tests/test_d.py")
    monkeypatch.setenv("ABOVE", str(pytester.path))
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\nmarkers = alone\n")
    # A copy has locks of its own: those of this run may be held by a test that waits for this one to end.
    shutil.copy(parts.__file__, pytester.path / "copied_parts.py")
    for file in (*(f"{WHOLE[0]}/test_{name}.py" for name in "abc"), "tests/test_d.py", "tests/test_e.py", ALONE):
        path = pytester.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(NOTES_ITSELF + ("pytestmark = pytest.mark.alone\n" if file == ALONE else ""))
    options = "-p xdist -p copied_parts -p no:cacheprovider --import-mode=importlib -n 2"
    pytester.runpytest_subprocess(*options.split()).assert_outcomes(passed=18)
    lines = [line.split() for line in notes.read_text().splitlines()]
    return [Ran(file, int(process), float(began), float(ended)) for file, process, began, ended in lines]


def test_every_test_runs_once_what_belongs_together_in_one_process_and_who_must_be_alone_is(ran: list[Ran]) -> None:
    assert len(ran) == 18
    processes: dict[str, set[int]] = {}
    for one in ran:
        processes.setdefault(WHOLE[0] if one.file.startswith(f"{WHOLE[0]}/") else one.file, set()).add(one.process)
    assert len(processes) == 4
    assert all(len(each) == 1 for each in processes.values())
    assert len(set.union(*processes.values())) == 2
    beside = [{one.file, other.file} for one, other in combinations(ran, 2) if one.beside(other)]
    assert {f"{WHOLE[0]}/test_a.py", "tests/test_d.py"} in beside
    assert not any(ALONE in files for files in beside)


def test_each_test_has_an_id_of_its_own(request: pytest.FixtureRequest) -> None:
    """Processes are told ids: of two tests with one id only the first would run."""
    counted = Counter(item.nodeid for item in request.session.items)
    assert [nodeid for nodeid, count in counted.items() if count > 1] == []


def test_what_stays_whole_exists() -> None:
    assert all(list((ROOT / folder).glob("test_*.py")) for folder in WHOLE)
