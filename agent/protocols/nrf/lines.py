"""Lines of a board's console: colours, cursor movements and prompts taken out, logs told apart.

Zephyr's shell writes its prompt without a line end, takes it back with cursor movements when a log
line comes, and writes it again. Source: zephyr subsys/shell, shell_log_backend.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LINE_BYTES: Final = 8192
"""What is longer loses its end; the longest answer, a signing request, has some 900."""

_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
_PROMPT: Final = re.compile(r"^(?:[\w.-]{1,24}:~[$#] ?)+")
_PARTS: Final = re.compile(rb"[\r\n]|[^\r\n]+")
_ENDS: Final = (b"\r", b"\n")
_LOG: Final = re.compile(
    r"^\[[\d:., ]+\] |^(?:\[[^\]]*\] *)?<(?:inf|wrn|err|dbg)> |^\*\*\* .* \*\*\*$|^--- \d+ messages dropped"
)


@dataclass(frozen=True, slots=True)
class ConsoleLine:
    """One line, fit to be looked at."""

    text: str
    prompted: bool
    """A prompt stood before it."""

    @property
    def log(self) -> bool:
        """A line of the log, which may come at any time."""
        return _LOG.match(self.text) is not None


def clean(data: bytes) -> ConsoleLine:
    """A line as it came, without its end."""
    text = _ANSI.sub("", data.decode("utf-8", "replace"))
    text = "".join(c for c in text if c.isprintable() or c == "\t").lstrip()
    rest = _PROMPT.sub("", text)
    return ConsoleLine(rest.strip(), prompted=len(rest) != len(text))


class LineReader:
    """Cuts what a board says into lines; any split of the input gives the same ones.

    CR, LF, CR LF and LF CR end one line each: firmware uses all of them.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._end = b""
        """What ended the line before, as long as its other half may follow."""

    @property
    def pending(self) -> ConsoleLine:
        """The line that has no end yet: often a prompt."""
        return clean(bytes(self._rest))

    def feed(self, data: bytes) -> list[ConsoleLine]:
        """Lines that ended now, empty ones among them."""
        lines: list[ConsoleLine] = []
        for part in _PARTS.findall(data):
            if part not in _ENDS:
                self._rest += part[: LINE_BYTES - len(self._rest)]
                self._end = b""
            elif self._end and self._end != part:
                self._end = b""
            else:
                lines.append(clean(bytes(self._rest)))
                self._rest.clear()
                self._end = part
        return lines
