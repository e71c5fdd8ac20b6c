"""What a job asks that makes a device in a cloud and delivers its credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.jobs import questions
from agent.jobs.job import Action, Question
from agent.jobs.machine import Inquiry

if TYPE_CHECKING:
    from agent.errors import MooringError

NAME: Final = "name"

_STOP: Final = Action(id=questions.STOP, label="Stop")
_NOTHING: Final = "Nothing was made in the cloud, and nothing was changed on the board."
_RENAME: Final = Action(id=NAME, label="Use another name", needs="name")


def which_name(error: MooringError) -> Inquiry:
    """There is no name, or the cloud cannot take it."""
    report = error.report()
    return Inquiry(
        Question(
            id=0,
            step="",
            title="What shall the device be called?",
            meaning=report.title,
            safe=_NOTHING,
            error=report,
            actions=[_RENAME, _STOP],
        ),
        questions.STOP,
    )


def replace_device(holds: str, name: str) -> Inquiry:
    """The board has the credentials of another device."""
    return Inquiry(
        Question(
            id=0,
            step="",
            title=f"Replace the settings of {holds} on this board?",
            meaning=(
                f"The board is the device {holds} now. With the settings of {name} it no longer "
                f"sends anything as {holds}; that device and its history stay in the cloud."
            ),
            safe=_NOTHING,
            actions=[
                Action(id=questions.OVERWRITE, label=f"Replace them with {name}"),
                _STOP,
            ],
        ),
        questions.STOP,
    )


def not_kept(error: MooringError, *, name: str) -> Inquiry:
    """The cloud said yes, but the vault cannot take its reply."""
    report = error.report()
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=f"{report.meaning} {report.remedy}",
            safe=f"{name} was made; its credentials are in memory only, until you decide.",
            error=report,
            actions=[
                Action(id=questions.RETRY, label="Try again"),
                Action(id=questions.CONTINUE, label="Go on without the vault"),
                Action(id=questions.STOP, label="Stop and lose them"),
            ],
        ),
        questions.CONTINUE,
    )
