"""Who may talk to the agent: the checks of ``Host``, ``Origin`` and token. Pure.

``Host`` defeats DNS rebinding: a page under a foreign name that resolves to 127.0.0.1. ``Origin``
tells which page asks; no page can leave it out of a WebSocket, so a request without one is a
program, and a program must know the token that only this user can read.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from agent.errors import OriginRefused, TokenRefused
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Container

    from agent.settings import Secret

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Visitor(NamedTuple):
    """Somebody who may talk."""

    origin: str | None
    """None: a program."""
    own: bool
    """The agent's own page, or a program of this user."""


def host_is_ours(hosts: list[str], port: int) -> bool:
    """Whether the ``Host`` headers of a request name this agent, exactly once."""
    if len(hosts) != 1:
        return False
    return hosts[0].lower() in {f"{name}:{port}" for name in LOOPBACK_NAMES}


def own_origins(port: int) -> frozenset[str]:
    """The origins of the agent's own page."""
    return frozenset(f"http://{name}:{port}" for name in LOOPBACK_NAMES)


def admit(
    *,
    origins: list[str],
    tokens: list[str],
    port: int,
    allowed: Container[str],
    token: Secret,
) -> Visitor:
    """Who asks, from the ``Origin`` headers and the tokens given.

    Raises :class:`OriginRefused` for a page and :class:`TokenRefused` for a program. A token does
    not help a page: whatever sends an ``Origin`` is judged by it alone.
    """
    if origins:
        origin = origins[0]
        if len(origins) == 1 and origin in own_origins(port):
            return Visitor(origin, own=True)
        if len(origins) == 1 and origin in allowed:
            return Visitor(origin, own=False)
        raise OriginRefused(origin=clean_text(origin))
    if any(_same(given, token) for given in tokens):
        return Visitor(None, own=True)
    raise TokenRefused


def admit_asker(*, origins: list[str], port: int) -> Visitor:
    """Who wants to be allowed; any page may ask. Raises :class:`TokenRefused` for a program."""
    if len(origins) != 1:
        raise TokenRefused
    return Visitor(origins[0], own=origins[0] in own_origins(port))


def bearer_tokens(headers: list[str]) -> list[str]:
    """The tokens of ``Authorization: Bearer …`` headers."""
    pairs = (header.split(None, 1) for header in headers)
    return [pair[1].strip() for pair in pairs if len(pair) == 2 and pair[0].lower() == "bearer"]


def _same(given: str, token: Secret) -> bool:
    wanted = token.reveal()
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())
