"""The web pages that may use the agent: the list, its file, and what a correct entry is."""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from agent.errors import InputError
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORIGINS_MAX = 100
"""Nobody trusts more pages than this; a list that grows further is a mistake of some script."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(
    r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
)
_BROKEN = ".broken"

_logger = logging.getLogger(__name__)


class AllowedOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """A web page that may use the agent."""

    url: str
    """Scheme, host and, unless it is the usual one, port: ``https://app.example.com``."""
    since: float
    """When it was allowed (Unix seconds)."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    origins: list[AllowedOrigin]


class Origins:
    """The list of allowed origins. Changes are on disk before they count."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        """Read ``file``; one that cannot be read allows nobody and is kept beside it."""
        self._file = file
        self._clock = clock
        self._revoked: list[Callable[[str], None]] = []
        self._allowed = {entry.url: entry for entry in _load(file)}

    def list(self) -> list[AllowedOrigin]:
        """All of them, oldest first."""
        return sorted(self._allowed.values(), key=lambda entry: (entry.since, entry.url))

    def __contains__(self, origin: object) -> bool:
        """Whether a page whose browser sends this ``Origin`` may use the agent."""
        return origin in self._allowed

    def allow(self, url: str) -> AllowedOrigin:
        """Add the origin of ``url``; :class:`InputError` if no page can have it."""
        origin = normalise(url)
        known = self._allowed.get(origin)
        if known is not None:
            return known
        if len(self._allowed) >= ORIGINS_MAX:
            problem = f"the list has {ORIGINS_MAX} pages already; revoke one first"
            raise InputError(field="url", problem=problem)
        entry = AllowedOrigin(url=origin, since=self._clock())
        self._store({**self._allowed, origin: entry})
        return entry

    def revoke(self, url: str) -> None:
        """Remove the origin of ``url`` and end its connections; one that is not there is no error."""
        origin = normalise(url)
        if origin in self._allowed:
            self._store({key: entry for key, entry in self._allowed.items() if key != origin})
            for callback in self._revoked:
                callback(origin)

    def when_revoked(self, callback: Callable[[str], None]) -> None:
        """Call ``callback`` with each origin that is revoked from now on."""
        self._revoked.append(callback)

    def _store(self, allowed: dict[str, AllowedOrigin]) -> None:
        write_private(self._file, msgspec.json.encode(_File(list(allowed.values()))))
        self._allowed = allowed


def normalise(url: str) -> str:
    """The origin of ``url`` as a browser sends it; :class:`InputError` if no page may have it.

    https, or http on this computer: anybody on the way could change a page that came over http.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise _wrong("is not a web address") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise _wrong("must look like https://app.example.com")
    if parts.username is not None or parts.password is not None:
        raise _wrong("must not contain a user name or password")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _wrong("must end after the host: all pages of a host are one origin")
    host = _host(parts.hostname)
    if parts.scheme == "http" and not _loopback(host):
        raise _wrong("must use https; http is for pages of this computer only")
    usual = port is None or port == _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if usual else f":{port}")


def _host(name: str) -> str:
    if ":" in name:
        try:
            return f"[{ipaddress.IPv6Address(name).compressed}]"
        except ValueError:
            raise _wrong("has a host that is not an address") from None
    try:
        host = name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        raise _wrong("has a host that is not a name") from None
    if not _HOST.fullmatch(host):
        raise _wrong("has a host that is not a name")
    return host


def _loopback(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "[::1]"}


def _wrong(problem: str) -> InputError:
    return InputError(field="url", problem=problem)


def _load(file: Path) -> list[AllowedOrigin]:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return []
    try:
        entries = msgspec.json.decode(data, type=_File).origins
        if all(normalise(entry.url) == entry.url for entry in entries):
            return entries[:ORIGINS_MAX]
    except (msgspec.DecodeError, UnicodeDecodeError, InputError):
        pass
    _logger.error("%s cannot be read: no page is allowed; it is kept as %s", file.name, _BROKEN)
    file.replace(file.with_name(file.name + _BROKEN))
    return []
