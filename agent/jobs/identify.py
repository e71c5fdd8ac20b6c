"""Identify: read what a board is, and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.errors import BoardSilent, MooringError
from agent.jobs.board_steps import BoardSteps
from agent.jobs.effects import Done, Entered, Event, Learn
from agent.jobs.flash_effects import AskBoard
from agent.jobs.machine import Rule
from agent.jobs.states import LOOK_LIMIT_S, READ_LIMIT_S, State
from agent.sessions.session import BoardFacts

if TYPE_CHECKING:
    from agent.jobs.which import BoardSays


class Identify(BoardSteps):
    """Result: the fields of :class:`agent.sessions.session.BoardFacts`."""

    def __init__(self, *, attended: bool, may_be_1: bool = False, only_1: bool = False) -> None:
        """``may_be_1``: there is a 1.0 sketch for this model, and it is not known what it runs.

        Such a board is asked in 1.0 first, which takes 2 s at most; any other only after half a
        minute of silence in 2.0. ``only_1``: there is no 2.0 sketch for this model.
        """
        super().__init__(attended=attended)
        self._silence: MooringError | None = BoardSilent(seconds=2) if only_1 else None
        if may_be_1:
            self.state = State.LOOKING
        self.rules |= {
            State.LOOKING: Rule(self._looking, LOOK_LIMIT_S, self._fail, self._stop),
            State.READING: Rule(self._reading, READ_LIMIT_S, self._unread, self._stop),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [("read", "Read the board")]

    def _looking(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("read", "Read the board", "Asking in provisioning 1.0")
                self._do(AskBoard(0.0))
            case Done(AskBoard(), says):
                self._heard(says)
            case _:
                return False
        return True

    def _heard(self, says: BoardSays) -> None:
        if says.answer in {"1.0", "console"}:
            self._effects.append(Learn(installed="1.0"))
            self._complete("the sketch of provisioning 1.0 answers")
            self._close(result=msgspec.to_builtins(BoardFacts(protocol="1.0")))
        elif self._silence is not None:
            self._fail(self._silence)
        else:
            self._go(State.READING)

    def _unread(self, error: MooringError) -> None:
        unasked = self._silence is None and self.via == "usb"
        if isinstance(error, BoardSilent) and unasked:
            self._silence = error
            self._go(State.LOOKING)
        else:
            self._fail(error)

    def _was_read(self) -> None:
        self._close(result=msgspec.to_builtins(self.facts))
