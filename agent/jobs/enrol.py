"""Making a device in a cloud and giving its board the credentials: READ to CHECK, in this order.

READING, NAMING, VAULTING, ENROLLING, KEEPING, DELIVERING, SEEING, PROVING. From ENROLLING on
nothing is undone: the device stays in the cloud and its credentials stay in the vault, each end
says so, and the next job with the same name goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.jobs import enrol_facts, enrol_ways
from agent.jobs.effects import Done, Entered, Event, Failed, LimitReached
from agent.jobs.enrol_base import STEP_CHECK, STEP_DELIVER, STEP_ENROL, STEP_READ
from agent.jobs.enrol_board import BoardPart
from agent.jobs.enrol_cloud import CloudPart
from agent.jobs.enrol_effects import FindLink, ProveEntry, TellKey
from agent.jobs.machine import Rule
from agent.jobs.states import VAULT_LIMIT_S, State

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.enrol_base import EnrolOrder

KEY_IN_FILE: Final = (
    "The key of the vault is in a file, not in a keyring of the system: whoever can read your files "
    "can read the credentials of your boards."
)


class EnrolBoard(CloudPart, BoardPart):
    """Result: ``{device, cloud, link, entry, delivery, credentials, connected, network, …}``.

    ``connected`` is ``board`` or ``server`` (who says so) or null; ``entry`` is of the vault, empty if
    that could not be written. No secret is in it; a header file is fetched with ``jobs.file``.
    """

    procedure = "enrol"

    def __init__(self, order: EnrolOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self._link = ""
        self.rules = (
            self.vault_rules()
            | self.cloud_rules()
            | self.board_rules()
            | {
                State.PROVING: Rule(
                    self._proving, VAULT_LIMIT_S, lambda _: self._done(), self._wait
                ),
                State.CLOSING: self._closing_rule(),
            }
        )

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        steps = [
            (STEP_READ, self.reading),
            (STEP_ENROL, f"Register it in {self.order.cloud_title}"),
        ]
        if self.file:
            return [*steps, (STEP_DELIVER, f"Get {self.file_title} ready")]
        return [
            *steps,
            (STEP_DELIVER, "Put the settings on the board"),
            (STEP_CHECK, f"See it in {self.order.cloud_title}"),
        ]

    def _settled(self) -> None:
        self._go(State.VAULTING)

    def _has_credentials(self) -> None:
        self._go(State.DELIVERING)

    def _handed_over(self) -> None:
        self._go(State.PROVING)

    def _connected(self) -> None:
        how = "connected" if self.seen_by else "unseen"
        self._record(enrol_facts.ENDED, how=how, connected=self.seen_by or None)
        self._go(State.PROVING)

    def _proving(self, event: Event) -> bool:
        match event:
            case Entered():
                self._do(FindLink(self.name), TellKey())
                if self.seen_by and not self.unkept:
                    self._do(ProveEntry(self.entry))
            case Done(FindLink(), link):
                self._link = link
                self._when_all_came()
            case Done(TellKey(), True):
                self.notes.append(KEY_IN_FILE)
                self._when_all_came()
            case Failed(ProveEntry(), error):
                self._note(error)
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

    def _note(self, error: MooringError) -> None:
        self.notes.append(f"The vault keeps it as pending: {error.report().title}")

    def _done(self) -> None:
        self._learn_name()
        if self.file:
            # Not before: the file goes with the agent, so a job that is killed until now has none.
            self._settle("handed over")
        credentials = self.settings.credentials if self.settings is not None else None
        kind = credentials.__struct_config__.tag if credentials is not None else None
        result: dict[str, Any] = {
            "device": self.name,
            "cloud": self.order.cloud,
            "link": self._link,
            "entry": "" if self.unkept else self.entry,
            "delivery": self.order.way if self.file else self._way.kind,
            "delivery_reason": self.reason,
            "ways": enrol_ways.shown_ways(self.found),
            "credentials": kind,
            "connected": self.seen_by or None,
            "network": self.network.label if self.network is not None else None,
            "hardware_id": self.way.hardware.hardware_id if self.way else "",
            "procedure": self.procedure,
            "files": [self.file] if self.file else [],
            "seconds": round(self.now - self.began, 3),
            "notes": self.notes,
        }
        self._close(result=result)
