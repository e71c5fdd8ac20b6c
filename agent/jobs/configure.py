"""Configure: other network settings for a board that keeps its identity (protocol-v2, 8.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import MooringError, NotProvisioned
from agent.jobs import questions
from agent.jobs.away_steps import ReopenSteps
from agent.jobs.board_steps import NetworkSteps
from agent.jobs.check import check_air_firmware
from agent.jobs.effects import (
    Answered,
    Done,
    Entered,
    Event,
    Failed,
    Learn,
    LimitReached,
    WaitEnded,
)
from agent.jobs.guide import ble_off_note
from agent.jobs.machine import Rule
from agent.jobs.states import ANSWER_LIMIT_S, PARTING_S, State

if TYPE_CHECKING:
    from agent.jobs.guide import Guide
    from agent.settings.network import NetworkSetting


class Configure(NetworkSteps, ReopenSteps):
    """Result: ``{network, uhwid}``; ``notes`` if the board has switched its Bluetooth off.

    The board stores new settings even if it cannot join with them; there is no way back to the
    old ones, and the person is told so when they stop. One in the air that goes away meanwhile is
    waited for; one on a cable was unplugged by somebody.
    """

    def __init__(
        self,
        network: NetworkSetting,
        *,
        in_run: str,
        guide: Guide | None = None,
        air_firmware: str | None = None,
        confirmed: bool,
        attended: bool,
    ) -> None:
        """``in_run``: what to do with a board of this model that is connected to its cloud.

        ``guide`` and ``air_firmware`` are for a board in the air, see
        :class:`agent.jobs.provision.Order`.
        """
        super().__init__(network, confirmed=confirmed, attended=attended)
        self.in_run = in_run
        self.guide = guide
        self.air_firmware = air_firmware
        self._sent = False
        trouble, give_up = self._trouble, self._give_up
        self.rules |= self.reopen_rules() | {
            State.TROUBLED: Rule(self._troubled, ANSWER_LIMIT_S, trouble, give_up),
            State.PARTING: Rule(self._parting, PARTING_S, self._over, self._configured),
        }

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
        if self.via == "ble":
            check_air_firmware(self.facts.wifi_firmware, self.air_firmware)
        if self.facts.online and not self.facts.application_sketch:
            raise NotProvisioned(action=self.in_run)

    def _checked(self) -> None:
        self._go(State.JOINING)

    def _joining(self, event: Event) -> bool:
        self._sent = True
        return super()._joining(event)

    def _joined(self) -> None:
        if self.via == "ble" and not self.facts.application_sketch:
            self._go(State.PARTING)
        else:
            self._configured()

    def _parting(self, event: Event) -> bool:
        match event:
            case Entered():
                self._do(WaitEnded())
            case Done(WaitEnded()):
                self.ble_off = True
                self._configured(ble_off_note(self.guide))
            case Failed() | LimitReached():
                self._configured()
            case _:
                return False
        return True

    def _over(self, _error: MooringError) -> None:
        self._configured()

    def _configured(self, *notes: str) -> None:
        self._effects.append(Learn(uhwid=self.facts.uhwid))
        result = {"network": self.network.label, "uhwid": self.facts.uhwid}
        self._close(result=result | ({"notes": list(notes)} if notes else {}))

    # The board is away -----------------------------------------------------------------------

    def _trouble(self, error: MooringError) -> None:
        self.trouble = error
        if self.via == "usb" or not self.attended:
            self._fail(error)
        else:
            self._go(State.RETURNING if self._is_away(error) else State.TROUBLED)

    def _reopened(self) -> None:
        if self._sent and self.facts.online and not self.facts.application_sketch:
            # It was in no network before, and what it is told replaces what it had.
            self._complete(f"joined {self.network.label}")
            self._joined()
        else:
            self._go(State.JOINING)

    def _troubled(self, event: Event) -> bool:
        match event:
            case Entered() if self.trouble:
                give_up = self._give_up_action
                self._ask(questions.board_trouble(self.trouble, safe=self._safe, give_up=give_up))
            case Answered(questions.RETRY):
                self._returns = 0
                self._go(State.REOPENING)
            case Answered():
                self._give_up(self.trouble)
            case _:
                return False
        return True

    def _give_up(self, error: MooringError | None = None) -> None:
        self._left = "The board has the new network settings, but had not joined with them."
        self._close(error=error)

    @property
    def _safe(self) -> str:
        if self.via == "ble":
            return "The board keeps its place in its cloud; its old network settings are replaced."
        return "The board stays connected to this computer. It no longer has its old settings."
