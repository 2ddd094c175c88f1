"""The certificate, where Escuta serves https itself."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

from ...settings import Settings
from .finding import Finding, fail, ok, warn

SOON = timedelta(days=14)


async def check(settings: Settings) -> Finding:
    """Tell whether certificate and key fit together, and for how long they are good."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return ok("No certificate is set: the page is served as http.")
    return await asyncio.to_thread(_check_files, settings)


def _check_files(settings: Settings) -> Finding:
    from cryptography import x509

    certificate, key = settings.tls_certificate, settings.tls_key
    assert certificate is not None and key is not None  # noqa: PT018, S101 - the caller looked
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
        expires_at = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        return fail(f"{certificate} and {key} cannot be used together ({reason}): check TLS_CERTIFICATE and TLS_KEY.")
    left = expires_at - datetime.now(UTC)
    if left < timedelta(0):
        return fail(f"{certificate} expired on {expires_at:%Y-%m-%d}: renew it.")
    if left < SOON:
        return warn(f"{certificate} expires on {expires_at:%Y-%m-%d}: renew it.")
    if key.stat().st_mode & 0o004:
        return warn(f"{key} can be read by everybody: chmod 600 {key}.")
    return ok(f"{certificate} is valid until {expires_at:%Y-%m-%d}.")
