"""Addresses handed to people."""

from __future__ import annotations

from ..settings import Settings

JOIN_PATH = "/join"


def page_url(settings: Settings, port: int | None = None) -> str:
    """Return the address of the page without a final slash: PUBLIC_URL, or where this server listens.

    `port` replaces PORT when that is 0 and the system chose one.
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme = "https" if settings.tls_certificate else "http"
    # Browsers give camera and microphone to https and to localhost alone.
    host = "localhost" if settings.host in {"0.0.0.0", "::", "", "127.0.0.1", "::1"} else settings.host  # noqa: S104
    if ":" in host:
        host = f"[{host}]"
    return f"{scheme}://{host}:{settings.port if port is None else port}"


def join_link(settings: Settings, token: str, port: int | None = None) -> str:
    """Return the link that opens the page with `token`.

    The token stands in the fragment, which browsers keep to themselves: no log ever sees it.
    """
    return f"{page_url(settings, port)}{JOIN_PATH}#{token}"
