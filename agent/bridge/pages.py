"""The files of the agent's own page, and the headers that protect it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

WEB_FOLDER = Path(__file__).parents[1] / "web"

# Our own table: the one of the operating system can be changed by other programs.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
_SHORT = {"": "index.html", "debug": "debug.html"}
"""Pages that have a name of their own."""
_CLIENT = ("mooring.js", "client/", "types.js")
"""The client that other pages load."""


class Page(NamedTuple):
    """One file, ready to be sent."""

    body: bytes
    content_type: str
    etag: str
    shared: bool
    """Part of the client that allowed pages may load into themselves."""


class Pages:
    """The files under one folder. Which exist is read once; what is in them at each request."""

    def __init__(self, folder: Path = WEB_FOLDER) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): path
            for path in folder.rglob("*")
            if path.suffix in _TYPES and path.is_file()
        }

    def find(self, path: str) -> Page | None:
        """The file for a request path such as ``/`` or ``/style/page.css``; None: no such file."""
        name = path.removeprefix("/")
        name = _SHORT.get(name, name)
        file = self._files.get(name)
        if file is None:
            return None
        try:
            body = file.read_bytes()
        except OSError:
            return None
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        return Page(body, _TYPES[file.suffix], etag, name.startswith(_CLIENT))


def security_headers(host: str) -> dict[str, str]:
    """Headers of every answer. ``host`` is the checked ``Host``, for the page's WebSocket.

    Everything comes from this server, nothing is inline, nobody frames the page. ``cross-origin``
    for resources: nothing here is secret, and a foreign page may find out that an agent runs.
    """
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"font-src 'self'; manifest-src 'self'; connect-src 'self' ws://{host}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "cross-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cache-control": "no-cache",
    }


def not_modified(headers: Mapping[str, str], etag: str) -> bool:
    """Whether the browser has this version already (``If-None-Match``)."""
    given = headers.get("if-none-match", "")
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in given.split(","))
