"""The scripts: thin, runnable, and each does what its neighbours rely on."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ("setup", "serve", "test", "check", "lock")


@pytest.mark.parametrize("name", [f"scripts/{name}" for name in SCRIPTS] + [".ci/run", "coturn/start"])
def test_a_script_can_be_run_and_parsed(name):
    path = ROOT / name
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", path], check=True)


def test_ci_runs_scripts_test_and_nothing_else():
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert commands == ['exec "$(dirname "${BASH_SOURCE[0]}")/../scripts/test"']


@pytest.mark.parametrize(("name", "call"), [("serve", "scripts/setup"), ("test", "scripts/setup --dev")])
def test_each_command_makes_its_environment_itself(name, call):
    assert call in (ROOT / "scripts" / name).read_text().splitlines()


def test_pytest_is_the_last_thing_scripts_test_does():
    assert (ROOT / "scripts" / "test").read_text().splitlines()[-1] == 'exec .venv/bin/python -m pytest -n 2 "$@"'


def test_setup_refuses_an_option_it_does_not_know():
    refused = subprocess.run([ROOT / "scripts" / "setup", "--prod"], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "--prod" in refused.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without an environment, in a folder whose name has a space."""
    root = tmp_path / "a checkout"
    for name in ("scripts/setup", "scripts/lib.sh", "server/__init__.py", "requirements/base.lock"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes((ROOT / name).read_bytes())
    (root / "scripts/setup").chmod(0o755)
    return root


def set_up(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "scripts" / "setup"],
        env={"PATH": os.environ["PATH"], "HOME": str(checkout), **environment},
        capture_output=True,
        text=True,
    )


def test_without_a_new_enough_python_setup_says_what_to_install(checkout, tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    refused = set_up(checkout, PYTHON=str(old))
    assert refused.returncode == 1
    assert "Python 3.11 or newer" in refused.stderr
    assert "apt-get install python3" in refused.stderr
    assert not (checkout / ".venv").exists()


@pytest.fixture
def quick_python(tmp_path: Path) -> str:
    """A Python that makes environments by copying one: made anew, each takes seconds."""
    made = tmp_path / "made"
    subprocess.run([sys.executable, "-m", "venv", made], check=True)
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\n[ "$2" = venv ] && exec cp -a "{made}" "$3"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return str(python)


def test_setup_makes_a_working_environment_again_after_a_move_or_an_interruption(checkout, quick_python, tmp_path):
    # An empty lock: what is shown here is the environment, not the packages.
    (checkout / "requirements/base.lock").write_text("")
    assert set_up(checkout, PYTHON=quick_python).returncode == 0
    assert (checkout / ".venv/bin/escuta").exists()
    assert set_up(checkout, PYTHON=quick_python).stderr == ""

    moved = checkout.rename(tmp_path / "elsewhere")
    assert "Making the environment" in set_up(moved, PYTHON=quick_python).stderr

    (moved / ".venv/unfinished").touch()
    (moved / ".venv/stamp-base").unlink()
    assert "Making the environment" in set_up(moved, PYTHON=quick_python).stderr
    assert set_up(moved, PYTHON=quick_python).stderr == ""


def test_setup_installs_nothing_that_is_not_hash_locked_or_must_be_built():
    text = (ROOT / "scripts" / "setup").read_text()
    installs = re.findall(r"pip install[^\n]*", text)
    assert installs
    assert all("--require-hashes" in line and "--only-binary :all:" in line for line in installs)
