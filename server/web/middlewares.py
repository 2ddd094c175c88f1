"""Around every request: errors become problem bodies, headers close the browser's doors, everything is counted."""

from __future__ import annotations

import time
import traceback

import structlog
from aiohttp import web

from ..model.errors import EscutaError, TooFrequent, Unauthorized
from .exchange import json_response
from .keys import METRICS, SETTINGS, Handler
from .links import page_url
from .resources import Problem, ProblemDetail

log = structlog.get_logger()

_STARTED = web.RequestKey("STARTED", bool)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HTTP_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "too_large",
    415: "unsupported_media_type",
}
_HTTP_MESSAGES = {
    404: "There is nothing at this address.",
    405: "This address does not answer to that method.",
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def problem(status: int, code: str, message: str) -> web.Response:
    """Return an error as `{"error": {"code", "message"}}`."""
    return json_response(Problem(error=ProblemDetail(code=code, message=message)), status)


@web.middleware
async def contain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into a problem body; what nobody foresaw is counted and told to nobody."""
    try:
        return await handler(request)
    except EscutaError as error:
        if error.http_status >= 500:
            log.warning("http.failed", code=error.code, route=_route(request))
        return _refusal(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _http_problem(error)
    except ConnectionResetError:
        raise  # the caller is gone: nobody to tell
    except Exception as error:
        if isinstance(error, ConnectionError) and request.get(_STARTED):
            raise ConnectionResetError("the caller is gone") from error  # players do so at every jump
        request.app[METRICS].counter(
            "escuta_http_unexpected_errors_total", "Requests that failed in a way nobody foresaw."
        ).inc(error=type(error).__name__)
        # The error's own text may quote the request.
        frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-4:]]
        log.error("http.unexpected_error", error=type(error).__name__, route=_route(request), at=frames)
        if request.get(_STARTED):
            raise
        return problem(500, EscutaError.code, "Something went wrong in the server; its log says more.")


def _refusal(error: EscutaError) -> web.Response:
    response = problem(error.http_status, error.code, str(error))
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooFrequent) or error.http_status == 503:
        response.headers["Retry-After"] = "2"
    return response


def _http_problem(error: web.HTTPException) -> web.Response:
    code = _HTTP_CODES.get(error.status, "invalid_request")
    message = _HTTP_MESSAGES.get(error.status) or error.text or error.reason
    response = problem(error.status, code, message)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


@web.middleware
async def count_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count requests by route and status, and time those that are no sockets."""
    started_s = time.perf_counter()
    response = await handler(request)
    metrics = request.app[METRICS]
    metrics.counter("escuta_http_requests_total", "Requests by route and status.").inc(
        method=request.method if request.method in _METHODS else "other",
        route=_route(request),
        status=str(response.status),
    )
    if response.status != 101:
        metrics.histogram("escuta_http_request_seconds", "Time from request to response.").observe(
            time.perf_counter() - started_s
        )
    return response


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set the security headers of every response, just before it is sent."""
    request[_STARTED] = True
    headers = response.headers
    headers.setdefault("Content-Security-Policy", API_POLICY)
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["X-Frame-Options"] = "DENY"
    headers["Server"] = "escuta"
    if page_url(request.app[SETTINGS]).startswith("https:"):
        headers["Strict-Transport-Security"] = "max-age=31536000"


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
