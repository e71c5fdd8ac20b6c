"""What the journal says about a board of nRF Cloud, and what a killed agent left of it.

Nothing is owed: a claim stays, commands stay queued, and the same job goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.jobs.facts import Fact

CLAIMING = "nrf-claiming"
"""``{cloud, title, name, device_id, imei, portal}``: the cloud is about to be asked."""
CLAIMED = "nrf-claimed"
"""``{before}``: the team has the board."""
QUEUEING = "nrf-queueing"
"""``{cloud, title, name, device_id, imei, portal}``: commands are about to be queued."""
QUEUED = "nrf-queued"
"""``{ids}``: they are."""
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
    imei: str = ""
    """By which older firmware calls the device; empty: it was not known."""
    portal: str = ""
    """What a link to a device begins with; empty: there is no portal."""
    before: bool = False
    """The team had the board already."""
    ids: list[str] = []
    """Of the commands that were queued."""


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


NOT_CLAIMED: Final = "Your team has not {name} in {cloud}: nothing was left there."
STILL_CLAIMED: Final = "{name} is still claimed by your team in {cloud}. Remove it once more."
CLAIMED_SO_FAR: Final = (
    "{name} is claimed by your team in {cloud}; it has not done all its commands. Do it again: it goes "
    "on from there."
)
QUEUED_SO_FAR: Final = (
    "Commands for {name} wait in {cloud}: {count}. The board does them when it asks for them."
)
_LEFT: Final = {
    CLAIMING: "{name} may be claimed by your team in {cloud}. Do it again: it goes on from there.",
    CLAIMED: (
        "{name} is claimed by your team in {cloud}; it was not seen there. Do it again: it goes on from "
        "there."
    ),
    QUEUEING: (
        "Whether commands for {name} are queued in {cloud} is not known. Do it again: those that wait "
        "there are not queued twice."
    ),
    QUEUED: "Commands for {name} are queued in {cloud}; it was not seen to do them.",
    GIVING_UP: "Whether {name} is still claimed in {cloud} is not known. Remove it once more.",
}


def left_words(work: OpenWork, what: str = "", count: int = 0) -> str:
    """What is left; ``what`` the cloud says of it, empty: as far as the journal knows."""
    said = what or _LEFT[work.stage]
    return said.format(name=clean_text(work.name), cloud=clean_text(work.title), count=count)


def _known(facts: Sequence[Fact]) -> tuple[dict[str, Any], str]:
    known: dict[str, Any] = {}
    last = ""
    for fact in facts:
        if fact.kind in _KINDS:
            known, last = known | fact.data, fact.kind
    return known, last
