"""Configure: other network settings for a board that keeps its identity (protocol-v2, 8.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import MooringError, NotProvisioned
from agent.jobs.board_steps import NetworkSteps
from agent.jobs.effects import Learn
from agent.jobs.states import State

if TYPE_CHECKING:
    from agent.settings.network import NetworkSetting


class Configure(NetworkSteps):
    """Result: ``{network, uhwid}``.

    The board stores new settings even if it cannot join with them; there is no way back to the
    old ones, and the person is told so when they stop.
    """

    def __init__(
        self, network: NetworkSetting, *, in_run: str, confirmed: bool, attended: bool
    ) -> None:
        """``in_run``: what to do with a board of this model that is connected to its cloud."""
        super().__init__(network, confirmed=confirmed, attended=attended)
        self.in_run = in_run

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [
            ("read", "Read the board"),
            ("check", "Check the network"),
            ("join", f"Join {self.network_label}"),
        ]

    def _was_read(self) -> None:
        self._go(State.CHECKING)

    def _check_board(self) -> None:
        if self.facts.online and not self.facts.application_sketch:
            raise NotProvisioned(action=self.in_run)

    def _checked(self) -> None:
        self._go(State.JOINING)

    def _joined(self) -> None:
        self._effects.append(Learn(uhwid=self.facts.uhwid))
        self._close(result={"network": self.network.label, "uhwid": self.facts.uhwid})

    def _trouble(self, error: MooringError) -> None:
        self._fail(error)

    def _give_up(self, error: MooringError | None = None) -> None:
        self._left = "The board has the new network settings, but had not joined with them."
        self._close(error=error)

    @property
    def _safe(self) -> str:
        return "The board stays connected to this computer. It no longer has its old settings."
