"""What a family of boards brings with it that is set up in a way of its own: procedures and hands.

A kit stands on its cloud and its sessions; jobs know kits by these interfaces alone. Boards of nRF
Cloud and of Blynk have one each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from agent.jobs.effects import Request as _Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.boards.board import Board, Via
    from agent.catalog import Model
    from agent.jobs.facts import Fact
    from agent.jobs.machine import Machine
    from agent.jobs.planner import Way
    from agent.jobs.request import Request
    from agent.jobs.surroundings import Lease, Surroundings
    from agent.settings import Secret


class KitEffect(_Request):
    """A request that the hands of a kit perform; each kit has its own."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What one job has in its hands."""

    surroundings: Surroundings
    board: str
    """Id; empty: there is none."""
    lease: Lease | None
    job: str
    deliver: Callable[[str, Secret], None] | None
    """Keeps a file with secrets by its name."""
    advanced: Callable[[KitEffect, int, int, str], None]
    """Hears how far a request is: done, of all (0: nobody knows), and a sentence."""


class Hands(Protocol):
    """Performs the requests of one job."""

    async def perform(self, request: KitEffect) -> Any:  # noqa: ANN401 - see effects.py
        """The value of ``request``; raises what the board, the port or the cloud raises."""

    async def close(self) -> None:
        """Let go of the board; may be called more than once."""


class Kit(Protocol):
    """One family."""

    def takes(self, request: Request, board: Board, model: Model | None) -> bool:
        """Whether this is work for the kit; at most one says yes. No I/O."""

    async def plan(
        self, request: Request, board: Board, model: Model | None, via: Via, *, attended: bool
    ) -> Way:
        """The procedure, and what of the request may be shown; everything is checked before."""

    def hands(self, hold: Hold) -> Hands:
        """For one job of this kit."""


@runtime_checkable
class RecoveringKit(Kit, Protocol):
    """One whose jobs leave something that is worth a look after the agent was killed."""

    def recovery(self, facts: Sequence[Fact]) -> Machine | None:
        """What looks after a job with these facts, oldest first; None: it left nothing of this kit.

        No board is there for it.
        """
