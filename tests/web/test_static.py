"""The page's files, and only those, under a strict policy."""

from __future__ import annotations

import pytest

from server.web.static import CONTENT_TYPES, DEFAULT_STATIC_DIR, page_policy

from .conftest import House


@pytest.mark.parametrize("path", ["/", "/join"])
async def test_the_page_is_served_under_a_strict_policy(house: House, path: str) -> None:
    answer = await house.call("GET", path, None)
    assert (answer.status, answer.content_type) == (200, "text/html")
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    host = f"127.0.0.1:{house.client.port}"
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob: data:",
        "media-src": "'self' blob: mediastream:",
        "connect-src": f"'self' ws://{host} wss://{host}",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert "camera=(self)" in answer.headers["Permissions-Policy"]
    assert "display-capture=(self)" in answer.headers["Permissions-Policy"]


@pytest.mark.parametrize("host", ["a b", "x; script-src *", "x,y", "", "x'", "[::1", "x:y", "x\u00e9"])
def test_a_strange_host_header_does_not_widen_the_policy(host: str) -> None:
    assert "connect-src 'self';" in page_policy(host)


@pytest.mark.parametrize("host", ["escuta.example", "localhost:8080", "[::1]:8080", "10.0.0.1"])
def test_the_socket_of_the_own_host_is_allowed_by_name(host: str) -> None:
    assert f"connect-src 'self' ws://{host} wss://{host};" in page_policy(host)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [("js/app.js", "text/javascript"), ("js/worker.mjs", "text/javascript"), ("style.css", "text/css")],
)
async def test_files_have_the_type_that_browsers_insist_on(house: House, path: str, content_type: str) -> None:
    answer = await house.call("GET", f"/static/{path}", None)
    assert (answer.status, answer.content_type) == (200, content_type)


async def test_an_unchanged_file_is_asked_for_but_not_sent_again(house: House) -> None:
    first = await house.call("GET", "/static/js/app.js", None)
    assert first.headers["Cache-Control"] == "no-cache"
    again = await house.call("GET", "/static/js/app.js", None, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "page.py",
        ".hidden.js",
        "js",
        "js/",
        "../outside.js",
        "..%2foutside.js",
        "%2e%2e/outside.js",
        "js/..%2f..%2foutside.js",
        "..%5coutside.js",
        "link.js",
        "nothing.js",
        "js%2f%2fapp.js",
        "%00.js",
        "a" * 300 + ".js",
        "%2fetc%2fpasswd",
    ],
)
async def test_nothing_but_the_pages_files_is_served(house: House, path: str) -> None:
    answer = await house.call("GET", f"/static/{path}", None)
    assert answer.status == 404
    assert b"secret" not in await answer.read()


def test_every_file_of_the_page_has_a_known_type() -> None:
    files = [path for path in DEFAULT_STATIC_DIR.rglob("*") if path.is_file() and not path.name.endswith(".d.ts")]
    assert [path.name for path in files if path.suffix not in CONTENT_TYPES] == []
