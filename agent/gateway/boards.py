"""The boards of this computer as sub-devices: who is there, and what is said of each.

Nothing here is personal: no name that somebody gave to a board, no network, no account. A board
that is only heard in the air may be a neighbour's, so it is told once a job here has had it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from agent.gateway.names import DEVICES_MAX
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.boards.board import Board, BoardChanges
    from agent.catalog import Catalog
    from agent.gateway.names import DeviceNames

USUAL_KIND: Final = "default"
"""The server's own profile, for a board that may be several models."""
TEXT_CHARS: Final = 100
"""Of a version: the longest in use have some 30."""
_FACTS: Final = {
    "sketch_version": "firmware",
    "wifi_firmware": "wifi_firmware",
    "library_version": "library",
}
"""What reading a board tells, and what it is called on the server."""


class Boards(Protocol):
    """The boards of this computer (:class:`agent.boards.service.BoardService`)."""

    def list(self) -> list[Board]:
        """All boards that are there or that a job expects back."""

    def subscribe(self, callback: Callable[[BoardChanges], None]) -> Callable[[], None]:
        """Call ``callback`` after each change; the result ends that."""


class Presence:
    """Which sub-devices are there, and what the server is to know of each.

    ``changed`` is called when there is something new to say.
    """

    def __init__(
        self, boards: Boards, catalog: Catalog, names: DeviceNames, changed: Callable[[], None]
    ) -> None:
        self._boards = boards
        self._catalog = catalog
        self._names = names
        self._changed = changed
        self.present: dict[str, str] = {}
        """Id of the board by the name of its device."""
        self._attributes: dict[str, dict[str, Any]] = {}
        self._learned: dict[str, dict[str, Any]] = {}
        """What jobs have read, by the name of the device; the latest of them last."""
        self._silent: set[str] = set()
        self._used: set[str] = set()

    def begin(self) -> Callable[[], None]:
        """Take the boards of now, and follow them; the result ends that."""
        end = self._boards.subscribe(self._take)
        for board in self._boards.list():
            self._see(board)
        self._changed()
        return end

    def attributes(self, name: str) -> Mapping[str, Any]:
        """All that is known of a device that is there."""
        return self._attributes.get(name, {})

    def kind(self, name: str) -> str:
        """The profile of a device that the server has to make."""
        return str(self.attributes(name).get("model_id") or USUAL_KIND)

    def board(self, name: str) -> Board | None:
        """The board behind a name, if it is there."""
        board_id = self.present.get(name)
        return next((each for each in self._boards.list() if each.id == board_id), None)

    def learn(self, name: str, result: Mapping[str, Any]) -> None:
        """A job has read the board."""
        told = {
            word: clean_text(str(result[fact]), TEXT_CHARS)
            for fact, word in _FACTS.items()
            if isinstance(result.get(fact), str)
        }
        device = result.get("device")
        if isinstance(device, dict):  # Improv Wi-Fi
            said = " ".join(str(device.get(part) or "") for part in ("firmware", "version")).strip()
            told |= {"firmware": clean_text(said, TEXT_CHARS)} if said else {}
        if result.get("application_sketch") is True:
            told["firmware"] = "application"
        if told:
            self._learned[name] = {**self._learned.pop(name, {}), **told}
            while len(self._learned) > DEVICES_MAX:
                del self._learned[next(iter(self._learned))]
            if name in self.present:
                self._attributes[name] = {**self._attributes[name], **told}
            self._changed()

    def used(self, board_id: str) -> None:
        """A job has this board."""
        self._used.add(board_id)
        for board in self._boards.list():
            if board.id == board_id:
                self._see(board)
        self._changed()

    def renamed(self, old: str, new: str) -> None:
        """The device has another name on the server."""
        if old in self.present:
            self.present[new] = self.present.pop(old)
        for table in (self._attributes, self._learned):
            if old in table:
                table[new] = table.pop(old)
        self._changed()

    def deleted(self, name: str) -> None:
        """Nothing is said of this board until it comes again: somebody deleted its device."""
        board_id = self.present.pop(name, None)
        self._attributes.pop(name, None)
        if board_id is not None:
            self._silent.add(board_id)
        self._changed()

    def _take(self, changes: BoardChanges) -> None:
        for board_id in changes.vanished:
            self._silent.discard(board_id)
            for name in [name for name, there in self.present.items() if there == board_id]:
                self._gone(name)
        for board in (*changes.appeared, *changes.changed):
            self._see(board)
        there = set(self.present.values())
        for board in self._boards.list():
            if board.id not in there:  # another face of the one that has gone
                self._see(board)
        self._changed()

    def _see(self, board: Board) -> None:
        if board.id in self._silent or not self._is_ours(board):
            return
        name = self._names.name_of(board)
        earlier = [each for each, there in self.present.items() if there == board.id]
        for other in earlier:
            if other != name:  # its hardware id was read, and the server knows it by that
                self._gone(other)
        self.present[name] = board.id
        self._attributes[name] = {**self._told(board), **self._learned.get(name, {})}

    def _gone(self, name: str) -> None:
        del self.present[name]
        del self._attributes[name]

    def _is_ours(self, board: Board) -> bool:
        on_a_cable = any(port.kind != "ble" for port in board.ports)
        known = board.uhwid is not None or self._names.known(board.id) is not None
        return on_a_cable or known or board.id in self._used

    def _told(self, board: Board) -> dict[str, Any]:
        model = self._catalog.get(board.model) if board.model is not None else None
        told: dict[str, Any] = {
            "board": board.id,
            "model": model.name if model is not None else "unknown",
            "link": board.via or "none",
            "provisioning_supported": ", ".join(board.provisioning.supported),
        }
        if model is not None:
            told["model_id"] = model.id
        if board.uhwid:
            told["unique_id"] = board.uhwid
        if board.provisioning.installed:
            told["provisioning"] = clean_text(board.provisioning.installed, TEXT_CHARS)
        return told
