"""Bringing a device that speaks Improv Wi-Fi into a network (improv-wifi.com).

It keeps its firmware and has a page of its own: nothing is erased, written or claimed, so there is
nothing to undo. Until JOINING the device is as it was; it may have stored the settings afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import (
    AuthorisationNeeded,
    InputError,
    JoinFailed,
    MooringError,
    NetworkError,
    NotSupported,
    OtherBoard,
)
from agent.jobs import facts, improv_questions, questions
from agent.jobs.away_steps import ReopenSteps
from agent.jobs.board_steps import NetworkSteps
from agent.jobs.effects import (
    Answered,
    Configure,
    Done,
    Entered,
    Event,
    Failed,
    Learn,
    OpenSession,
    ReadBoard,
)
from agent.jobs.improv_effects import WaitAuthorised
from agent.jobs.job import StepState
from agent.jobs.machine import Rule
from agent.jobs.states import ANSWER_LIMIT_S, State
from agent.settings import clean_text
from agent.settings.network import WiFi

if TYPE_CHECKING:
    from agent.sessions.session import BoardFacts
    from agent.settings.network import NetworkSetting

LATER: Final = (
    "Many devices switch their Bluetooth off once they are in a network. To change the network "
    "later, use the device's own page or its cable."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImprovOrder:
    """What the procedure needs to know before it begins."""

    board: str
    """What people call it."""
    name: str = ""
    """What it is to be called from now on; empty: as before."""
    unnamed: bool = False
    """Nobody has named it: once it has joined, it is called what it calls itself."""
    another: bool = False
    """Another network was asked for: that it leaves the one that it is in is what is meant."""
    confirmed: bool = False
    """The person knows the warnings about the network, and with nobody to ask also that the
    device leaves the network that it is in."""


class JoinImprov(NetworkSteps, ReopenSteps):
    """Result: ``{network, redirect, device, procedure, cloud, seconds, notes}``.

    ``redirect`` is the address of the device's page or null; ``device`` is what it says it is
    (:class:`agent.sessions.session.ImprovDevice`) or null.
    """

    def __init__(self, order: ImprovOrder, network: NetworkSetting, *, attended: bool) -> None:
        super().__init__(network, confirmed=order.confirmed, attended=attended)
        self.order = order
        self.redirect: str | None = None
        self.began = 0.0
        self._moves = False
        """It was in a network when the job began, so that being in one proves nothing."""
        self._sent = False
        self._pressed = self._ready = False
        fail, stop = self._fail, self._stop
        trouble, give_up = self._trouble, self._give_up
        self.rules |= self.reopen_rules() | {
            State.CONFIRMING: Rule(self._confirming, ANSWER_LIMIT_S, fail, stop),
            State.AUTHORISING: Rule(self._authorising, ANSWER_LIMIT_S, trouble, give_up),
            State.TROUBLED: Rule(self._troubled, ANSWER_LIMIT_S, trouble, give_up),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [
            ("read", "Read the device"),
            ("check", "Check the network"),
            ("join", f"Join {self.network_label}"),
        ]

    # Before anything is sent -----------------------------------------------------------------

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered():
                self.began = self.began or self.now
                self._begin("read", "Read the device", self._how)
                self._do(OpenSession())
                return True
        return super()._reading(event)

    @property
    def _how(self) -> str:
        restarts = "; many devices restart when their port is opened"
        return super()._how + (restarts if self.via == "usb" else "")

    def _was_read(self) -> None:
        self._moves = self.facts.online
        known = self.order.another or (self.order.confirmed and not self.attended)
        self._go(State.CONFIRMING if self.facts.online and not known else State.CHECKING)

    def _confirming(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("check", "Check the network", "It is in a network already")
                self._ask(improv_questions.leave_network(self.network, self.facts))
            case Answered(questions.CONTINUE):
                self._go(State.CHECKING)
            case Answered() if self.attended:
                self._stop()
            case Answered():
                problem = "must be true when nobody can be asked: the device leaves its network"
                self._fail(InputError(field="confirmed", problem=problem))
            case _:
                return False
        return True

    def _check_board(self) -> None:
        if not isinstance(self.network, WiFi):
            raise NotSupported(
                model=clean_text(self.order.board),
                what=f"join {clean_text(self.network.label)}",
                why="Improv Wi-Fi has settings for Wi-Fi only.",
                action="Choose a Wi-Fi network.",
            )

    def _check_network(self) -> None:
        if self.facts.scans:
            super()._check_network()
        else:
            self._complete("it does not say which networks it sees")
            self._checked()

    def _checked(self) -> None:
        self._go(State.JOINING)

    # Joining ---------------------------------------------------------------------------------

    def _joining(self, event: Event) -> bool:
        match event:
            case Entered():
                self._sent = True
                self._record(facts.SENDING, network=self.network.label)
            case Done(Configure(), redirect):
                self.redirect = redirect
            case Failed(Configure(), AuthorisationNeeded()):
                self._sent = False
                self._go(State.AUTHORISING)
                return True
            case Failed(Configure(), error):
                self._sent, self._ready = not isinstance(error, NetworkError), False
                if isinstance(error, JoinFailed) and not self.facts.scans:
                    # That it lists no networks is no reason.
                    self.join_problem = error
                    self._go(State.ASKING)
                    return True
        return super()._joining(event)

    def _authorising(self, event: Event) -> bool:
        match event:
            case Entered():
                self._say("It waits for its button to be pressed")
                if not self._ready:
                    # Else it says that it is ready and refuses all the same: no use in a circle.
                    self._do(WaitAuthorised())
                again, self._pressed = self._pressed, True
                self._ask(improv_questions.press_button(again=again, safe=self._safe))
            case Done(WaitAuthorised()) | Answered(questions.DONE):
                self._ready = isinstance(event, Done)
                self._go(State.JOINING)
            case Answered() if self.attended:
                self._give_up()
            case Answered():
                self._fail(AuthorisationNeeded())
            case _:
                return False
        return True

    def _joined(self) -> None:
        own = self.facts.device.name if self.facts.device and self.order.unnamed else ""
        if name := self.order.name or own:
            self._effects.append(Learn(name=name))
        self._close(
            result={
                "network": self.network.label,
                "redirect": self.redirect,
                "device": msgspec.to_builtins(self.facts.device),
                "procedure": "improv",
                "cloud": "none",
                "seconds": round(self.now - self.began, 3),
                "notes": [LATER] if self.via == "ble" else [],
            }
        )

    # When the device itself fails ------------------------------------------------------------

    def _trouble(self, error: MooringError) -> None:
        self.trouble = error
        self._go(State.RETURNING if self._is_away(error) else State.TROUBLED)

    def _troubled(self, event: Event) -> bool:
        match event:
            case Entered() if self.trouble:
                self._ask(
                    questions.board_trouble(
                        self.trouble, safe=self._safe, give_up=self._give_up_action
                    )
                )
            case Answered(questions.RETRY):
                self._go(State.REOPENING)
            case Answered():
                self._give_up(self.trouble)
            case _:
                return False
        return True

    def _reopening(self, event: Event) -> bool:
        match event:
            case Done(ReadBoard(), read) if read.device != self.facts.device:
                # It has no hardware id; and this one shall not get the password.
                self._trouble(OtherBoard(expected_board=_of(self.facts), found_board=_of(read)))
                return True
        return super()._reopening(event)

    def _reopened(self) -> None:
        if self.facts.online and self._sent and not self._moves:
            # It joined while nobody listened.
            self.redirect = self.facts.redirect
            self._complete(f"joined {self.network.label}")
            self._joined()
        else:
            self._complete(state=StepState.SKIPPED)
            self._go(State.JOINING)

    def _give_up(self, error: MooringError | None = None) -> None:
        if self._sent:
            self._left = facts.sent_settings(self.network.label)
        self._close(error=error)

    @property
    def _safe(self) -> str:
        if self._sent:
            return "The device has the settings and may have joined; then there is no more to do."
        if self.join_problem:
            return super()._safe
        return "Nothing was sent to the device yet."


def _of(read: BoardFacts) -> str:
    """What tells one device from another: it has no hardware id."""
    device = read.device
    parts = (device.name, device.hardware, device.firmware) if device else ()
    return ", ".join(filter(None, parts)) or "a device that says nothing of itself"
