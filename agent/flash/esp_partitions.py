"""The partition table in the flash of an Espressif chip, and the settings area (NVS) in it.

Source: ESP-IDF documentation, “Partition Tables”; espressif/esp-idf:
components/partition_table/gen_esp32part.py.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Final

import msgspec

from agent.errors import NvsRefused
from agent.flash.esp_image import PARTITION_MAGIC, PARTITIONS_AT
from agent.settings import clean_text

TABLE_AT: Final = PARTITIONS_AT
"""Where it is unless the firmware was built for another place."""
TABLE_BYTES: Final = 0xC00
DATA, NVS = 0x01, 0x02
"""Type and subtype of a settings area."""
USUAL_LABEL: Final = "nvs"
"""The one that firmware opens when it does not name one (``Preferences`` of Arduino too)."""

_ENTRY: Final = struct.Struct("<2sBBII16sI")
_DIGEST_MARK: Final = b"\xeb\xeb" + b"\xff" * 14
_ENCRYPTED, _READ_ONLY = 1, 2

_CHOOSE: Final = "Name the partition that the firmware opens (--nvs-partition)."
_OTHER_WAY: Final = "Use another delivery: the serial console, or a header file for the sketch."


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    label: str
    type: int
    subtype: int
    offset: int
    size: int
    encrypted: bool = False
    read_only: bool = False


def read_table(data: bytes) -> list[Partition]:
    """The partitions of a table; raises :class:`NvsRefused` if this is none."""
    found: list[Partition] = []
    for place in range(0, min(len(data), TABLE_BYTES) - _ENTRY.size + 1, _ENTRY.size):
        entry = data[place : place + _ENTRY.size]
        if entry.startswith(_DIGEST_MARK):
            if hashlib.md5(data[:place], usedforsecurity=False).digest() != entry[16:]:
                raise _no_table("its check value is wrong")
            break
        magic, kind, subtype, offset, size, label, flags = _ENTRY.unpack(entry)
        if magic != PARTITION_MAGIC:
            break
        found.append(
            Partition(
                label=clean_text(label.partition(b"\0")[0].decode(errors="replace"), 16),
                type=kind,
                subtype=subtype,
                offset=offset,
                size=size,
                encrypted=bool(flags & _ENCRYPTED),
                read_only=bool(flags & _READ_ONLY),
            )
        )
    if not found:
        raise _no_table(_why_none(data))
    return found


def settings_area(table: list[Partition], label: str = "") -> Partition:
    """The NVS partition: the one with this label, else the usual one, else the only one.

    Raises :class:`NvsRefused` if there is none, or none that may be written.
    """
    areas = [each for each in table if (each.type, each.subtype) == (DATA, NVS)]
    wanted = [each for each in areas if each.label == (label or USUAL_LABEL)]
    chosen = wanted or ([] if label else areas)
    if len(chosen) != 1:
        names = ", ".join(each.label for each in areas) or "none"
        raise NvsRefused(
            problem=f"there is no partition {label}" if label else "it is not clear which one",
            why=f"Settings areas in the partition table: {names}.",
            action=_CHOOSE if areas else _OTHER_WAY,
        )
    area = chosen[0]
    if area.encrypted or area.read_only:
        state = "encrypted" if area.encrypted else "read-only"
        raise NvsRefused(
            problem=f"it is {state}",
            why=f"The partition table marks {area.label} as {state}.",
            action=_OTHER_WAY,
        )
    return area


def _why_none(data: bytes) -> str:
    if data.strip(b"\xff") == b"":
        return "nothing is there"
    return "what is there is no table: the flash is encrypted, or the table is at another place"


def _no_table(why: str) -> NvsRefused:
    return NvsRefused(
        problem="the partition table of the chip cannot be read",
        why=f"At {TABLE_AT:#x}, {why}.",
        action=_OTHER_WAY,
    )
