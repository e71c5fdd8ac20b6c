"""What a job asks that removes a device: what is lost, and what a person has to do on the server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from agent.jobs import questions
from agent.jobs.fates import Fate
from agent.jobs.job import Action, Question
from agent.jobs.machine import Inquiry

if TYPE_CHECKING:
    from agent.clouds.enrolment import DeviceLook
    from agent.errors import MooringError

DONE: Final = "done"
_STOP: Final = Action(id=questions.STOP, label="Stop")


def fates(
    name: str, cloud: str, look: DeviceLook | None, *, absent: bool, erase: bool, entries: int
) -> list[Fate]:
    """What goes and what stays; ``look`` is None where nobody may see it, or it is ``absent``."""
    found: list[Fate] = []
    if not absent:
        about = (
            f"Its profile is {look.profile}, {_seen(look.seen_at)}. " if look is not None else ""
        )
        history = "All that it ever sent, its attributes and its alarms go with it."
        found.append(Fate(what=f"{name} in {cloud}", fate="lost", detail=about + history))
    if erase:
        detail = "Network and cloud; it connects to nothing until it is set up again."
        found.append(Fate(what="the settings on the board", fate="lost", detail=detail))
        found.append(Fate(what="the sketch on the board", fate="kept"))
    else:
        found.append(
            Fate(
                what="what the board has", fate="kept", detail="It is not here, or not this device."
            )
        )
    if entries:
        what = "its entry in the vault" if entries == 1 else f"its {entries} entries in the vault"
        detail = "As soon as the server takes these credentials no longer."
        found.append(Fate(what=what, fate="lost", detail=detail))
    return found


def remove(name: str, cloud: str, told: list[Fate], *, by_hand: bool, reason: str) -> Inquiry:
    """Before anything is changed; ``reason`` to hesitate, if there is one."""
    meaning = "This cannot be undone. The name is free again afterwards."
    if by_hand:
        meaning += f" You delete the device on the pages of {cloud}; it is said when."
    return Inquiry(
        Question(
            id=0,
            step="",
            title=f"Remove {name} from {cloud} for good?",
            meaning=meaning,
            reason=reason,
            safe="Nothing was changed yet.",
            fates=told,
            actions=[
                Action(id=questions.CONTINUE, label=f"Remove {name} and all that is lost with it"),
                _STOP,
            ],
        ),
        questions.STOP,
    )


def delete_it(name: str, cloud: str, *, still: bool, safe: str) -> Inquiry:
    """No administrator is signed in, so the person deletes the device."""
    again = f"{cloud} still takes its credentials, so it is still there. " if still else ""
    return Inquiry(
        Question(
            id=0,
            step="",
            title=f"Delete {name} on the pages of {cloud}.",
            meaning=(
                f"{again}Open Entities → Devices, find {name}, and choose “Delete device”. Then go "
                "on here."
            ),
            safe=safe,
            actions=[Action(id=DONE, label="Done: it is deleted"), _STOP],
        ),
        questions.STOP,
    )


def not_deleted(error: MooringError, *, safe: str) -> Inquiry:
    """The cloud did not delete it, or its answer was lost; to ask again does no harm."""
    report = error.report()
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=f"{report.meaning} {report.remedy}".strip(),
            safe=safe,
            error=report,
            actions=[Action(id=questions.RETRY, label="Try again"), _STOP],
        ),
        questions.STOP,
    )


def _seen(at: float) -> str:
    if not at:
        return "it was never heard of"
    try:
        when = datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):  # of a server with a damaged clock
        return "last heard of at an unknown time"
    return f"last heard of {when:%Y-%m-%d %H:%M} UTC"
