"""Which delivery a board gets its settings by, why, and what is told where there is none. Pure.

The rule: the deliveries are tried in the order console, REPL, NVS, because each of them disturbs
the board more than the one before, and the first that answers is taken; those behind it are not
tried any more. A board whose USB port calls itself MicroPython or CircuitPython is asked for its
prompt first: a console that is not there costs 12 s. The loader of a chip always answers, whatever
the sketch does. So where NVS alone is left, and its area does not show that a sketch got its
settings there before, a person is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import BoardHasNoDelivery
from agent.jobs.enrol_effects import Looked, WayKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.boards.board import Board, Port
    from agent.errors import MooringError
    from agent.jobs.enrol_effects import Found, Way
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
    "repl": "A Python prompt answered.",
    "nvs": "Neither a sketch with the console nor a Python prompt answered.",
}
ASKED_FOR: Final = "It was asked for."
CHOSEN: Final = "You chose it."
_MICROPYTHON: Final = "micropython"
"""Manufacturer in the USB descriptors; source: micropython/micropython: shared/tinyusb."""
_CIRCUITPYTHON: Final = "circuitpython"
"""First word of the name of its serial port, whoever made the board; only Linux tells this name.
Source: adafruit/circuitpython: shared-module/usb_cdc/__init__.c."""
_ASKING: Final[dict[DeliveryKind, str]] = {
    "console": "Asking for a sketch with the serial console",
    "repl": "Asking for MicroPython or CircuitPython",
    "nvs": "Asking the loader of the chip",
}
_UNTRIED: Final = "It was not tried: another way answered before."
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


def in_order(kinds: Iterable[DeliveryKind], board: Board) -> list[DeliveryKind]:
    """In which order the ways are tried with this board."""
    python = any(_says_python(port) for port in board.ports)
    return sorted(kinds, key=lambda kind: kind != "repl") if python else list(kinds)


def _says_python(port: Port) -> bool:
    said = (port.manufacturer or "").lower(), (port.interface or "").lower()
    return _MICROPYTHON in said[0] or said[1].startswith(_CIRCUITPYTHON)


def asking_for(kind: DeliveryKind) -> str:
    """What a person reads meanwhile, which may be for twelve seconds."""
    return _ASKING[kind]


def untried(kind: DeliveryKind) -> Looked:
    """One behind that which answered; nothing says that the board has it not."""
    return Looked(kind, "untried", _UNTRIED)


def none_of(kind: DeliveryKind, error: MooringError) -> Looked:
    """One that did not answer, with what the error says of it as a sentence."""
    told = error.report().title
    if isinstance(error, BoardHasNoDelivery):
        told = str(error.facts["tried"]).partition(": ")[2] or "no answer"
    return Looked(kind, "none", f"{told[:1].upper()}{told[1:].rstrip('.')}.")


def shown_ways(found: Found | None) -> list[dict[str, Any]]:
    """What a job tells of all ways: ``{kind, label, state, why}``; a header file is always one."""
    looked = found.looked if found is not None else ()
    header = Looked("header", "untried", _ALWAYS)
    return [
        {"kind": each.kind, "label": LABELS[each.kind], "state": each.state, "why": each.why}
        for each in (*looked, header)
    ]


def tried_text(looked: Iterable[Looked]) -> str:
    """What was tried and what each answered, for :class:`agent.errors.BoardHasNoDelivery`."""
    return "; ".join(
        _small(f"{LABELS[each.kind]}: {_small(each.why)}").rstrip(".")
        for each in looked
        if each.state == "none"
    )


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
