"""A token that was given for a board in its own network is looked up before the computer leaves its own.

There the cloud is out of reach. So a token that no device has, or one of a device of another template,
is told of before anything is joined or sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import BlynkTokenUnknown
from agent.jobs.blynk.effects import CheckToken, FindDevice
from agent.jobs.blynk.token_steps import Ahead, TokenSteps
from agent.jobs.effects import Done, Entered, Event, Failed, LimitReached
from agent.jobs.machine import Rule
from agent.jobs.states import CLAIM_LIMIT_S, State

if TYPE_CHECKING:
    from agent.jobs.blynk.order import BlynkOrder
    from agent.protocols.blynk.tokens import Pasted

AHEAD: Final = ("ahead", "Look the token up")


class AheadSteps(TokenSteps):
    """LOOKING, before DEPARTING."""

    def __init__(self, order: BlynkOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        if order.access_point and order.token is not None:
            self.state = State.LOOKING
        self.rules[State.LOOKING] = Rule(self._looking, CLAIM_LIMIT_S, self._no_token, self._stop)

    @property
    def departing(self) -> list[tuple[str, str]]:
        """See the base class."""
        looks = self.order.access_point and self.order.token is not None
        return [*([AHEAD] if looks else []), *super().departing]

    def _looking(self, event: Event) -> bool:
        given = self._given
        match event:
            case Entered() if given is not None:
                if self._step is None:
                    self._begin(*AHEAD)
                self._do(CheckToken(given.token))
            case Done(CheckToken(token=token), online):
                self._ahead = Ahead(token, online)
                if self.order.platform:
                    self._do(FindDevice(token))
                else:
                    self._depart()
            case Done(FindDevice(), device) if device is not None and self._ahead is not None:
                self._ahead = self._ahead._replace(template=device.template_id, device_id=device.id)
                self._depart()
            case Failed(CheckToken(), BlynkTokenUnknown() as error):
                self._refuse(error)
            case Entered() | Done() | Failed() | LimitReached():
                self._depart()  # there is none, the account sees no devices, or the cloud is away
            case _:
                return False
        return True

    def _depart(self) -> None:
        self._complete("it has a device" if self._ahead is not None else "nobody could be asked")
        self._go(State.DEPARTING)

    def _use_given(self, given: Pasted) -> None:
        """Before the board was reached there is nothing to compare it with."""
        if self.found is None:
            self._go(State.LOOKING)
        else:
            super()._use_given(given)

    def _go_for_new(self) -> None:
        if self.found is None:
            self._go(State.LOOKING)
        else:
            super()._go_for_new()
