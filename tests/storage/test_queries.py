"""Named SQL: each statement has one name and is used."""

import re
from pathlib import Path

import pytest

import server.storage
from server.storage.effects import effects
from server.storage.queries import parse, queries

from .facts import CID, OPENED_AT, one_of_each

FOLDER = Path(server.storage.__file__).parent


def test_statements_are_found_by_name_without_their_comments() -> None:
    text = "-- about\n-- name: one\nSELECT 1;\n\n-- remark\n-- name: two\n-- why\nSELECT\n  2;\n"
    assert parse(text) == {"one": b"SELECT 1;", "two": b"SELECT\n  2;"}


def test_a_name_taken_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        parse("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")


def test_every_statement_is_used_and_every_used_one_exists() -> None:
    source = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    unused = {name for name in queries() if not re.search(rf'"{name}"', source)}
    assert unused == set()
    named = {name for event in [None, *one_of_each()] for name, _ in effects(CID, OPENED_AT, event)}
    assert named <= set(queries())


def test_no_statement_is_put_together_from_text() -> None:
    source = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    assert not re.search(r"execute\(\s*f?[\"']", source)
