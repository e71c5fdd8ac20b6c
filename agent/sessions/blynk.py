"""The interface of a session with a Blynk board: the same for its console, Bluetooth LE and access point.

What is particular to each is in the modules beside this one. Whether the board is online is in the end
for the cloud to say: of the three only some boards can tell, and only if nobody looks away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from agent.errors import NotSupported, SketchHalted, StatusReported
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.protocols.blynk.config import BlynkConfig, Way
    from agent.protocols.blynk.failures import Failure
    from agent.protocols.blynk.info import BoardInfo, Scan

Stage: TypeAlias = Literal["sent", "joining", "joined", "connecting", "connected"]

ANSWER_LIMIT_S: Final = 5.0
"""For what a board answers at once. It does nothing else for 2.6 s while its access point comes up."""
SCAN_LIMIT_S: Final = 30.0
"""A board gives up looking after 20 s (ConfigMode.h)."""
CONFIGURE_LIMIT_S: Final = 120.0
"""A board joins for up to 50 s, connects for up to 50 s, and changes its radio over before and after."""


@dataclass(frozen=True, slots=True)
class Told:
    """News of a board that connects."""

    stage: Stage
    detail: str = ""
    """Its address, or the reason of an attempt that failed and is made again; cleaned."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended, as far as the board tells."""

    state: Literal["connected", "failed", "unknown"]
    """``unknown``: ask the cloud."""
    failure: Failure | None = None
    joined: bool = False
    """It was in the network."""


class BlynkSession(Protocol):
    """One board. One request at a time; errors are ``agent.errors``, :class:`PortGone` always."""

    @property
    def way(self) -> Way:
        """Which of the three."""

    async def info(self) -> BoardInfo:
        """What the board is; changes nothing but its light."""

    async def scan(self) -> Scan:
        """The networks that it sees."""

    async def configure(self, config: BlynkConfig, told: Callable[[Told], None]) -> Outcome:
        """Give it these settings, and follow how it connects for at most :data:`CONFIGURE_LIMIT_S`.

        Raises :class:`InputError` or :class:`NotSupported` before anything is sent, and
        :class:`StatusReported` if the board refuses. May be called again after a failure. A caller
        that learns elsewhere that the board is online cancels it.
        """

    async def give_up(self) -> None:
        """Make the board stop trying and wait for settings again, where it has to be told."""

    async def reset(self) -> None:
        """Let the board forget its settings."""

    async def reboot(self) -> None:
        """Restart it. Nothing is answered; the session is over then."""

    async def close(self) -> None:
        """Release the board; never raises, may be called again."""


def silent(why: str, seconds: float) -> SketchHalted:
    """The error for a board that says nothing."""
    return SketchHalted(seconds=round(seconds), why=why)


def refused(what: str, words: str) -> StatusReported:
    """The error for a board that does not do what is asked; ``words`` are its own."""
    return StatusReported(
        status=0,
        name="that it does not take this",
        text=f"It was asked to {what} and said: {clean_text(words) or 'nothing more'}.",
        action="Restart the board and try again; if it stays, update its firmware.",
    )


def no_wifi() -> NotSupported:
    """The error for a board that cannot look for networks."""
    return NotSupported(
        model="This board",
        what="look for Wi-Fi networks",
        why="It has no Wi-Fi, or its firmware shows none.",
        action="Type the name of the network, or use another way to reach the board.",
    )
