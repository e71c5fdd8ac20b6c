"""A port as one look at the system found it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agent.boards.board import Port


class Sighting(NamedTuple):
    """A port, and a mark that changes when it was removed and came back under the same name."""

    port: Port
    node: int = 0
    """Inode of the device node or file; 0 where the system has no such thing."""

    def is_same(self, other: Sighting) -> bool:
        """It was there all the time: only how strong a board in the air is heard may differ."""
        if self.port.kind == "ble":
            return (self.port.address, self.node) == (other.port.address, other.node)
        return self == other
