"""The device EUI of a LoRa board, from what its sketch prints: a line every three seconds.

Reading may begin in the middle of a line, so only two equal whole lines count.
Source: protocol-v1, section 6.
"""

from __future__ import annotations

import re
from typing import Final

LINE_BYTES: Final = 256
"""A longer line is no EUI and no failure text; it is thrown away up to its end."""

_EUI: Final = re.compile(rb"[0-9a-fA-F]{16}")
_FAILURE: Final = re.compile(rb"fail|error|not\s+(?:found|start|respond)", re.IGNORECASE)


class EuiCollector:
    """Collects lines until one of its two results is there; never raises."""

    def __init__(self) -> None:
        self.eui: str | None = None
        """16 upper-case hex digits, once two equal lines were read."""
        self.failure: bytes | None = None
        """The line in which the sketch says that the modem failed; not cleaned."""
        self.heard = b""
        """The latest line that is neither; not cleaned."""
        self._rest = b""
        self._candidate: str | None = None

    def feed(self, data: bytes) -> None:
        """Bytes of the board, in any pieces."""
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.rstrip(b"\r"))
        # One byte above the limit keeps a line that was too long from becoming a short one.
        self._rest = rest[: LINE_BYTES + 1]

    def _take(self, line: bytes) -> None:
        if self.eui is not None or self.failure is not None or len(line) > LINE_BYTES:
            return
        if _EUI.fullmatch(line):
            found = line.decode().upper()
            self.eui = found if found == self._candidate else None
            self._candidate = found
        elif _FAILURE.search(line):
            self.failure = line
        elif line:
            self.heard = line
