from datetime import UTC, datetime

import pytest

from server.model.retry import backoff_s, may_ask_again, retry_after_s

NOW = datetime(2025, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("Wed, 01 Jan 2025 12:00:30 GMT", 30.0),
        ("Wed, 01 Jan 2025 11:00:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("Wed, 01 Jan 99999 12:00:00 GMT", None),
        ("Wed, 01 Jan 2025 12:00:30 -999999999999999999", None),
        ("nan", None),
        ("inf", None),
        ("999999999", None),
    ],
)
def test_the_wait_a_server_asks_for(value: str, wait_s: float | None) -> None:
    assert retry_after_s({"retry-after": value}, NOW) == wait_s


def test_waits_grow() -> None:
    assert backoff_s(0) < 0.7 < backoff_s(1) < 1.3 < backoff_s(2)


def test_only_passing_faults_are_asked_again() -> None:
    assert [code for code in (400, 401, 404, 408, 422, 429, 500, 503) if may_ask_again(code)] == [408, 429, 500, 503]
