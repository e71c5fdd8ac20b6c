"""What carries a provision request: one attempt, whatever the transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from agent.errors import Unreachable
    from agent.protocols.thingsboard.provisioning import Outcome
    from agent.protocols.thingsboard.requests import ProvisionRequest


@dataclass(frozen=True, slots=True)
class Asked:
    """How an attempt ended."""

    outcome: Outcome
    error: Unreachable | None = None
    """What to show if the request never left."""


class Carrier(Protocol):
    """One transport to one server."""

    async def ask(self, request: ProvisionRequest) -> Asked:
        """Make one attempt, in bounded time; raises nothing for what the server does."""
