"""The address of a web page: what a browser sends as ``Origin``, and how people are shown it."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from agent.errors import InputError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(
    r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
)
NOTHING_ALLOWED: Final = "What each page may do is as it was."
"""What a wrong word about a page means."""
_DEVIATIONS: Final = frozenset("ßς\u200c\u200d")
"""Browsers keep these in a name (UTS 46, section 7); the older IDNA of Python replaces them, which
would be the name of somebody else."""


def normalise(url: str) -> str:
    """The origin of ``url`` as a browser sends it; :class:`InputError` if no page may have it.

    https, or http on this computer: anybody on the way could change a page that came over http.
    The result is ASCII: a name in another script is its punycode, so that no letter of it can be
    taken for another one.
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


def is_origin(text: str) -> bool:
    """Whether ``text`` is an origin that can be allowed, written as a browser sends it."""
    try:
        return normalise(text) == text
    except InputError:
        return False


def short_origin(origin: str, limit: int) -> str:
    """``origin`` in at most ``limit`` characters, for a menu.

    What decides whose page it is stands at the end of the host, so the beginning goes: a name such
    as ``https://bank.example.com.….evil.example`` must never be cut at its end.
    """
    if len(origin) <= limit:
        return origin
    return "…" + origin[len(origin) - limit + 1 :]


def _host(name: str) -> str:
    if ":" in name:
        try:
            address = ipaddress.IPv6Address(name)
        except ValueError:
            raise _wrong("has a host that is not an address") from None
        if address.scope_id is not None:
            raise _wrong("has a host that is not an address")
        return f"[{address.compressed}]"
    if _DEVIATIONS.intersection(name):
        raise _wrong("has a host that must be written in punycode (xn--…)")
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
    return InputError(field="url", problem=problem, effect=NOTHING_ALLOWED)
