"""What the journal says about a board of nRF Cloud, and what a killed agent left of it.

Nothing is owed: a claim stays, commands stay queued, and the same job goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.jobs.facts import Fact

CLAIMING = "nrf-claiming"
"""``{cloud, title, name, device_id}``: the cloud is about to be asked."""
CLAIMED = "nrf-claimed"
"""The team has the board."""
QUEUEING = "nrf-queueing"
"""``{cloud, title, name, device_id}``: commands are about to be queued."""
QUEUED = "nrf-queued"
"""They are."""
GIVING_UP = "nrf-giving-up"
"""``{cloud, title, name, device_id}``: the board is about to be unclaimed."""
ENDED = "nrf-ended"
"""``{result}``: all is done; null: it ended early, or nothing was done."""

_KINDS = (CLAIMING, CLAIMED, QUEUEING, QUEUED, GIVING_UP, ENDED)


class OpenWork(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was begun in the cloud and not brought to its end."""

    stage: str
    """The last fact."""
    cloud: str
    title: str
    name: str
    device_id: str


def open_work(facts: Sequence[Fact]) -> OpenWork | None:
    """What is open after these facts, oldest first; None: nothing."""
    known, last = _known(facts)
    if not last or last == ENDED:
        return None
    return msgspec.convert({**known, "stage": last}, OpenWork)


def done_result(facts: Sequence[Fact]) -> dict[str, Any] | None:
    """The result of a job that was done when the agent was killed; None for any other."""
    known, last = _known(facts)
    return known.get("result") if last == ENDED else None


def left_words(work: OpenWork) -> str:
    """What may be left, as far as the journal knows."""
    name, cloud = clean_text(work.name), clean_text(work.title)
    match work.stage:
        case "nrf-claiming":
            left = f"{name} may be claimed by your team in {cloud}."
        case "nrf-claimed":
            left = f"{name} is claimed by your team in {cloud}; it was not seen online."
        case "nrf-queueing":
            left = f"Whether its commands are queued in {cloud} is not known: look there first."
        case "nrf-queued":
            left = f"The commands for {name} are queued in {cloud}; it was not seen to do them."
        case _:
            left = f"Whether {name} is still claimed in {cloud} is not known."
    again = "Do it again: it goes on from there."
    return left if work.stage == QUEUEING else f"{left} {again}"


def _known(facts: Sequence[Fact]) -> tuple[dict[str, Any], str]:
    known: dict[str, Any] = {}
    last = ""
    for fact in facts:
        if fact.kind in _KINDS:
            known, last = known | fact.data, fact.kind
    return known, last
