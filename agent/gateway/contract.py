"""What those who use the gateway's session see of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from agent.errors import MooringError


class GatewayLink(Protocol):
    """One session that stands; over once :attr:`messages` ends, and never used again then."""

    @property
    def name(self) -> str:
        """The gateway's device; empty where it came with credentials and nobody told a name."""

    @property
    def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        """Topic and payload of what the server sends; ends with the session.

        All messages of the topics subscribed, but calls of
        ``gateway_remove_provisioned_credentials`` and answers of ``getSessionLimits``, which are
        the connection's own. One reader. Of more than 200 that nobody took the oldest are lost.
        """

    async def subscribe(self, *filters: str) -> None:
        """Subscribe with QoS 1; raises as :meth:`publish`.

        ``v1/devices/me/rpc/request/+`` and ``…/response/+`` are subscribed already.
        """

    async def publish(self, topic: str, payload: bytes) -> None:
        """Send with QoS 1 and return when the server has it; :class:`CloudError` otherwise."""

    async def close(self) -> None:
        """End the session; the connection is made anew later."""


Serve: TypeAlias = Callable[[GatewayLink, "Mapping[str, Any] | None"], Awaitable[None]]
"""Uses a session until it is over.

The second argument is what ``getSessionLimits`` gave, read as JSON and not checked further; None:
the server did not say. When the session ends it is cancelled, and must not publish any more then.
If it returns, or raises :class:`CloudError`, the session is ended and made anew.
"""

Phase: TypeAlias = Literal["provisioning", "connecting", "connected", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayState:
    """Where the gateway is; every change is told."""

    phase: Phase
    server: str
    """Its address, as people write it."""
    name: str = ""
    """Of the device; empty where that is not known."""
    error: MooringError | None = None
    """Why it is not connected, until it is; or what it has to say beside being connected."""
    again_s: float = 0.0
    """Seconds until the next try, while it waits."""
