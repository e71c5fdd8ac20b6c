"""What the journal says about a device whose credentials are on their way to a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.jobs.facts import Fact

ASKING = "enrol-asking"
"""``{cloud, name, entry}``: the cloud is about to be asked; the vault has what is sent."""
GIVEN = "enrol-given"
"""``{name, kept}``: the cloud said yes; ``kept``: the vault has the reply."""
PUTTING = "enrol-putting"
"""``{way}``: the board is about to get its settings."""
PUT = "enrol-put"
"""``{network, hardware_id}``: the board proved that it holds them."""
ENDED = "enrol-ended"
"""``{how, connected?}``: ``refused`` (nothing was made), ``connected`` (who says so: ``board`` or
``server``), ``unseen``, or ``handed over`` (a header file)."""

FILE_GONE = (
    "Its file was in memory only and is gone; with the same name the job makes the same file again."
)
"""What a person reads of a header file or an image that nobody has fetched."""

Stage: TypeAlias = Literal["asking", "given", "putting", "put"]
_STAGES: dict[str, Stage] = {ASKING: "asking", GIVEN: "given", PUTTING: "putting", PUT: "put"}


class OpenEnrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A device that was begun and is neither refused nor on its board."""

    cloud: str
    name: str
    entry: str
    """Of the vault."""
    stage: Stage = "asking"
    kept: bool = True
    """The vault has the cloud's reply."""
    way: str = ""
    network: str = ""
    hardware_id: str = ""
    since: float
    """When the cloud was asked, or later the board was about to get its settings (Unix seconds)."""


def open_enrolment(facts: Iterable[Fact]) -> OpenEnrolment | None:
    """What is open after these facts, oldest first; None: nothing."""
    found: OpenEnrolment | None = None
    for fact in facts:
        if fact.kind == ASKING:
            found = msgspec.convert({**fact.data, "since": fact.at}, OpenEnrolment)
        elif fact.kind == ENDED:
            found = None
        elif found is not None and fact.kind in _STAGES:
            changes: dict[str, Any] = {"stage": _STAGES[fact.kind], **fact.data}
            if fact.kind == PUTTING:
                changes["since"] = fact.at
            found = msgspec.structs.replace(found, **changes)
    return found


def enrol_result(facts: Iterable[Fact]) -> dict[str, Any] | None:
    """The result of a job whose device was given to its board; None for any other end.

    A header file was in memory only, so that a job that made one is not done without it.
    """
    known = _last(facts)
    if known.get("how") not in {"connected", "unseen"}:
        return None
    open_ = msgspec.convert(known | {"since": 0.0}, OpenEnrolment)
    return result_of(open_, connected=known.get("connected"))


def file_left(facts: Iterable[Fact]) -> str | None:
    """What is left of a job that had made a file when the agent ended; None for any other end."""
    known = _last(facts)
    if known.get("how") != "handed over":
        return None
    kept = f"its credentials are in the vault (entry {known['entry']}). {FILE_GONE}"
    lost = "its credentials, which the vault could not keep, went with the file."
    return f"{known['name']} was made, and {kept if known['kept'] else lost}"


def _last(facts: Iterable[Fact]) -> dict[str, Any]:
    """What is known of the device that was asked for last."""
    known: dict[str, Any] = {}
    for fact in facts:
        if fact.kind == ASKING:
            known = {}
        if fact.kind in _STAGES or fact.kind == ENDED:
            known |= fact.data
    return known


def result_of(open_: OpenEnrolment, *, connected: str | None) -> dict[str, Any]:
    """What is known of a board after a restart, in the form of the usual result."""
    return {
        "device": open_.name,
        "cloud": open_.cloud,
        "link": "",
        "entry": open_.entry if open_.kept else "",
        "delivery": open_.way,
        "delivery_reason": "",
        "ways": [],
        "connected": connected,
        "network": open_.network or None,
        "hardware_id": open_.hardware_id,
        "procedure": "enrol",
        "files": [],
        "notes": [],
    }
