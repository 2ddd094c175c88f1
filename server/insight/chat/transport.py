"""What goes below the openai package: connections that send no more than they must and read no more than they may."""

from __future__ import annotations

import codecs
import ssl
from collections.abc import AsyncIterator
from functools import cache
from typing import cast

import httpx2

from .failure import Failed

_MOST_BYTES = 16_000_000
"""Of one response, framing included; longer is not read."""
_MOST_AT_ONCE = 4_000_000
"""Of one line, or of an answer that is not streamed."""
_MOST_LINES = 500_000
"""Of one response; each costs the package some microseconds, however little stands in it."""
_MOST_OF_A_REFUSAL = 65_536
_KEPT_S = 15.0
"""Time that a connection waits for the next request."""
_NOT_EVENTS = ("{", "[", "<")
_SENT = frozenset({"host", "accept", "authorization", "connection", "content-type", "content-length", "user-agent"})
"""Headers; the package adds others, also such as stand in the environment."""
_BODY = "escuta.body"


class Body(httpx2.AsyncByteStream):
    """The bytes of one response as they come, bounded, and made UTF-8 where they are not.

    What is no stream of events is kept, for the package passes over it.
    """

    def __init__(self, stream: httpx2.AsyncByteStream, *, refusal: bool = False) -> None:
        self._stream = stream
        self._refusal = refusal
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._read = 0
        self._at_once = 0
        self._lines = 0
        self._last = ""
        self._is_whole: bool | None = None
        self._kept: list[str] = []

    @property
    def done(self) -> bool:
        """Whether the server said that nothing more comes."""
        return "[DONE]" in self._last

    @property
    def whole(self) -> str | None:
        """What came, if it was one plain object instead of a stream."""
        return "".join(self._kept) if self._is_whole else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the bytes.

        Raises:
            Failed: If there are more than are read. Of a refusal, the rest is left.
        """
        async for data in self._stream:
            self._read += len(data)
            if self._refusal and self._read > _MOST_OF_A_REFUSAL:
                return
            yield self._take(self._decoder.decode(data))
        yield self._take(self._decoder.decode(b"", final=True))

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._stream.aclose()

    def _take(self, text: str) -> bytes:
        if self._is_whole is None and (begin := text.lstrip()):
            self._is_whole = begin.startswith(_NOT_EVENTS)
        if self._is_whole:
            self._kept.append(text)
        data = text.encode()
        newline = -1 if self._is_whole else data.rfind(b"\n")
        self._at_once = len(data) - newline - 1 + (self._at_once if newline < 0 else 0)
        self._lines += data.count(b"\n") + data.count(b"\r")
        if self._read > _MOST_BYTES or self._at_once > _MOST_AT_ONCE or self._lines > _MOST_LINES:
            raise Failed("answered with more than is read")
        self._last = (self._last + text)[-16:]
        return data


class Transport(httpx2.AsyncHTTPTransport):
    """Connections that carry no header of the environment's and go through none of its proxies.

    Where one that was kept open is dead, the request goes out once more.
    """

    def __init__(self, *, authorized: bool) -> None:
        super().__init__(verify=_trusted(), trust_env=False, limits=httpx2.Limits(keepalive_expiry=_KEPT_S))
        self._sent = _SENT if authorized else _SENT - {"authorization"}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; its response is bounded.

        Raises:
            Failed: If it is compressed.
        """
        sent = self._without_additions(request)
        try:
            response = await super().handle_async_request(sent)
        except (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError):
            # llama.cpp closes the connection behind each stream without saying so: the next request finds it dead.
            response = await super().handle_async_request(sent)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise Failed("compresses its answers though it is asked not to: have what stands before it leave them")
        body = Body(cast(httpx2.AsyncByteStream, response.stream), refusal=not response.is_success)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=body,
            extensions=response.extensions | {_BODY: body},
        )

    def _without_additions(self, request: httpx2.Request) -> httpx2.Request:
        headers = [(name, value) for name, value in request.headers.items() if name in self._sent]
        # Compression would hold words back and hide how much there is to read.
        headers.append(("accept-encoding", "identity"))
        return httpx2.Request(
            request.method, request.url, headers=headers, stream=request.stream, extensions=request.extensions
        )


def body_of(response: httpx2.Response) -> Body:
    """Return what was read of a response."""
    body: Body = response.extensions[_BODY]
    return body


@cache
def _trusted() -> ssl.SSLContext:
    # What this machine trusts, or SSL_CERT_FILE; reading it takes a while, so once for all.
    return ssl.create_default_context()
