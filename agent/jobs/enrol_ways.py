"""Which delivery a board gets its settings by, why, and what is told where there is none. Pure.

The rule: the deliveries are tried in the order console, REPL, NVS, because each of them disturbs
the board more than the one before, and the first that answers is taken; those behind it are not
tried any more. The loader of a chip always answers, whatever the sketch does. So where NVS alone
is left, and its area does not show that a sketch got its settings there before, a person is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.jobs.enrol_effects import Looked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.jobs.enrol_effects import Found, Way, WayKind
    from agent.sessions.delivery import DeliveryKind

LABELS: Final[dict[WayKind, str]] = {
    "console": "Serial console of the sketch",
    "repl": "File on the board (Python)",
    "nvs": "Settings area of the chip (NVS)",
    "header": "Header file for the sketch",
    "image": "File to be flashed as settings area (NVS)",
}
_REASONS: Final[dict[WayKind, str]] = {
    "console": "The sketch on the board answered, and goes on running.",
    "repl": "No sketch with the console answered, but a Python prompt did.",
    "nvs": "Neither a sketch with the console nor a Python prompt answered.",
}
ASKED_FOR: Final = "It was asked for."
CHOSEN: Final = "You chose it."
_UNTRIED: Final = "It was not tried, because that stops what runs on the board."
_ALWAYS: Final = "It is possible wherever you compile the sketch yourself."


def reason_of(way: Way, *, asked_for: bool) -> str:
    """One sentence why this one."""
    if asked_for:
        return ASKED_FOR
    reason = _REASONS[way.kind]
    if way.kind == "nvs" and way.hardware.holds:
        return f"{reason} Its settings are in that area already."
    return reason


def is_unsure(way: Way) -> bool:
    """It can be written, but nothing shows that the sketch reads what is there."""
    return way.kind == "nvs" and not way.hardware.holds


def untried(kind: DeliveryKind) -> Looked:
    """One behind that which answered; nothing says that the board has it not."""
    return Looked(kind, "untried", _UNTRIED)


def shown_ways(found: Found | None) -> list[dict[str, Any]]:
    """What a job tells of all ways: ``{id, label, state, why}``; a header file is always one."""
    looked = found.looked if found is not None else ()
    header = Looked("header", "untried", _ALWAYS)
    return [
        {"id": each.kind, "label": LABELS[each.kind], "state": each.state, "why": each.why}
        for each in (*looked, header)
    ]


def tried_text(looked: Iterable[Looked]) -> str:
    """What was tried and what each answered, for :class:`agent.errors.BoardHasNoDelivery`."""
    return "; ".join(each.why for each in looked if each.state == "none")
