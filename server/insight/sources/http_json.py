"""A source that is an HTTP endpoint: one GET, answered with JSON."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from string import Formatter
from typing import Any
from urllib.parse import quote

import aiohttp
from pydantic import SecretStr
from yarl import URL

from ..background import Subject
from .parameters import parameters
from .port import SourceFailed


@dataclass(frozen=True, slots=True)
class HttpJson:
    """Gets `url`, whose placeholders stand in its path or query and are filled in percent-encoded."""

    name: str
    url: str
    headers: dict[str, SecretStr]
    timeout_s: float
    max_bytes: int

    async def fetch(self, subject: Subject) -> Any:
        """Return the JSON that the endpoint answers with.

        Raises:
            SourceFailed: If it does not answer with JSON of at most `max_bytes` in time. Redirects are not followed:
                they would carry the key, and who is asked about, to a host that nobody allowed.
        """
        values = {name: quote(value, safe="") for name, value in parameters(subject, placeholders(self.url)).items()}
        headers = {name: value.get_secret_value() for name, value in self.headers.items()}
        failure = "It cannot be reached."
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._get(URL(self.url.format(**values), encoded=True), headers)
        except TimeoutError:
            failure = f"It did not answer within {self.timeout_s:g} s."
        except (ValueError, RecursionError):
            failure = "It did not answer with JSON."
        except (aiohttp.ClientError, OSError):
            pass
        # Outside the handlers: a chained error may name the address and what was asked.
        raise SourceFailed(failure)

    async def _get(self, url: URL, headers: dict[str, str]) -> Any:
        # DummyCookieJar: what one consultation is given must not travel with the next.
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session,
            session.get(url, headers={"Accept": "application/json"} | headers, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise SourceFailed(f"It answered with status {answer.status}.")
            return json.loads(await self._bounded(answer))

    async def _bounded(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > self.max_bytes:
                raise SourceFailed(f"It answered with more than {self.max_bytes} bytes.")
        return bytes(body)


def placeholders(template: str) -> list[str]:
    """Return the names in braces.

    Raises:
        ValueError: If the braces don't match, or hold more than a name.
    """
    names = []
    for _, name, form, conversion in Formatter().parse(template):
        if name is not None:
            if form or conversion or not name.isidentifier():
                raise ValueError(f"{{{name}}} is not a plain name in braces")
            names.append(name)
    return names
