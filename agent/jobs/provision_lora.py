"""Provisioning of a LoRa board: its modem tells a number, the cloud makes the keys for it.

Source: protocol-v1, section 6. The keys go into the sketch, so nothing is stored on the board.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.clouds.secrets_header import secrets_header
from agent.errors import InputError, Unreachable
from agent.jobs import questions
from agent.jobs.device_effects import CreateLoRa, FrequencyPlans, ReadEui, ShowDevice
from agent.jobs.device_steps import SECRETS
from agent.jobs.effects import Answered, Done, Entered, Event, LimitReached
from agent.jobs.job import Action, Choice, Question
from agent.jobs.machine import Inquiry, Rule
from agent.jobs.states import ANSWER_LIMIT_S, KEY_LIMIT_S, State
from agent.jobs.v1_board_steps import V1BoardSteps
from agent.settings import clean_text
from agent.settings.network import LoRa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.clouds.devices import FrequencyPlan, LoRaDevice
    from agent.jobs.device_steps import DeviceOrder
    from agent.settings import Secret

CHOOSE = "Choose the frequency plan"


class ProvisionLoRa(V1BoardSteps):
    """Result: that of 1.0, and ``{eui, app_eui}``. The key is in the header file only."""

    sketch = "lora-1.0"
    keeps_key = True
    listening = "Read the number of the LoRa modem"

    frequency_plan: str
    """Known once CHOOSING is over."""
    eui: str
    """Known once LISTENING is over."""

    def __init__(self, order: DeviceOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self._plans: Sequence[FrequencyPlan] = []
        self._lora: LoRaDevice | None = None
        self.rules |= {
            State.CHOOSING: Rule(self._choosing, ANSWER_LIMIT_S, self._fail, self._stop),
            State.KEYING: Rule(self._keying, KEY_LIMIT_S, self._undo, self._undo),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        look, *others = super().plan
        return [look, ("plan", CHOOSE), *others, ("secrets", SECRETS)]

    # Before anything is written --------------------------------------------------------------

    def _agreed(self) -> None:
        self._go(State.CHOOSING)

    def _choosing(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("plan", CHOOSE)
                self._do(FrequencyPlans())
            case Done(FrequencyPlans(), plans):
                self._plans = plans
                self._choose(self.order.frequency_plan)
            case Answered(questions.CHOICE, choice=choice):
                self._choose(choice)
            case Answered() if self.attended:
                self._stop()
            case Answered():
                self._fail(self._wrong_plan("is missing"))
            case LimitReached():
                self._fail(self._no_answer())
            case _:
                return False
        return True

    def _choose(self, wanted: str | None) -> None:
        known = next((plan for plan in self._plans if plan.id == wanted), None)
        if known is not None:
            self.frequency_plan = known.id
            self._complete(clean_text(known.name or known.id))
            self._go(State.FETCHING)
        elif wanted is not None:
            self._fail(self._wrong_plan("is not known to the cloud"))
        else:
            self._ask(which_plan(self._plans))

    def _wrong_plan(self, problem: str) -> InputError:
        known = ", ".join(clean_text(plan.id) for plan in self._plans)
        return InputError(field="frequency_plan", problem=f"{problem}; it can be one of: {known}")

    # The board, then the cloud ---------------------------------------------------------------

    def _first_words(self) -> ReadEui:
        return ReadEui()

    def _has_answered(self, value: object) -> None:
        self.eui = str(value)
        self.heard = self.eui

    def _ready(self) -> None:
        self._go(State.KEYING)

    def _request(self) -> CreateLoRa:
        return CreateLoRa(self.order.new, self._known, self.eui, self.frequency_plan)

    def _id_of(self, made: Any) -> str:  # noqa: ANN401 - see the base class
        self._lora = made
        return str(made.device_id)

    def _claimed(self) -> None:
        if self._lora is None:
            detail = "The answer with the key of the new device was lost."
            self._undo(Unreachable(cloud=self.cloud_title, detail=detail))
        else:
            self._go(State.KEYING)

    def _keying(self, event: Event) -> bool:
        match event:
            case Entered():
                self._say("Looking whether the cloud lists it")
                self._do(ShowDevice(self.claim.claim or ""))
            case Done(ShowDevice()):
                self._complete(f"as {self.order.new.name}")
                self._go(State.DELIVERING)
            case LimitReached():
                self._undo(self._no_answer())
            case _:
                return False
        return True

    def _header(self) -> Secret:
        assert self._lora is not None  # noqa: S101  (a device without its key is undone)
        return secrets_header(LoRa(app_eui=self._lora.app_eui, app_key=self._lora.app_key))

    def _more(self) -> dict[str, Any]:
        assert self._lora is not None  # noqa: S101  (as above)
        return {"eui": self.eui, "app_eui": clean_text(self._lora.app_eui)}


def which_plan(plans: Sequence[FrequencyPlan]) -> Inquiry:
    """The person chooses the frequency plan; those for everybody come first."""
    ordered = sorted(plans, key=lambda plan: plan.advanced)
    question = Question(
        id=0,
        step="",
        title="Which frequency plan does the board use?",
        meaning="It depends on the country, and the gateways around must use the same.",
        safe="Nothing was sent to the board or the cloud yet.",
        choices=[
            Choice(
                id=plan.id,
                label=clean_text(plan.name or plan.id),
                detail="advanced" if plan.advanced else "",
            )
            for plan in ordered
        ],
        actions=[
            Action(id=questions.CHOICE, label="Use this plan", needs="choice"),
            Action(id=questions.STOP, label="Stop"),
        ],
    )
    return Inquiry(question, questions.STOP)
