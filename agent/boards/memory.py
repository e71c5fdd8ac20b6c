"""What was learned about boards, in this and in earlier lives, found by what speaks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.boards.known import KNOWN_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.boards.known import KnownBoard


class Memory:
    """Bounded like the file: what was put in first is forgotten first."""

    def __init__(self, entries: Iterable[KnownBoard] = ()) -> None:
        self._entries: dict[str, KnownBoard] = {}
        self._also: dict[str, KnownBoard] = {}
        self._hardware: dict[str, KnownBoard] = {}
        self._air: dict[str, KnownBoard] = {}
        for entry in entries:
            self.put(entry)

    def put(self, entry: KnownBoard) -> None:
        """Remember ``entry`` in place of what was known under its ids."""
        for board in entry.also:
            self._entries.pop(board, None)
            _put(self._also, board, entry)
        self._also.pop(entry.id, None)
        _put(self._entries, entry.id, entry)
        if entry.uhwid is not None:
            _put(self._hardware, entry.uhwid, entry)
        if entry.ble_address is not None:
            _put(self._air, entry.ble_address, entry)

    def named(self, board: str) -> KnownBoard | None:
        """The board of this id, also of one that it had before it was recognised."""
        earlier = self._also.get(board)
        return self._entries.get(board if earlier is None else earlier.id)

    def of(self, board: str) -> KnownBoard | None:
        """The same; if its hardware was learned under another id since, then that."""
        entry = self.named(board)
        latest = self.of_hardware(entry.uhwid) if entry is not None and entry.uhwid else None
        if entry is None or latest is None or latest.ble_address is not None:
            return latest or entry
        return msgspec.structs.replace(latest, ble_address=entry.ble_address)

    def of_hardware(self, uhwid: str) -> KnownBoard | None:
        """The board of this hardware id; of several, the one that was learned last."""
        return self._hardware.get(uhwid)

    def of_air(self, key: str) -> KnownBoard | None:
        """The board that is heard as this (``identity.air_key``)."""
        entry = self._air.get(key)
        now = self._entries.get(entry.id) if entry is not None else None
        return now if now is not None and now.ble_address == key else None


def _put(index: dict[str, KnownBoard], key: str, entry: KnownBoard) -> None:
    index.pop(key, None)
    while len(index) >= KNOWN_LIMIT:
        del index[next(iter(index))]
    index[key] = entry
