"""Requests passed on to workers, and their answers passed back as they come."""

from __future__ import annotations

import re

import aiohttp
from aiohttp import web
from yarl import URL

from ..model.errors import InvalidRequest, Unavailable
from ..web.exchange import read_bounded
from .carried import end_to_end, onward
from .workers import WorkerProcess, Workers

ORIGIN = "http://worker"
CHUNK_BYTES = 64 * 1024
_ONE = re.compile(r"/api/consultations/([^/]+)")


def asked_about(request: web.Request, workers: Workers) -> WorkerProcess:
    """Return the worker that answers `request`.

    Raises:
        Unavailable: If the workers have not been started.
    """
    one = _ONE.match(request.path)
    return workers.any(f"{request.remote} {request.path}") if one is None else workers.owner(one[1])


async def pass_on(request: web.Request, worker: WorkerProcess) -> web.StreamResponse:
    """Have `worker` answer `request`.

    Raises:
        Unavailable: If it is away, or goes away before it answers.
        InvalidRequest: If the request cannot be passed on.
        HTTPRequestEntityTooLarge: If the body exceeds what any route takes.
        HTTPRequestTimeout: If the body does not arrive in time.
        ConnectionResetError: If worker or caller goes away in the middle of the answer.
    """
    headers, url = onward(request), address(request)
    body = await read_bounded(request) if request.body_exists else None
    session = await worker.session()
    try:
        async with session.request(request.method, url, headers=headers, data=body, allow_redirects=False) as answer:
            return await _pass_back(request, answer)
    except (aiohttp.ClientConnectionError, aiohttp.ServerTimeoutError) as error:
        raise Unavailable("This part of the server went away; try again in a moment.") from error


def address(request: web.Request) -> URL:
    """Return what `request` is called at a worker: path and query as they were sent.

    Raises:
        InvalidRequest: If they are not in UTF-8.
    """
    path = request.rel_url.raw_path_qs
    try:
        path.encode()
    except UnicodeEncodeError:
        raise InvalidRequest("The address is not in UTF-8.") from None
    return URL(ORIGIN + path if path.startswith("/") else ORIGIN, encoded=True)


async def _pass_back(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    response.headers.extend(end_to_end(answer.headers.items(), answer.headers.getall("Connection", [])))
    try:
        await response.prepare(request)
        if request.method != "HEAD":
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                await response.write(chunk)
        await response.write_eof()
    except aiohttp.ClientError as error:
        # Nothing can be said any more: a second answer would be taken for the rest of this one.
        raise ConnectionResetError("an answer broke off") from error
    return response
