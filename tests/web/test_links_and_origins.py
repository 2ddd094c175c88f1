"""Links that keep tokens out of logs; pages that may open the socket; the secret behind both."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from server.model.errors import InvalidSettings
from server.settings import Settings
from server.web.credentials import load_api_secret, token_authority
from server.web.links import join_link, page_url
from server.web.origins import origin_allowed


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "http://localhost:8080"),
        ({"host": "0.0.0.0", "port": 9000}, "http://localhost:9000"),
        ({"host": "10.0.0.5"}, "http://10.0.0.5:8080"),
        ({"host": "fd00::5"}, "http://[fd00::5]:8080"),
        ({"tls_certificate": "c.pem", "tls_key": "k.pem"}, "https://localhost:8080"),
        ({"public_url": "https://escuta.example/"}, "https://escuta.example"),
        ({"public_url": "https://example.org/escuta/"}, "https://example.org/escuta"),
    ],
)
def test_the_page_has_one_address(values: dict[str, Any], url: str) -> None:
    assert page_url(settings(**values)) == url
    assert join_link(settings(**values), "a.b.c") == f"{url}/join#a.b.c"


def test_a_port_the_system_chose_stands_in_the_link() -> None:
    assert page_url(settings(port=0), 40123) == "http://localhost:40123"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://escuta.local:8080", True),
        ("http://ESCUTA.local:8080", True),
        ("https://escuta.local:8080", False),
        ("http://escuta.local", False),
        ("http://escuta.local:8080.evil.example", False),
        ("http://evil.example", False),
        ("https://escuta.example", True),
        ("https://escuta.example:443", True),
        ("http://escuta.example", False),
        ("https://a.example", True),
        ("https://b.example:8443", True),
        ("https://b.example", False),
        ("null", False),
        ("", False),
        ("file://", False),
        ("https://", False),
        ("https://x:99999", False),
        ("https://[", False),
        ("*", False),
    ],
)
def test_only_known_pages_may_open_the_socket(origin: str | None, allowed: bool) -> None:
    headers = CIMultiDict({"Host": "escuta.local:8080"})
    if origin is not None:
        headers["Origin"] = origin
    known = settings(public_url="https://escuta.example", allowed_origins="https://a.example, https://b.example:8443")
    assert origin_allowed(make_mocked_request("GET", "/ws", headers), known) is allowed


def test_two_origins_at_once_are_no_origin() -> None:
    headers = CIMultiDict([("Host", "a"), ("Origin", "http://a"), ("Origin", "http://evil.example")])
    assert not origin_allowed(make_mocked_request("GET", "/ws", headers), settings())


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    here = settings(data_dir=tmp_path / "data")
    secret = load_api_secret(here)
    assert len(secret) == 64
    assert load_api_secret(here) == secret
    assert (tmp_path / "data" / "api_secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["api_secret"]
    token = token_authority(here).issue(identity="x", name="X", role="service")
    assert token_authority(here).verify(token).role == "service"


def test_the_owners_secret_comes_first(tmp_path: Path) -> None:
    own = "the owner's own secret, long enough to sign with"
    assert load_api_secret(settings(data_dir=tmp_path / "data", api_secret=own)) == own
    assert not (tmp_path / "data").exists()


def test_processes_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    found: list[str] = []
    here = settings(data_dir=tmp_path / "data")
    threads = [threading.Thread(target=lambda: found.append(load_api_secret(here))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_spoilt_secret_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "api_secret").write_text("short")
    with pytest.raises(InvalidSettings, match="delete the file"):
        load_api_secret(settings(data_dir=tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidSettings, match="Set API_SECRET"):
        load_api_secret(settings(data_dir=tmp_path / "file"))
