"""What boards are called on the server, kept over restarts in a small file.

The server knows a sub-device by its name alone: another name makes another device. So a board has
its name once and for all, whatever it is called here, and keeps it where somebody renames the
device on the server. A board is known by its id, and by its hardware id once that was read.
Source: cloud-thingsboard, section 10.4 (``connected_devices.json`` of the vendor's gateway).
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from agent.boards.identity import usable_serial
from agent.protocols.thingsboard.names import name_problem
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.boards.board import Board

FORMAT: Final = 1
DEVICES_MAX: Final = 1024
"""Names that are kept; the one of the board that was seen longest ago is forgotten. Twice as many
as boards that the agent remembers."""
BOARDS_MAX: Final = 8
"""Ids of one board: it has another one in each socket until its hardware id is read."""
FILE_LIMIT_BYTES: Final = 2_000_000
"""A larger file was not written by this program."""
MARK_BYTES: Final = 3

_log = logging.getLogger(__name__)


class NamedDevice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sub-device."""

    name: str
    """On the server."""
    boards: list[str]
    """Ids of its board, the latest last."""
    uhwid: str | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True):
    format: int = FORMAT
    mark: str = ""
    told: float = 0.0
    lost: int = 0
    devices: list[NamedDevice] = []


class DeviceNames:
    """The table; without a path it lasts as long as the process."""

    def __init__(
        self,
        path: Path | None = None,
        *,
        make_mark: Callable[[], str] = lambda: secrets.token_hex(MARK_BYTES),
    ) -> None:
        """``make_mark`` gives a few characters that no other agent has."""
        self._path = path
        self._make_mark = make_mark
        self._mark = ""
        self.told = 0.0
        """The server has the ends of all jobs up to that moment (Unix seconds); 0: of none."""
        self.lost = 0
        """Values that were lost when the agent ended last."""
        self._devices: dict[str, NamedDevice] = {}

    def load(self) -> None:
        """Read the file if there is one. A damaged one is set aside, and the log says so."""
        if self._path is None:
            return
        try:
            data = self._path.read_bytes()
            if len(data) > FILE_LIMIT_BYTES:
                raise msgspec.ValidationError("too large")
            file = msgspec.json.decode(data, type=_File)
            if file.format != FORMAT:
                raise msgspec.ValidationError(f"format {file.format}")
        except FileNotFoundError:
            return
        except OSError as error:
            _log.warning("%s cannot be read: %s", self._path, error.strerror)
            return
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            aside = self._path.with_suffix(".damaged")
            _log.warning("%s is damaged (%s); it is kept as %s", self._path, error, aside.name)
            with contextlib.suppress(OSError):
                self._path.replace(aside)
            return
        self._mark, self.told, self.lost = file.mark, file.told, file.lost
        usable = [each for each in file.devices if not name_problem(each.name)]
        self._devices = {each.name: each for each in usable[-DEVICES_MAX:]}

    def name_of(self, board: Board) -> str:
        """The name of a board's device; one that has none yet gets it now."""
        found = self._find(board.id, board.uhwid)
        if found is None:
            found = NamedDevice(name=self._new_name(board), boards=[board.id], uhwid=board.uhwid)
        elif board.id in found.boards and (not board.uhwid or board.uhwid == found.uhwid):
            return found.name
        else:
            ids = [each for each in found.boards if each != board.id]
            found = NamedDevice(
                name=found.name,
                boards=[*ids, board.id][-BOARDS_MAX:],
                uhwid=board.uhwid or found.uhwid,
            )
        self._put(found)
        self._save()
        return found.name

    def known(self, board_id: str) -> str | None:
        """The name of the board with this id, if it has one."""
        found = self._find(board_id, None)
        return found.name if found is not None else None

    def rename(self, old: str, new: str) -> bool:
        """Somebody renamed a device on the server; False: it is none of ours, or no name."""
        found = self._devices.get(old)
        if found is None or old == new or new in self._devices or name_problem(new):
            return False
        del self._devices[old]
        self._put(msgspec.structs.replace(found, name=new))
        self._save()
        return True

    def forget(self, name: str) -> bool:
        """Somebody deleted it on the server; False: it is none of ours."""
        if self._devices.pop(name, None) is None:
            return False
        self._save()
        return True

    def note_told(self, moment: float) -> None:
        """The server has the ends of all jobs up to ``moment``."""
        if moment > self.told:
            self.told = moment
            self._save()

    def note_lost(self, count: int) -> None:
        """The agent ends, and so many values are lost with it."""
        if count != self.lost:
            self.lost = count
            self._save()

    def _find(self, board_id: str, uhwid: str | None) -> NamedDevice | None:
        """By the hardware id first: an id may name a socket, in which another board is now."""
        by_id: NamedDevice | None = None
        for device in self._devices.values():
            if uhwid is not None and device.uhwid == uhwid:
                return device
            if board_id in device.boards and (uhwid is None or device.uhwid in {None, uhwid}):
                by_id = device
        return by_id

    def _new_name(self, board: Board) -> str:
        """The board's id; with a mark of this agent where the id names a socket of this computer."""
        name = board.id if _by_hardware(board) else f"{board.id}@{self._own_mark()}"
        number = 2
        wanted = name
        while name in self._devices:  # of the board that was in this socket before
            name, number = f"{wanted}-{number}", number + 1
        return name

    def _own_mark(self) -> str:
        self._mark = self._mark or self._make_mark()
        return self._mark

    def _put(self, device: NamedDevice) -> None:
        """As the one that was used last."""
        # Ids are of one board at a time: a socket belongs to the one that is in it.
        for name, other in list(self._devices.items()):
            left = [each for each in other.boards if each not in device.boards]
            if name != device.name and len(left) < len(other.boards):
                self._devices[name] = msgspec.structs.replace(other, boards=left)
        self._devices.pop(device.name, None)
        self._devices[device.name] = device
        while len(self._devices) > DEVICES_MAX:
            del self._devices[next(iter(self._devices))]

    def _save(self) -> None:
        if self._path is None:
            return
        file = _File(
            mark=self._mark,
            told=self.told,
            lost=self.lost,
            devices=list(self._devices.values()),
        )
        try:
            write_private(self._path, msgspec.json.format(msgspec.json.encode(file)), durable=False)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path, error.strerror)


def _by_hardware(board: Board) -> bool:
    """Whether its id is its own: made of a number of the device, and not of the socket it is in."""
    return any(port.kind == "ble" or usable_serial(port.serial_number) for port in board.ports)
