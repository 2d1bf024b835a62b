"""The sandbox's web page: the files of the folder ``page``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from smscore.sandbox.api.errors import RestError

__all__ = ["index", "static"]

FOLDER: Final = Path(__file__).parent / "page"
# The page shows texts of unknown origin, so only its own files may run.
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def index(_: web.Request) -> web.StreamResponse:
    """The page."""
    return _file("index.html")


async def static(request: web.Request) -> web.StreamResponse:
    """A file of the page."""
    return _file(request.match_info["name"])


def _file(name: str) -> web.StreamResponse:
    if name not in {path.name for path in FOLDER.iterdir() if path.is_file()}:
        raise RestError(404, "The page has no such file; the page itself is at /.")
    return web.FileResponse(FOLDER / name, headers=HEADERS)
