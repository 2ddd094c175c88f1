"""The address of the page, as people open it."""

from __future__ import annotations

from urllib.parse import urlsplit

from ...settings import Settings
from .finding import Finding, fail, ok, warn

_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


async def check(settings: Settings) -> Finding:
    """Tell whether browsers will give camera and microphone to that address."""
    from ...web.links import page_url

    url = page_url(settings)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return fail(f"PUBLIC_URL is {url!r}: set it like https://call.example.org.")
    if parts.hostname in _THIS_MACHINE:
        return ok(f"Join links begin with {url}, for browsers on this machine.")
    if parts.scheme == "http":
        return warn(
            f"Join links begin with {url}: browsers give camera and microphone to https alone; "
            "see docs/operations.md for a reverse proxy, or set TLS_CERTIFICATE and TLS_KEY."
        )
    return ok(f"Join links begin with {url}.")
