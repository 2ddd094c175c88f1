"""Where voices go to be recognised, in words that participants may see: never a path, a port or a key. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from ..settings import Settings
from .providers import ELSEWHERE


def voices_go_to(provider: str, settings: Settings) -> str | None:
    """Return how the service is called that `provider` sends voices to; None if they stay on this machine.

    Behind an address of this machine there may be a way to another: SPEECH_SERVICE_NAME says so, and counts.
    """
    if provider not in ELSEWHERE:
        return None
    if settings.speech_service_name:
        return settings.speech_service_name
    try:
        host = urlsplit(settings.speech_base_url).hostname or ""
    except ValueError:
        host = ""
    return None if not host or _is_here(host) else host


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
