"""Who asks: pages of the vendor, pages that the person allowed, our own page, programs. Pure.

Here: which ``Origin`` is whose, and the headers that let a page read an answer (CORS). That the
``Host`` names this agent was checked before. Source: agent-api-compat.md, section 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Headers = list[tuple[bytes, bytes]]

VENDOR: Final = frozenset(
    {
        "https://create.arduino.cc",
        "https://cloud.arduino.cc",
        "https://app.arduino.cc",
        "https://board-registration.arduino.cc",
    }
)
"""Pages that are made for this interface; they may do all that it offers."""
_SUBDOMAIN: Final = re.compile(
    r"https://([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+app\.arduino\.cc", re.ASCII
)
_NEAR: Final = frozenset(
    f"{scheme}://{host}:{port}"
    for scheme in ("http", "https")
    for host in ("localhost", "127.0.0.1")
    for port in range(8990, 9001)
)
"""Pages of this computer at the ports of the interface, as the original agent has it."""
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")

PREFLIGHT: Final[Headers] = [
    (b"access-control-allow-methods", b"PUT,GET,POST,DELETE"),
    (b"access-control-allow-headers", b"Origin,Authorization,Content-Type"),
    (b"access-control-max-age", b"50"),
    (b"access-control-allow-private-network", b"true"),
    (b"vary", b"Access-Control-Request-Method"),
    (b"vary", b"Access-Control-Request-Headers"),
]
"""What a preflight gets beside :attr:`Visitor.headers`."""


class Gate(Protocol):
    """What the person decided about pages."""

    def may(self, origin: str) -> frozenset[str]:
        """The scopes of a page that is not the vendor's; none: it is not allowed."""

    def enter(self, origin: str) -> Callable[[], None]:
        """A connection of such a page began; the result is called when it ended."""

    def refused(self, origin: str) -> None:
        """A page was turned away that the person might want to allow."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who may ask."""

    origin: str | None
    """Whose page; None: a program of this user, or the agent's own page."""
    may: Callable[[str], bool]
    """Whether it has a scope now."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Those that let the page read the answer."""
    consented: bool = False
    """The person allowed it, and can take that back."""


class Refused(Exception):
    """Nobody who may ask. ``origin``: whom the person might want to allow; None: nobody."""

    def __init__(self, origin: str | None) -> None:
        super().__init__(origin)
        self.origin = origin


def is_vendors(origin: str) -> bool:
    """Whether it is a page of the vendor, or one that the original agent trusts like those."""
    return origin in VENDOR or origin in _NEAR or _SUBDOMAIN.fullmatch(origin) is not None


def visitor(headers: Iterable[tuple[bytes, bytes]], gate: Gate) -> Visitor:
    """Who sent a request with these headers (names in lower case); raises :class:`Refused`.

    Without ``Origin`` it is a program, or the agent's own page. Browsers leave it out also where
    another page has something loaded that it cannot read, and say so in ``Sec-Fetch-Site``.
    """
    found = {name: value.decode("latin-1") for name, value in headers if name in _READ}
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if not origins:
        if found.get(b"sec-fetch-site", "none") not in {"none", "same-origin"}:
            raise Refused(None)
        return Visitor(None, _all)
    origin = origins[0]
    host = found.get(b"host", "").lower()
    if len(origins) > 1:
        raise Refused(None)
    if origin == f"http://{host}":
        return Visitor(None, _all)
    readable = _readable(origin)
    port = host.rpartition(":")[2]
    if origin in {f"http://{name}:{port}" for name in _LOOPBACK}:
        return Visitor(None, _all, readable)
    if is_vendors(origin):
        return Visitor(origin, _all, readable)
    if not gate.may(origin):
        raise Refused(None if origin == "null" else origin)
    return Visitor(origin, lambda scope: scope in gate.may(origin), readable, consented=True)


_READ: Final = frozenset({b"host", b"sec-fetch-site"})


def _all(_scope: str) -> bool:
    return True


def _readable(origin: str) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
    )
