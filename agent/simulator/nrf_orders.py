"""What a service wants of a simulated nRF91 board, and how the board asks it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

RETRY_S: Final = 5.0
"""After a service that does not answer; the real one doubles it each time."""
RETRY_MAX_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """Something that the service wants of a board."""

    id: str
    name: str
    """``%CMNG``, ``%KEYGEN``, ``config`` or ``finished``."""
    parameters: str = ""
    """Of the AT command, behind the ``=``."""
    ignored: tuple[int, ...] = ()
    """Errors of the modem that count as done."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an order."""

    id: str
    name: str
    error: int | None = None
    """Of the modem; None: done."""
    text: str = ""
    """What the modem answered."""


class ServiceAwayError(Exception):
    """The service does not answer, or is busy."""


class ProvisioningService(Protocol):
    """The provisioning service, as a board sees it. Raises :class:`ServiceAwayError`."""

    async def fetch(self, token: str) -> Sequence[Order] | None:
        """What is to be done, by a board that proves itself; None: it is not claimed."""

    async def respond(self, token: str, results: Sequence[Result]) -> None:
        """What came of it."""

    async def hear(self, token: str, last: int) -> int:
        """The number of the command in the board's shadow, when there is another than ``last``.

        0: not yet, ask again.
        """


class NoOrders:
    """A service that has nothing to do, for a board that is claimed or not."""

    def __init__(self, *, claimed: bool) -> None:
        self._claimed = claimed

    async def fetch(self, token: str) -> Sequence[Order] | None:  # noqa: ARG002 - the interface
        """See :class:`ProvisioningService`."""
        return [] if self._claimed else None

    async def respond(self, token: str, results: Sequence[Result]) -> None:
        """See :class:`ProvisioningService`."""

    async def hear(self, token: str, last: int) -> int:  # noqa: ARG002 - the interface
        """See :class:`ProvisioningService`."""
        await asyncio.Event().wait()
        return 0


async def next_command(
    service: ProvisioningService,
    attest: Callable[[], str],
    last: int,
    wait: Callable[[float], Awaitable[None]],
) -> int:
    """The number of the next command in a shadow, however long it takes and whoever is away."""
    retry_s = RETRY_S
    while True:
        try:
            number = await service.hear(attest(), last)
            retry_s = RETRY_S
        except ServiceAwayError:
            await wait(retry_s)
            retry_s = min(2 * retry_s, RETRY_MAX_S)
        else:
            if number:
                return number
