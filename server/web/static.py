"""The page: static files with a strict Content-Security-Policy."""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path

from aiohttp import web

from ..model.errors import NotFound
from .keys import STATIC_DIR

DEFAULT_STATIC_DIR = Path(__file__).resolve().parents[2] / "static"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json; charset=utf-8",
    ".woff2": "font/woff2",
}
PERMISSIONS_POLICY = ", ".join(
    (
        "camera=(self)",
        "microphone=(self)",
        "display-capture=(self)",
        "autoplay=(self)",
        "fullscreen=(self)",
        "screen-wake-lock=(self)",
        "speaker-selection=(self)",
        "geolocation=()",
        "payment=()",
        "usb=()",
    )
)
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


async def serve_page(request: web.Request) -> web.StreamResponse:
    """Serve the one HTML page."""
    return await _serve(request, "index.html")


async def serve_asset(request: web.Request) -> web.StreamResponse:
    """Serve one file of the page."""
    return await _serve(request, request.match_info["path"])


async def _serve(request: web.Request, name: str) -> web.StreamResponse:
    root = request.app[STATIC_DIR]
    path = await asyncio.to_thread(_find, root, name)
    if path is None:
        raise NotFound("There is no such file.")
    return web.FileResponse(
        path,
        headers={
            "Content-Type": CONTENT_TYPES[path.suffix],
            "Cache-Control": "no-cache",  # ask each time; the ETag makes the answer short
            "Content-Security-Policy": page_policy(request.host),
            "Permissions-Policy": PERMISSIONS_POLICY,
        },
    )


def _find(root: Path, name: str) -> Path | None:
    parts = name.split("/")
    if any(part.startswith(".") or not part or "\0" in part or "\\" in part for part in parts):
        return None
    path = root.joinpath(*parts)
    if path.suffix not in CONTENT_TYPES:
        return None
    try:
        path.resolve(strict=True).relative_to(root.resolve())
        return path if stat.S_ISREG(path.stat().st_mode) else None
    except (OSError, ValueError):
        return None


def page_policy(host: str) -> str:
    """Return the page's Content-Security-Policy; `host` is the name it was reached by."""
    # Some browsers do not count the own host's ws: and wss: as 'self'.
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob: mediastream:",
            f"connect-src 'self'{sockets}",
            "font-src 'self'",
            "manifest-src 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
