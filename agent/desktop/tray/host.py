"""What shows the tray: the interface that each system's way implements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.desktop.tray.item import Action, MenuItem
    from agent.desktop.tray.news import Notice, Withdraw
    from agent.desktop.tray.state import IconState

TITLE = "Mooring"

Act: TypeAlias = "Callable[[Action], None]"
"""Called in the event loop when a person chose something."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that a host shows."""

    icon: IconState
    line: str
    """What the icon says when pointed at; plain text."""
    menu: tuple[MenuItem, ...]


class TrayHost(Protocol):
    """One place beside the clock. Its methods are called in the event loop and never wait."""

    def show(self, shown: Shown) -> None:
        """Show this from now on, also if the place appears only later."""

    def tell(self, news: Notice | Withdraw) -> None:
        """Tell a person, or take back what was told; lost where nobody can be told."""

    async def run(self, act: Act) -> None:
        """Be there until this is cancelled, through everything that may happen to the desktop."""
