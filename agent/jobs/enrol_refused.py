"""What a person can do where the cloud made no device: as administrator, on the server, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import EnrolNotPrepared, EnrolRefused, EnrolUnusable, EnrolUsedUp
from agent.jobs import questions
from agent.jobs.enrol_questions import NAME
from agent.jobs.job import Action, Question
from agent.jobs.machine import Inquiry
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.clouds.vault_view import VaultEntry
    from agent.errors import MooringError

ADMINISTRATOR: Final = "administrator"
REPLACE: Final = "replace"

_STOP: Final = Action(id=questions.STOP, label="Stop")
_RENAME: Final = Action(id=NAME, label="Use another name", needs="name")
_TWO_WAYS: Final = (
    "If it is this board, the administrator can read the credentials that the server has, and "
    "nothing changes for anybody; or replace them, and whoever uses the old ones is cut off at "
    "once. Its history stays in both cases."
)
_FREE: Final = (
    "open {name}, tab Attributes, choose “Server attributes” and delete the attribute "
    "provisionState."
)


def refused(
    error: MooringError,
    *,
    name: str,
    administrator: bool,
    exists: bool,
    unsure: bool,
    safe: str,
    reason: str = "",
) -> Inquiry:
    """The cloud made no device, or nobody knows whether it did (``unsure``).

    ``exists``: the administrator has seen a device of this name; ``reason``: why to look twice.
    """
    report = error.report()
    again, actions, by_hand = "Ask again", [], on_the_server(error, name)
    if exists and administrator:
        by_hand = _TWO_WAYS
        if not isinstance(error, EnrolUnusable):
            label = "It is this board: give it the credentials that the server has for it"
            actions.append(Action(id=ADMINISTRATOR, label=label))
        label = "Give it new ones; those that it has now stop at once"
        actions.append(Action(id=REPLACE, label=label))
    if isinstance(error, EnrolUsedUp) and administrator:
        label = "Free it as administrator and ask again"
        actions.append(Action(id=ADMINISTRATOR, label=label))
    if by_hand and not exists:
        again = "Done: ask again"
    actions.append(Action(id=questions.RETRY, label=again))
    if not unsure:
        # Else it is this name whose device may exist, and the end has to say so.
        actions.append(_RENAME)
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=" ".join(filter(None, [report.meaning, by_hand or report.remedy])),
            reason=reason,
            safe=safe,
            error=report,
            actions=[*actions, _STOP],
        ),
        questions.STOP,
    )


def other_holder(entries: Iterable[VaultEntry], hardware_id: str) -> str:
    """A sentence if the vault knows this device as another board; empty: it does not."""
    for entry in entries:
        known = entry.state == "proven" and entry.hardware_id and hardware_id
        if known and entry.hardware_id != hardware_id:
            shown = clean_text(entry.board_name or entry.board)
            return (
                f"Look twice: by the vault this device is {shown} ({entry.hardware_id}), and this "
                f"board is {hardware_id}. Two boards cannot be one device."
            )
    return ""


def on_the_server(error: MooringError, name: str) -> str:
    """What a person does on the server's own pages, so that asking again helps; empty: nothing."""
    match error:
        case EnrolUsedUp():
            return f"On the server: {_FREE.format(name=name)} Its history stays."
        case EnrolNotPrepared(facts={"profile": profile}):
            return (
                f"On the server: Entities → Devices → “+” → Add new device, name {name}, device "
                f"profile {profile}. If this name exists in another profile: edit it, and choose "
                "this one."
            )
        case EnrolRefused():
            return (
                f"On the server: open Entities → Devices and look for {name}. Not there: make it "
                "there, if the profile takes prepared devices only; else the tenant may have as "
                f"many as it may. There, and it is this board, of a profile of prepared devices: "
                f"{_FREE.format(name=name)} Of a profile that makes devices: delete it (its history "
                "goes with it), or add an administrator to this cloud's account, who can give the "
                "board its credentials. Not this board: use another name."
            )
    return ""
