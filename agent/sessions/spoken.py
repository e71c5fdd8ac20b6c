"""What a board's own program prints about its connection (docs/micropython.md, docs/nvs.md)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.sessions.delivery import CloudState
from agent.settings import decode_text

if TYPE_CHECKING:
    from agent.sessions.delivery import CloudOutcome

LINE_BYTES: Final = 300
"""Of a line that has not ended; nothing of a longer one can be such a word."""

_STATE: Final = re.compile(
    rb"^mooring: (connected|refused|network-failed)\b *([^\r\n]*)\r?\n", re.MULTILINE
)
_OUTCOMES: Final[dict[bytes, CloudOutcome]] = {
    b"connected": "connected",
    b"refused": "refused",
    b"network-failed": "network-failed",
}


class SpokenState:
    """Finds ``mooring: connected`` and its like between other lines."""

    def __init__(self) -> None:
        self._heard = b""

    def feed(self, data: bytes) -> CloudState | None:
        """The first that these bytes complete."""
        self._heard += data
        found = _STATE.search(self._heard)
        if found is None:
            self._heard = self._heard.rpartition(b"\n")[2][-LINE_BYTES:]
            return None
        self._heard = self._heard[found.end() :]
        return CloudState(outcome=_OUTCOMES[found[1]], detail=decode_text(found[2]))
