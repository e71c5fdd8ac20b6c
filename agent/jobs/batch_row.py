"""A row of a batch as a value: which board, what is done with it, and what its device is called."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from agent.errors import InputError
from agent.jobs.enrol_base import HARDWARE_ID
from agent.jobs.enrol_effects import FILES
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.boards.board import Board

RowKind: TypeAlias = Literal["provision", "configure", "flash"]
By: TypeAlias = Literal["serial_number", "hardware_id", "port", "board", "next"]

SERIAL_NUMBER: Final = "{serial_number}"
MODEL: Final = "{model}"
PLACEHOLDERS: Final = "{n}, {n:04}, {model}, {serial_number}, {hardware_id}"
ANY: Final = "any"
"""In place of a model: whatever is plugged in."""
_NUMBER: Final = re.compile(r"\{n(?::0?([1-9]))?\}")
_BRACED: Final = re.compile(r"\{[^{}]*\}?|\}")
_KNOWN: Final = re.compile(r"\{n(?::0?[1-9])?\}|\{model\}|\{serial_number\}|\{hardware_id\}")


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is done with one board. No secret is in it."""

    n: int
    """Counts from 1; a row of the manifest with ``count`` makes several."""
    kind: RowKind
    by: By
    """How the board is told from others; ``next``: the next one that nobody else names."""
    value: str = ""
    """Serial number, hardware id, port or socket, id; empty for ``next``."""
    model: str = ""
    """Id in the catalogue, USB ids as ``303a:1001``, ``any``; empty: whatever the board is."""
    name: str = ""
    """A pattern; numbers are filled in already."""
    cloud: str = ""
    network: str = ""
    """``ssid:`` or ``file:`` and which; empty: the board keeps what it has."""
    credentials: str = ""
    delivery: str = ""
    sketch: str = ""
    """To be flashed: ``provisioning``, or id or name of one in the store."""
    file: str = ""
    """To be flashed."""
    confirmed: bool = False

    @property
    def by_hardware(self) -> bool:
        """The name is of the board itself, so that no other board can get it."""
        return HARDWARE_ID in self.name or (self.kind == "provision" and not self.name)

    @property
    def needs_board(self) -> bool:
        """Not where settings become a file and the manifest knows all of the device's name."""
        if self.kind != "provision" or self.delivery not in FILES or not self.name:
            return True
        return any(part in name_without_board(self) for part in (MODEL, SERIAL_NUMBER, HARDWARE_ID))


def check_pattern(pattern: str) -> str | None:
    """What is wrong with a name pattern, or None."""
    for braced in _BRACED.findall(pattern):
        if not _KNOWN.fullmatch(braced):
            return f"has {clean_text(braced)}, which is not one of {PLACEHOLDERS}"
    return None


def numbered(pattern: str, n: int) -> str:
    """The pattern with the number of its row: ``{n}`` and, with leading zeros, ``{n:04}``."""
    return _NUMBER.sub(lambda found: str(n).zfill(int(found.group(1) or 1)), pattern)


def name_without_board(row: Row) -> str:
    """The name as far as the manifest alone completes it."""
    name = row.name
    if row.model != ANY and ":" not in row.model:
        name = name.replace(MODEL, row.model or MODEL)
    if row.by == "serial_number":
        name = name.replace(SERIAL_NUMBER, clean_text(row.value.replace(":", "")))
    if row.by == "hardware_id":
        name = name.replace(HARDWARE_ID, clean_text(row.value.replace(":", "").lower()))
    return name


def name_for(row: Row, board: Board) -> str:
    """The name for this board; raises :class:`InputError` where it has no serial number."""
    name = row.name.replace(MODEL, board.model or row.model)
    if SERIAL_NUMBER in name:
        serial = next((port.serial_number for port in board.ports if port.serial_number), None)
        if serial is None:
            problem = f"has {SERIAL_NUMBER}, and the board tells none"
            raise InputError(field="name", problem=problem)
        name = name.replace(SERIAL_NUMBER, clean_text(serial.replace(":", "")))
    return name


def request_for(row: Row, board: Board | None) -> dict[str, Any]:
    """``jobs.start`` without what the manifest only names; raises :class:`InputError`."""
    request: dict[str, Any] = {"kind": row.kind}
    if row.kind == "provision":
        name = name_for(row, board) if board is not None else name_without_board(row)
        request |= {"cloud": row.cloud, "name": name}
    for field in ("credentials", "delivery", "sketch"):
        request[field] = getattr(row, field)
    if board is not None and row.model in board.candidates:
        request["model"] = row.model
    if row.confirmed or row.kind == "flash":
        # Who writes a sketch into the list knows that it overwrites one.
        request["confirmed"] = True
    given = {field: value for field, value in request.items() if value}
    return {"board": board.id if board is not None else ""} | given


def batch_id(name: str, rows: Iterable[Row]) -> str:
    """Names a batch by what is to be done: the same for the same manifest, however it is written."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass"))
    for row in rows:
        digest.update(b"\n%d " % row.n + row_content(row))
    return digest.hexdigest()[:16]


def row_content(row: Row) -> bytes:
    """All that a row says, but its number."""
    return msgspec.json.encode(msgspec.structs.replace(row, n=0), order="sorted")
