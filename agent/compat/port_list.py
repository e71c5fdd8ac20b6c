"""Our boards as the list of ports that pages know. Source: agent-api-compat.md, 7.2."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from agent.compat import messages
from agent.compat.info import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.boards.board import Board, Port

ListedPort: TypeAlias = dict[str, str | bool | int]


class PortList:
    """The list of now."""

    def __init__(self, boards: Callable[[], Iterable[Board]]) -> None:
        self.is_open: Callable[[str], bool] = lambda _port: False
        """Whether a page has a port open through us; the serial part of the interface says it."""
        self._boards = boards
        self._last: list[ListedPort] = []

    def text(self) -> str:
        """The message that says it."""
        return messages.port_list(listed(self._boards(), self.is_open))

    def is_new(self) -> bool:
        """Whether it differs from what it was when this was asked before."""
        before, self._last = self._last, listed(self._boards(), self.is_open)
        return before != self._last


def listed(boards: Iterable[Board], is_open: Callable[[str], bool]) -> list[ListedPort]:
    """Serial ports with USB ids, in the order of their names: pages flicker if the order changes."""
    found = {port.address: port for board in boards for port in board.ports if _is_for_pages(port)}
    return [_entry(found[name], is_open(name)) for name in sorted(found)]


def _is_for_pages(port: Port) -> bool:
    """Ids of zero are none, and commands cannot name a port with a blank in it."""
    return port.kind == "serial" and bool(port.vid and port.pid) and " " not in port.address


def _entry(port: Port, is_open: bool) -> ListedPort:
    return {
        "Name": port.address,
        "SerialNumber": port.serial_number or "",
        "DeviceClass": "",
        "IsOpen": is_open,
        "IsPrimary": False,
        "Baud": 0,
        "BufferAlgorithm": "",
        "Ver": VERSION,
        "VendorID": f"0x{port.vid or 0:04X}",
        "ProductID": f"0x{port.pid or 0:04X}",
    }
