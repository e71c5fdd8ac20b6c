"""Over which link a job talks to its board, and what that rules out. Pure functions.

A board with both links is used over the cable unless a person chooses otherwise: it is faster, and
only there a sketch can be written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.boards.board import AP_ONLY, VIA_NAMES, BoardState, in_use
from agent.errors import BleNotHeard, InputError, NeedsCable, NotSupported, PortGone
from agent.jobs.guide import guide_of
from agent.jobs.job import JobKind
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from agent.boards.board import Board, BoardChanges, Port, Via
    from agent.catalog import Model
    from agent.errors import MooringError, PortBusy
    from agent.jobs.request import Request
    from agent.jobs.which import Procedure

OVER: Final[dict[Via, str]] = {via: f"over {name}" for via, name in VIA_NAMES.items()}

BY_CABLE: Final[dict[JobKind, str]] = {
    JobKind.FLASH: "have a sketch written to it",
    JobKind.MIGRATE: "be updated to provisioning 2.0",
    JobKind.START: "have its sketch started",
}
"""Kinds of job that need the bootloader, and what the board needs the cable for."""

_PROCEDURES: Final[dict[Procedure, str]] = {
    "migrate": BY_CABLE[JobKind.MIGRATE],
    "flash-then-2.0": "have the provisioning sketch written to it",
    "provision-1.0": "be set up with provisioning 1.0",
    "lora-1.0": "be set up for LoRa",
}

WRITES: Final = "Sketches are written over a cable; Bluetooth has no way to the bootloader."
BLYNK_ALONE: Final = "It runs Blynk's firmware, which takes a network and a token of Blynk alone."
CONNECT_IT: Final = "Connect the board with a USB cable, then start again over USB."
CHOOSE_USB: Final = "Its cable is connected: start again and choose USB."


def choose_via(
    request: Request,
    board: Board,
    model: Model | None,
    air_problem: MooringError | None = None,
) -> Via:
    """The link for this job: as the person chose, else the cable if there is one.

    Raises :class:`NeedsCable` for work that the air cannot do, :class:`PortGone` for a board that
    is not there, and :class:`BleNotHeard` for one that is not heard, or ``air_problem``: while the
    radio is off nobody is to reset a board for that. A board that is to be used in its own network is
    held on the link that it has.
    """
    if request.via == "ap" and request.access_point is None:
        raise InputError(field="via", problem=AP_ONLY)
    via = usual_via(board) if request.via in {None, "ap"} else request.via
    what = BY_CABLE.get(request.kind) or _PROCEDURES.get(request.procedure or "provision-2.0")
    if what is not None and via == "ble":
        raise needs_cable(board, what, WRITES)
    if via == "usb" and board.ports and not ports_by(board, "usb"):
        raise needs_cable(board, "be used over USB", "It is heard over Bluetooth only.")
    if via == "ble" and not ports_by(board, "ble"):
        raise air_problem or BleNotHeard(board=_shown(board), action=wake(model))
    if not board.ports:
        raise PortGone(port=_shown(board))
    return via


def usual_via(board: Board) -> Via:
    """The link that is taken when nobody chose one."""
    return "ble" if board.ports and not ports_by(board, "usb") else "usb"


def needs_cable(board: Board, what: str, why: str) -> NeedsCable:
    """The error for ``what`` cannot be done through the air."""
    wired = bool(ports_by(board, "usb"))
    return NeedsCable(
        board=_shown(board), what=what, why=why, action=CHOOSE_USB if wired else CONNECT_IT
    )


def wake(model: Model | None) -> str:
    """How the Bluetooth of a board of this model is switched on again."""
    guide = guide_of(model)
    if guide is None:
        return "Move it nearer, close other programs that use it, or use a cable."
    return (
        f"Move it nearer, or bring its Bluetooth back: {guide.gesture} (this erases its network "
        "settings); or use a cable."
    )


def only_blynk(board: Board) -> NotSupported:
    """The error for a board with Blynk's firmware that is heard, in a job for other boards."""
    return NotSupported(
        model=_shown(board),
        what="be used in this way over Bluetooth",
        why=BLYNK_ALONE,
        action="Set it up with the cloud Blynk; or connect it with a cable and write another sketch.",
    )


def ports_by(board: Board, via: Via) -> list[Port]:
    """The ports of the board on this link."""
    return [port for port in board.ports if port.via == via]


def addresses(board: Board) -> set[str]:
    """Addresses of its ports on the link that it is used over."""
    return {port.address for port in board.ports if port.via == (board.via or port.via)}


def in_bootloader(board: Board, via: Via) -> bool:
    """Its bootloader runs, as far as this link shows; a bootloader has no Bluetooth."""
    return via == "usb" and board.state is BoardState.BOOTLOADER


def is_away(board: str, changes: BoardChanges) -> bool:
    """Whether ``changes`` say that nothing of the board is left on the link that it is used over."""
    return board in changes.vanished or any(
        changed.id == board and changed.state is BoardState.UNREACHABLE
        for changed in changes.changed
    )


def moved(board: str, before: AbstractSet[str], changes: BoardChanges) -> bool:
    """Whether the board has none of its ports any more: its absence was too short to be seen."""
    return any(
        changed.id == board and before.isdisjoint(addresses(changed)) for changed in changes.changed
    )


def busy(board: Board, request: Request) -> PortBusy:
    """The error for a board that somebody uses; over the other link it has one more reason."""
    wanted = request.via or usual_via(board)
    return in_use(_shown(board), board.holder or "", board.via, wanted)


def _shown(board: Board) -> str:
    return clean_text(board.name)
