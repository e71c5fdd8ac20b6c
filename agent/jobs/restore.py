"""Putting credentials of the vault on a board again: READ to CHECK, without a new device.

READING, NAMING, CONFIRMING, VAULTING, DELIVERING, SEEING, PROVING, with the parts that enrolment is
made of. The server is asked only whether it still takes them. What the board had before stays in the
vault and becomes “earlier” when the board is seen to work with what it got.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import EntryOfOther, EntryStale
from agent.jobs import enrol_facts, questions, restore_questions
from agent.jobs.effects import Answered, Done, Entered, Event, Failed
from agent.jobs.enrol import EnrolBoard
from agent.jobs.enrol_base import STEP_CHECK, STEP_DELIVER, STEP_READ
from agent.jobs.enrol_effects import AddEntry, DropEntry, OpenEntry, TryOut
from agent.jobs.states import State

if TYPE_CHECKING:
    from agent.clouds.vault_view import VaultEntry
    from agent.errors import MooringError
    from agent.jobs.enrol_base import EnrolOrder

STEP_TAKE: Final = "take"


class RestoreBoard(EnrolBoard):
    """Result: as of :class:`EnrolBoard`, ``procedure`` is ``restore`` and ``restored`` the entry."""

    procedure = "restore"

    def __init__(
        self, order: EnrolOrder, kept: VaultEntry, *, board_id: str, attended: bool
    ) -> None:
        """``kept`` is what shall be put on the board ``board_id``; the order has its name."""
        super().__init__(order, attended=attended)
        self.kept = kept
        self.entry = kept.id
        self._board_id = board_id
        self._copy = ""
        """The entry that another board than that of ``kept`` gets."""
        self._told = "they are read"
        self._why: MooringError | None = None

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        steps = [(STEP_READ, self.reading), (STEP_TAKE, self._taking)]
        if self.file:
            return [*steps, (STEP_DELIVER, f"Get {self.file_title} ready")]
        return [
            *steps,
            (STEP_DELIVER, "Put the settings on the board"),
            (STEP_CHECK, f"See it in {self.order.cloud_title}"),
        ]

    @property
    def _taking(self) -> str:
        return f"Take entry {self.kept.id} out of the vault"

    # Is it the board that had them? --------------------------------------------------------------

    @property
    def _is_other(self) -> bool:
        """By what the hardware says; where one of the two says nothing, by the id of the board."""
        if self.file:
            return False
        if self.kept.hardware_id and self._found_id:
            return self.kept.hardware_id != self._found_id
        # What was made for a file may go onto any board.
        return self.kept.board not in {self._board_id, ""}

    def _named(self) -> None:
        if self._is_other and not self.order.confirmed:
            self._go(State.CONFIRMING)
        else:
            super()._named()

    def _confirming(self, event: Event) -> bool:
        if not self._is_other:
            return super()._confirming(event)
        match event:
            case Entered():
                holds = self.way.hardware.holds if self.way is not None else ""
                other = self._other_board()
                self._ask(restore_questions.other_board(other, holds=holds, name=self.name))
            case Answered(questions.CONTINUE):
                self._go(State.VAULTING)
            case Answered() if self.attended:
                self._stop()
            case Answered():
                self._fail(self._other_board())
            case _:
                return False
        return True

    def _other_board(self) -> EntryOfOther:
        return EntryOfOther(
            entry=self.kept.id,
            name=self.name,
            board_name=self.kept.board_name or self.kept.board,
            expected_board=self.kept.hardware_id or self.kept.board,
            found_board=self._found_id or self._board_id,
        )

    # Are they still good? ------------------------------------------------------------------------

    def _vaulting(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(STEP_TAKE, self._taking)
                self._do(OpenEntry(self.entry))
            case Done(OpenEntry(), settings):
                self.settings = settings
                self._say(f"Asking {self.order.cloud_title} whether it takes them")
                self._do(TryOut(settings))
            case Done(TryOut(), False):
                self._go(State.REFUSED)
            case Done(TryOut(), None):
                self._untried("that cannot be tried from here")
            case Done(TryOut()):
                self._told = "the server takes them"
                self._go(State.KEEPING)
            case Failed(TryOut(), error):
                self._untried(error.report().title)
            case _:
                return False
        return True

    def _untried(self, why: str) -> None:
        self.notes.append(f"Whether the server takes these credentials is not known: {why}")
        self._go(State.KEEPING)

    def _refused(self, event: Event) -> bool:
        match event:
            case Entered():
                self._ask(restore_questions.stale(self._stale()))
            case Answered(questions.CONTINUE):
                self.notes.append(f"{self.order.cloud_title} does not take these credentials.")
                self._go(State.KEEPING)
            case Answered() if self.attended:
                self._stop()
            case Answered():
                self._fail(self._stale())
            case _:
                return False
        return True

    def _give_up_asking(self, error: MooringError | None = None) -> None:
        self._close(error=error)

    def _stale(self) -> EntryStale:
        return EntryStale(cloud=self.order.cloud_title, entry=self.kept.id, name=self.name)

    # An entry of this board ----------------------------------------------------------------------

    def _keeping(self, event: Event) -> bool:
        match event:
            case Entered() if self.settings is not None and self._is_new_board:
                self._do(AddEntry(self.settings, self._found_id))
            case Entered():
                self._ready()
            case Done(AddEntry(), entry):
                self._copy = self.entry = entry
                self._ready()
            case _:
                return False
        return True

    @property
    def _is_new_board(self) -> bool:
        """The vault has none of these under this board, whose others become “earlier” later on."""
        return not self.file and (self._is_other or self.kept.board != self._board_id)

    def _not_kept(self, error: MooringError) -> None:
        self._fail(error)

    def _stop_keeping(self) -> None:
        """What is being written is waited for."""

    def _ready(self) -> None:
        names = {"name": self.name, "entry": self.entry}
        self._record(enrol_facts.ASKING, cloud=self.order.cloud, **names)
        self._record(enrol_facts.GIVEN, name=self.name, kept=True)
        if self.stopped:
            self._give_up()
            return
        self._complete(self._told)
        self._go(State.DELIVERING)

    def _note(self, error: MooringError) -> None:
        why = error.report().title
        self.notes.append(f"Entry {self.entry} is not marked as proven in the vault: {why}")

    # The ends ------------------------------------------------------------------------------------

    def _give_up(self, error: MooringError | None = None) -> None:
        self._why = error
        if self.holds == "old":
            # The board was not changed, and the vault has what it had: nothing is open.
            self._settle("refused")
            if self._copy:
                self._go(State.DROPPING)
                return
        super()._give_up(error)

    def _dropping(self, event: Event) -> bool:
        if isinstance(event, Entered):
            self._do(DropEntry(self._copy))
            return True
        return super()._dropping(event)

    def _dropped(self) -> None:
        self.entry, self._copy = self.kept.id, ""
        super()._give_up(self._why)

    def _done(self) -> None:
        self.extra = {"restored": self.kept.id}
        super()._done()
