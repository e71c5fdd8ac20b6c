"""What a refusal of the serial console means to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import (
    DeliveryFailed,
    DeliveryUnproven,
    DigestDiffers,
    MooringError,
    OtherBoard,
    OtherDelivery,
    SettingNotTaken,
    SettingsTooLong,
)
from agent.protocols import board_keys
from agent.protocols.console.talk import Failure, Reason
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_TAKEN: Final = {
    "key": "It has no such setting.",
    "value": "It has the setting, but not this value of it.",
    "group": "It takes no settings of this kind.",
}


def console_error(failure: Failure, values: Mapping[str, bytes], hardware_id: str) -> MooringError:
    """The error for a conversation that failed; ``values`` is what was to be put on the board."""
    match failure.reason:
        case Reason.UNPROVEN:
            return DeliveryUnproven()
        case Reason.OTHER_HOST:
            return OtherDelivery()
        case Reason.OTHER_BOARD:
            found = " ".join(failure.words) or "a board without a hardware id"
            return OtherBoard(expected_board=hardware_id, found_board=found)
        case Reason.DIGEST:
            return DigestDiffers(why="it received something else, several times.")
        case Reason.NOT_STORED:
            return DigestDiffers(why="its memory does not keep what is written.")
        case Reason.RESTARTING:
            return DeliveryFailed(why="It restarted in the middle, again and again.")
        case Reason.SILENT:
            return DeliveryFailed(why=f"It fell silent ({_line(failure)}).")
        case _:
            return _refusal(failure, values)


def _refusal(failure: Failure, values: Mapping[str, bytes]) -> MooringError:
    word, *rest = failure.words or ("",)
    limit = int(rest[0]) if rest and rest[0].isdigit() and len(rest[0]) < 10 else None
    if word in _NOT_TAKEN:
        group = _group(failure)
        return SettingNotTaken(field=_field(failure), why=_NOT_TAKEN[word], group=group)
    if word == "long":
        size = len(values.get(failure.key, b""))
        group = _group(failure)
        return SettingsTooLong(field=_field(failure), size=size, limit=limit, group=group)
    if word == "full":
        size = len(board_keys.table(values))
        return SettingsTooLong(field="all settings together", size=size, limit=limit)
    if word == "store":
        return DeliveryFailed(why="Its memory could not be written.")
    said = clean_text(" ".join(failure.words))
    return DeliveryFailed(why=f"It answered “{said}” ({_line(failure)}).")


def _field(failure: Failure) -> str:
    key = board_keys.BY_NAME.get(failure.key)
    return f"{key.field} ({key.name})" if key is not None else "network or cloud"


def _group(failure: Failure) -> str:
    """Part of the settings that the key belongs to; empty: it was no key."""
    key = board_keys.BY_NAME.get(failure.key)
    return key.group if key is not None else ""


def _line(failure: Failure) -> str:
    """The line that it was, without its value."""
    return f"{failure.verb} {failure.key}".strip()
