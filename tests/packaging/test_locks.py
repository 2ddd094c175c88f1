"""The lock files: exact, hashed, without addresses, and in step with pyproject.toml."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging import locks
from tests.packaging.locks import ROOT, Pin

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
KINDS = ("base", "dev")


@pytest.fixture(scope="module")
def pins() -> dict[str, list[Pin]]:
    return {kind: locks.read(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_is_exact_and_has_sha256_hashes(pins, kind):
    assert len(pins[kind]) > 50
    for pin in pins[kind]:
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", value) for value in pin.hashes), pin.name


@pytest.mark.parametrize("kind", KINDS)
def test_no_lock_holds_an_address(kind):
    text = (ROOT / "requirements" / f"{kind}.lock").read_text()
    assert not re.search(r"://|--(extra-)?index|--find-links|^-", text, re.MULTILINE)


def test_the_server_is_tested_with_the_versions_it_runs_on(pins):
    assert set(pins["base"]) <= set(pins["dev"])


@pytest.mark.parametrize(
    ("kind", "asked_for"),
    [("base", PROJECT["dependencies"]), ("dev", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"])],
)
def test_the_lock_answers_pyproject(pins, kind, asked_for):
    # When this fails: scripts/lock
    for text in asked_for:
        requirement = Requirement(text)
        found = [pin for pin in pins[kind] if pin.name == canonicalize_name(requirement.name)]
        assert found, text
        assert all(requirement.specifier.contains(pin.version, prereleases=True) for pin in found), text
