"""Giving a Blynk board a token and a network: READ, TOKEN, DELIVER, JOIN, ONLINE.

Nothing is undone: a token that was made is in the vault from the first moment, each end says so, and
the next job for the board goes on with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import (
    BlynkKept,
    BlynkTemplate,
    BlynkTokenLost,
    BlynkUnkept,
    InputError,
    MooringError,
    NotSupported,
)
from agent.jobs.blynk.deliver_steps import DELIVER, JOIN, ONLINE, DeliverSteps
from agent.jobs.blynk.effects import Prove, Rename, TellKey
from agent.jobs.blynk.order import CLOUD
from agent.jobs.blynk.steps import READ
from agent.jobs.blynk.token_steps import STEP as TOKEN
from agent.jobs.effects import Done, Entered, Event, Failed, Learn, LimitReached
from agent.jobs.enrol import KEY_IN_FILE
from agent.jobs.machine import Rule
from agent.jobs.states import VAULT_LIMIT_S, State
from agent.protocols.blynk.device_names import AIR_CHARS, NAME_CHARS
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.jobs.blynk.order import BlynkOrder


CUT: Final = (
    "“{template}” is too long a name for a template whose boards open a network: with the four symbols of "
    "the chip it may have {limit} characters in all. This board calls itself “{shown}”."
)


class ProvisionBlynk(DeliverSteps):
    """Result: ``{device, device_id, cloud, entry, token, way, ways, network, connected, …}``.

    ``token`` says where it is from: ``made``, ``pasted`` or ``vault``. ``connected`` is ``cloud``, or
    ``board`` where the cloud could not be asked.
    """

    def __init__(self, order: BlynkOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self._resume = State.DELIVERING
        self.rules[State.PROVING] = Rule(
            self._proving, VAULT_LIMIT_S, lambda _: self._done(), lambda: None
        )

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        network = self.order.network
        return [
            *self.departing,
            READ,
            TOKEN,
            DELIVER,
            (JOIN, f"Join {network.label}" if network else "Join the network"),
            (ONLINE, f"See it in {self.order.cloud}"),
        ]

    # The board and its network -----------------------------------------------------------------

    def _was_read(self) -> None:
        problem = self.board.template_problem
        if problem:
            self._fail(
                NotSupported(
                    model=clean_text(self.order.board),
                    what=f"join {self.order.cloud}",
                    why=f"It says {self.board.template_id or 'no template'}: {problem}.",
                    action="Flash firmware that was built with BLYNK_TEMPLATE_ID.",
                )
            )
            return
        try:
            self.order.check_template(self.board.template_id, self.order.template)
        except MooringError as error:
            self._fail(error)
            return
        if self.order.address is not None and self._reached.way == "console":
            # Before anything is made: a console has no setting for it.
            self._fail(
                NotSupported(
                    model=clean_text(self.order.board),
                    what="use a fixed address over its console",
                    why="The console of its firmware has no setting for it.",
                    action="Use Bluetooth or the board's access point, or let it ask DHCP.",
                )
            )
            return
        if self.board.name_was_cut:
            self.notes.append(
                CUT.format(
                    template=clean_text(self.board.template_name, NAME_CHARS),
                    shown=clean_text(self.board.name, NAME_CHARS),
                    limit=AIR_CHARS,
                )
            )
        if self.network is not None and self._given is not None:
            self._go(State.KEYING)  # all is there: the board's network is used only once
        elif self.network is not None:
            self._home_first(self._has_network)
        elif self.attended:
            self._go(State.SCANNING)
        else:
            problem = "is missing, and nobody can be asked"
            self._fail(InputError(field="network", problem=problem))

    def _unread(self, error: MooringError) -> None:
        self._resume = State.READING
        self._trouble(error)

    def _has_network(self) -> None:
        self._to_cloud(lambda: self._go(State.KEYING), otherwise=self._give_up)

    def _is_online(self) -> None:
        self._go(State.PROVING)

    # Stopping ----------------------------------------------------------------------------------

    def _give_up(self, error: MooringError | None = None) -> None:
        if error is not None:
            self._complete_because(error)  # the step says what went wrong, the end what is left
        if self._nothing_new or (isinstance(error, BlynkTemplate) and not self._sent):
            self._close(error=error)
            return
        reason, cause = "The job was stopped.", ""
        if error is not None:
            report = error.report()
            reason = report.title
            cause = " ".join(filter(None, [report.meaning, report.remedy]))
        named = {"name": self.name, "where": self._where, "reason": reason, "cause": cause}
        if self.entry:
            self._close(error=BlynkKept(entry=self.entry, **named))
        else:
            self._close(error=BlynkUnkept(**named))

    @property
    def _nothing_new(self) -> bool:
        """Nobody has to be told where a token is."""
        pasted = self.source == "pasted" and not self.entry and not self._sent
        return self.token is None or pasted

    @property
    def _where(self) -> str:
        if not self._sent:
            return "The board was given nothing."
        if self._arrived.failure is not None:
            return (
                "The board was given its settings, and says that it did not come online with them."
            )
        return "The board was given its settings, and may come online with them."

    @property
    def _safe(self) -> str:
        if isinstance(self._refused, BlynkTokenLost):
            return "Nothing was changed on the board."
        if self.token is None:
            return "Nothing was made in the cloud, and nothing was changed on the board."
        kept = f"is in the vault (entry {self.entry})" if self.entry else "is kept until you decide"
        return f"The token of {self.name} {kept}, and is used again."

    # The end -----------------------------------------------------------------------------------

    def _proving(self, event: Event) -> bool:
        match event:
            case Entered():
                self._do(TellKey())
                if self.entry:
                    self._do(Prove(self.entry))
                if self.order.platform and self.token is not None:
                    # One that was there before keeps its name, unless another was asked for.
                    made = self.name if self.source == "made" else ""
                    self._do(Rename(self.device_id, self.order.name or made, self.token))
            case Done(TellKey(), True):
                self.notes.append(KEY_IN_FILE)
                self._when_all_came()
            case Done(Rename(), device) if device is not None:
                self.name, self.device_id = device.name, device.id
                self._when_all_came()
            case Failed(Prove(), error):
                self.notes.append(f"The vault keeps it as pending: {error.report().title}")
                self._when_all_came()
            case Failed(Rename(), error):
                self.notes.append(f"It keeps its name in the cloud: {error.report().title}")
                self._when_all_came()
            case Done() | Failed():
                self._when_all_came()
            case LimitReached():
                self._done()
            case _:
                return False
        return True

    def _when_all_came(self) -> None:
        if not self._waiting:
            self._done()

    def _done(self) -> None:
        self._learn(Learn(name=self.name))
        result: dict[str, Any] = {
            "device": self.name,
            "device_id": self.device_id or None,
            "cloud": CLOUD,
            "entry": self.entry,
            "token": self.source,
            "template": self.board.template_id,
            "firmware": self.board.firmware_version,
            "way": self._reached.way,
            "ways": [each._asdict() for each in self._reached.looked],
            "network": self.network.label if self.network else None,
            "connected": "cloud" if self._arrived.state == "online" else "board",
            "seconds": round(self.now - self.began, 3),
            "notes": self.notes,
        }
        self._close(result=result)
