"""What a job asks that puts credentials of the vault on a board again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.jobs import questions
from agent.jobs.job import Action, Question
from agent.jobs.machine import Inquiry

if TYPE_CHECKING:
    from agent.errors import MooringError

_SAFE: Final = "Nothing was changed, neither on the board nor in the vault."
_STOP: Final = Action(id=questions.STOP, label="Stop")


def other_board(error: MooringError, *, holds: str, name: str) -> Inquiry:
    """The credentials were given to another board; ``holds`` is the device that this one is now."""
    report = error.report()
    loses = ""
    if holds and holds != name:
        loses = f"It is {holds} now, and would send nothing as {holds} any more."
    return _warning(error, " ".join(filter(None, [report.meaning, loses])), f"Make it {name}")


def stale(error: MooringError) -> Inquiry:
    """The server does not take them any more."""
    report = error.report()
    return _warning(
        error, f"{report.meaning} {report.remedy}", "Put them on the board all the same"
    )


def _warning(error: MooringError, meaning: str, go_on: str) -> Inquiry:
    report = error.report()
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=meaning,
            safe=_SAFE,
            error=report,
            actions=[Action(id=questions.CONTINUE, label=go_on), _STOP],
        ),
        questions.STOP,
    )
