"""Where a board's token comes from: the request, the vault, the platform, or the person.

KEYING, CLAIMING, CHECKING, VAULTING, in this order. A token that was made is in the vault before
anything else is done with it; nothing is ever made twice by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent.errors import (
    BlynkNoPlatform,
    BlynkTokenLost,
    BlynkTokenUnknown,
    InputError,
    MooringError,
    VaultFailed,
)
from agent.jobs import enrol_questions
from agent.jobs import questions as common
from agent.jobs.blynk import facts, questions
from agent.jobs.blynk.effects import (
    CheckToken,
    FindDevice,
    FindKept,
    Keep,
    Kept,
    MakeToken,
    Put,
    Source,
)
from agent.jobs.blynk.order import CLOUD
from agent.jobs.blynk.steps import BlynkSteps
from agent.jobs.effects import Answered, Done, Entered, Event, Failed, LimitReached
from agent.jobs.machine import Rule
from agent.jobs.states import ANSWER_LIMIT_S, CLAIM_LIMIT_S, VAULT_LIMIT_S, State
from agent.protocols.blynk.names import parse_name
from agent.protocols.blynk.tokens import Pasted, parse_pasted

if TYPE_CHECKING:
    from agent.jobs.blynk.order import BlynkOrder
    from agent.protocols.blynk.platform import Device, Provisioned
    from agent.settings import Secret

STEP: Final = ("token", "Get a token for it")
UNCHECKED: Final = "{cloud} could not be asked whether it knows the token: {why}"


class Ahead(NamedTuple):
    """What the cloud said of a token while the computer was in its own network."""

    token: Secret
    online: bool
    template: str = ""
    """Of its device; empty: not known."""
    device_id: int = 0


class TokenSteps(BlynkSteps):
    """State of the token, and the four states."""

    def __init__(self, order: BlynkOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self.name = order.name
        self.token: Secret | None = None
        self.source: Source = "made"
        self.fresh = True
        """No board has logged in with it."""
        self.entry = ""
        """Of the vault; empty: it is not in there."""
        self.host, self.port = "", 443
        self.device_id = 0
        """0: not known."""
        self._template = ""
        """Of the pasted token, if it says so."""
        self.was_online = False
        """The cloud may call its device online without this board: it was so before."""
        self._given: Pasted | None = order.token
        """What the person gave before the job began, or instead of that."""
        self._ahead: Ahead | None = None
        self._other: Kept | None = None
        """What the vault has of this board under another name than the one that was asked for."""
        self._untried = False
        """No board was ever seen with the token of the vault."""
        self._refused: MooringError | None = None
        """Why there is no token, or the one before is not used."""
        fail, stop = self._no_token, self._stop
        self.rules |= {
            State.KEYING: Rule(self._keying, VAULT_LIMIT_S, fail, stop),
            State.CLAIMING: Rule(self._claiming, CLAIM_LIMIT_S, fail, self._wait),
            State.CHECKING: Rule(self._checking, CLAIM_LIMIT_S, fail, self._give_up),
            State.VAULTING: Rule(self._vaulting, VAULT_LIMIT_S, self._not_kept, self._wait),
            State.REFUSED: Rule(self._asking_token, ANSWER_LIMIT_S, fail, self._give_up),
            State.KEEPING: Rule(self._asking_vault, ANSWER_LIMIT_S, fail, self._give_up),
        }

    def _has_token(self) -> None:
        """Where to go with a token that is kept."""
        raise NotImplementedError

    def _wait(self) -> None:
        """A cancel changes nothing now: what was asked for is kept first."""

    # Which one ---------------------------------------------------------------------------------

    def _keying(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(*STEP)
                self.name = self.order.name or self.order.make_name(*self._called)
                if self._given is not None:
                    self._use_pasted(self._given)
                else:
                    self._do(FindKept(self.order.name, self.board.own_marks))
            case Done(FindKept(name=name), Kept() as kept) if name == self.order.name:
                self._use_kept(kept)
            case Done(FindKept(), Kept() as kept):
                # Of this board under another name: perhaps its device was renamed since.
                self._other = kept
                self._do(FindDevice(kept.token))
            case Done(FindKept(name=name), None) if name and self.order.platform:
                self._do(FindKept("", self.board.own_marks))
            case Done(FindDevice(), device) if (
                device is not None and device.name == self.order.name and self._other is not None
            ):
                self._use_kept(self._other._replace(name=device.name))
            case Done() | Failed(FindDevice()):
                self._make_or_ask()
            case Failed(FindKept()) | LimitReached():
                # A vault that cannot be read is asked once more when there is something to keep.
                self._make_or_ask()
            case _:
                return False
        return True

    @property
    def _called(self) -> tuple[str, str]:
        """Template and own part of the board's name."""
        air = parse_name(self.board.name)
        template = self.board.template_name or (air.template or air.prefix if air else "")
        return template, air.unique if air else self.board.uid[-4:].upper()

    def _make_or_ask(self) -> None:
        if self.order.platform:
            self._go(State.CLAIMING)
        elif self.attended:
            self._go(State.REFUSED)
        else:
            self._no_token(BlynkNoPlatform(cloud=self.order.cloud, action="make a token"))

    def _use_kept(self, kept: Kept) -> None:
        self.token, self.source, self.fresh = kept.token, "vault", not kept.proven
        self.was_online, self._untried = True, not kept.proven
        self.name, self.entry = kept.name, kept.entry
        self._say(f"The vault has one of {kept.name} (entry {kept.entry})")
        self._go(State.CHECKING)

    def _use_pasted(self, pasted: Pasted) -> None:
        """:class:`BlynkTemplate` if the board is of another template than the token's device."""
        ahead = self._ahead if self._ahead and self._ahead.token == pasted.token else None
        template = pasted.template_id or (ahead.template if ahead else "")
        try:
            self.order.check_template(self.board.template_id, template)
        except MooringError as error:
            self._refuse(error)
            return
        self.token, self.source, self.fresh = pasted.token, "pasted", False
        self._template = template
        self.device_id, self.entry, self.was_online = 0, "", True
        if ahead is None:
            self._go(State.CHECKING)
        else:
            self.device_id, self.was_online = ahead.device_id, ahead.online
            self._settled()

    # The platform ------------------------------------------------------------------------------

    def _claiming(self, event: Event) -> bool:
        match event:
            case Entered():
                self.entry = ""
                self._say(f"Asking {self.order.cloud} for one")
                self._record(facts.ASKED, cloud=CLOUD, **self._asked_for)
                self._do(self._make())
            case Done(MakeToken(), made):
                self._made(made)
            case Failed(MakeToken(), error):
                self._refuse(error)
            case LimitReached():
                self._refuse(self._lost)
            case _:
                return False
        return True

    @property
    def _lost(self) -> BlynkTokenLost:
        detail = "It did not answer in time."
        return BlynkTokenLost(
            cloud=self.order.cloud, detail=detail, left=facts.lost(self._asked_for.get("name", ""))
        )

    def _make(self) -> MakeToken:
        return MakeToken()

    @property
    def _asked_for(self) -> dict[str, Any]:
        """The device that gets a new token, as the journal has it; empty: there is none yet."""
        return {}

    def _made(self, made: Provisioned) -> None:
        self.token, self.source, self.fresh = made.token, "made", True
        self.device_id = made.device_id
        self.was_online = bool(self._asked_for)
        self._go(State.VAULTING)

    # One that was there before -----------------------------------------------------------------

    def _checking(self, event: Event) -> bool:
        match event:
            case Entered() if self._in_point:
                self._settled()  # there is no way to the cloud from here
            case Entered() if self.token is not None:
                self._say(f"Asking {self.order.cloud} whether it knows it")
                self._do(CheckToken(self.token))
            case Done(CheckToken(), online):
                self.fresh, self.was_online = False, online
                self._known()
            case Done(FindDevice(), device):
                self._is_of(device)
            case Failed(FindDevice()):
                self._settled()  # the account may make tokens and see no devices
            case Failed(CheckToken(), BlynkTokenUnknown() as error):
                if self.source == "vault" and self.fresh:
                    self.was_online = False
                    self._settled()  # no board has logged in with it yet
                else:
                    self._unknown(error)
            case Failed(CheckToken(), error):
                self._unchecked(error.report().title)
            case LimitReached() if any(isinstance(each, FindDevice) for each in self._waiting):
                self._settled()
            case LimitReached():
                self._unchecked("it did not answer in time.")
            case _:
                return False
        return True

    def _known(self) -> None:
        """A token alone does not say of which template its device is; the platform may.

        That of the vault was checked when a board came online with it, if one did.
        """
        alone = self.source == "pasted" or (self.source == "vault" and self._untried)
        if self.token and alone and not self._template and self.order.platform:
            self._do(FindDevice(self.token))
        else:
            self._settled()

    def _is_of(self, device: Device | None) -> None:
        try:
            if device is not None:
                self.device_id = device.id
                self.order.check_template(self.board.template_id, device.template_id)
        except MooringError as error:
            self._refuse(error)
        else:
            self._settled()

    def _unknown(self, error: MooringError) -> None:
        if self.source == "vault" and self.order.platform:
            self.notes.append(f"The token of {self.name} in the vault is not known any more.")
            self._make_or_ask()
        else:
            self._refuse(error)

    def _unchecked(self, why: str) -> None:
        self.notes.append(UNCHECKED.format(cloud=self.order.cloud, why=why))
        self._settled()

    def _settled(self) -> None:
        self._go(State.VAULTING)

    # The vault ---------------------------------------------------------------------------------

    def _vaulting(self, event: Event) -> bool:
        match event:
            case Entered() if self.token is not None:
                mark = next(iter(self.board.own_marks), "")
                self._do(Keep(self.name, self.token, mark, self.entry))
            case Done(Keep(), Put() as put):
                self.entry, self.host, self.port = put
                self._note_token()
            case Failed(Keep(), error):
                self._not_kept(error)
            case LimitReached():
                self._not_kept(VaultFailed(path="vault", detail="it took too long"))
            case _:
                return False
        return True

    def _not_kept(self, error: MooringError) -> None:
        self._refused = error
        self._go(State.KEEPING)

    def _asking_vault(self, event: Event) -> bool:
        match event:
            case Entered() if self._refused is not None:
                self._ask(enrol_questions.not_kept(self._refused, name=self.name))
            case Answered(common.RETRY):
                self._go(State.VAULTING)
            case Answered(common.CONTINUE):
                self._note_token()
            case Answered():
                self._give_up(self._refused)
            case _:
                return False
        return True

    def _note_token(self) -> None:
        named = {"name": self.name, "entry": self.entry, "source": self.source}
        self._record(facts.TOKEN, **named, device_id=self.device_id)
        self._complete(self._origin)
        if self.stopped:
            self._give_up()
        else:
            self._has_token()

    @property
    def _origin(self) -> str:
        kept = f"in the vault (entry {self.entry})" if self.entry else "not in the vault"
        whose = {
            "made": f"{self.order.cloud} made one",
            "pasted": "the one that you pasted",
            "vault": f"the one of {self.name}",
        }
        return f"{whose[self.source]}, {kept}"

    # The person --------------------------------------------------------------------------------

    def _refuse(self, error: MooringError) -> None:
        self._refused = error
        if self.stopped:
            self._give_up(error)
        elif self.attended:
            self._home_first(lambda: self._go(State.REFUSED))
        else:
            self._no_token(error)

    def _asking_token(self, event: Event) -> bool:
        match event:
            case Entered():
                platform = self.order.platform
                self._ask(
                    questions.which_token(
                        self.order.cloud, self._refused, platform=platform, safe=self._safe
                    )
                )
            case Answered(questions.TOKEN, token=pasted) if pasted is not None:
                self._paste(pasted)
            case Answered(questions.NEW):
                self._refused = self._given = None
                self._go_for_new()
            case Answered():
                self._give_up(self._refused)
            case _:
                return False
        return True

    def _paste(self, pasted: Secret) -> None:
        self._refused = None
        try:
            self._given = parse_pasted(pasted.reveal())
        except InputError as error:
            self._refuse(error)
        else:
            self._use_given(self._given)

    def _use_given(self, given: Pasted) -> None:
        self._use_pasted(given)

    def _go_for_new(self) -> None:
        self._go(State.CLAIMING)

    def _no_token(self, error: MooringError) -> None:
        self._give_up(error)
