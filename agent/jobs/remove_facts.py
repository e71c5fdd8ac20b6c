"""What the journal says about a device that is being removed, and what a killed agent left of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from agent.errors import Interrupted, RemovalLeft
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.jobs.facts import Fact

BEGUN = "remove-begun"
"""``{cloud, title, name}``: the person agreed; the board is next."""
ERASED = "remove-erased"
"""``{erased}``: the board has no settings any more; false: it was not spoken to."""
DELETING = "remove-deleting"
"""The cloud is about to be asked."""
DELETED = "remove-deleted"
"""The device is gone; the vault is next."""
REMOVED = "remove-ended"
"""``{forgotten}``: all is done."""

_KINDS = (BEGUN, ERASED, DELETING, DELETED, REMOVED)
_PLAIN = re.compile(r"[\w.:@+-]+")
"""Names that a command takes as they are."""


def removal_left(facts: Sequence[Fact]) -> RemovalLeft | None:
    """What a killed job did and left that was removing a device; None: nothing was begun, or all done."""
    known, last = _known(facts)
    if last in {"", REMOVED}:
        return None
    return removal_error(known, last, Interrupted().report().title)


def removal_error(known: dict[str, Any], last: str, cause: str) -> RemovalLeft:
    """Why and where a removal ended, and the command that finishes it."""
    name = clean_text(known.get("name", ""))
    return RemovalLeft(
        name=name,
        what=command_word(name),
        cloud=clean_text(known.get("cloud", "")),
        state=removal_state(known, last),
        cause=cause,
    )


def command_word(name: str) -> str:
    """A name as a command takes it."""
    return name if _PLAIN.fullmatch(name) else f'"{name}"'


def removal_state(known: dict[str, Any], last: str) -> str:
    """Where board, device and vault are after the fact ``last``."""
    name, cloud = clean_text(known.get("name", "")), clean_text(known.get("title", ""))
    there = f"{name} is still in {cloud}, and the vault has its credentials."
    match last:
        case "remove-begun":
            return f"The board may have lost its settings. {there}"
        case "remove-erased":
            return f"{_board(known)} {there}"
        case "remove-deleting":
            return (
                f"{_board(known)} Whether {cloud} has deleted {name} is not known; the vault still "
                "has its credentials."
            )
    return f"{_board(known)} {name} is deleted in {cloud}; the vault still has its credentials."


def removal_result(facts: Sequence[Fact]) -> dict[str, Any] | None:
    """The result of a job that was done when the agent was killed; None for any other."""
    known, last = _known(facts)
    if last != REMOVED:
        return None
    names = ("erased", "forgotten")
    told = {name: known[name] for name in names if name in known}
    return {"device": known.get("name"), "cloud": known.get("cloud"), "procedure": "remove"} | told


def _board(known: dict[str, Any]) -> str:
    if known.get("erased"):
        return "The board has no settings any more."
    return "The board was not changed."


def _known(facts: Sequence[Fact]) -> tuple[dict[str, Any], str]:
    known: dict[str, Any] = {}
    last = ""
    for fact in facts:
        if fact.kind in _KINDS:
            known, last = known | fact.data, fact.kind
    return known, last
