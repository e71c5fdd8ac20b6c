"""Another interface on the same server and port: what it has to be, and what it can rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


class Guest(Protocol):
    """An ASGI application for some paths, HTTP and WebSocket.

    It is asked only about requests whose ``Host`` names this agent, whose head is not too large and
    that are of this user. Methods, bodies and ``Origin`` are its own affair.
    """

    def takes(self, path: str) -> bool:
        """Whether a request for ``path`` is the guest's."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""

    async def stop(self) -> None:
        """Let everybody go at once: the port is about to be closed."""
