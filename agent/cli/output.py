"""What commands print: results on stdout, everything else on stderr (contract 1).

Colour and the line that tells what is under way appear on a terminal only. A terminal that cannot
show a character gets a plain one in its place.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
import unicodedata
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

import msgspec

from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.errors import ErrorReport

Colour = Literal["red", "green", "yellow", "dim", "bold"]

_SGR: Final[dict[Colour, str]] = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "dim": "2",
    "bold": "1",
}
_PLAIN: Final = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "…": "...",
        "·": ".",
        "–": "-",
        "−": "-",
        "→": "->",
        "“": '"',
        "”": '"',
        "’": "'",
        "▂": "_",
        "▄": "o",
        "▆": "O",
        "█": "#",
        "░": ".",
    }
)
"""Our own characters for terminals that lack them."""

BARS: Final = ("▂▄▆█", "▂▄▆", "▂▄")
WIFI_DBM: Final = (-55, -67, -78)
"""From which signal on a network has four, three and two bars, as on the page."""
AIR_DBM: Final = (-60, -72, -84)
"""The same of a board over Bluetooth; such links carry further."""

CLEAR_LINE: Final = "\r\x1b[2K"
CLEAR_ABOVE: Final = "\x1b[A\x1b[2K"


class Output:
    """The two streams of a command."""

    def __init__(
        self, *, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        self.as_json = as_json
        # Python has no stream where the caller closed the descriptor.
        self._out = out or sys.stdout or _nowhere()
        self._err = err or sys.stderr or _nowhere()
        self._status = 0
        """Lines that tell what is under way, and that the next output replaces."""
        self.reader_gone = False
        """Nobody reads the results any more (``mooring jobs | head``); they are dropped now."""
        self.failed = False
        """The results could not be written (a full disk); the command must not look done."""

    # --- results ---------------------------------------------------------------------------------

    def document(self, value: object) -> None:
        """One JSON object on a line of its own; for ``--json`` only."""
        text = msgspec.json.encode(value).decode()
        if not _can_encode(self._out, text):
            text = json.dumps(json.loads(text))
        self._write(self._out, text)

    def line(self, text: str = "", colour: Colour | None = None) -> None:
        """A line of the result for people."""
        self._write(self._out, _styled(self._out, text, colour))

    def piece(self, text: str) -> None:
        """A part of the result that ends in the middle of a line."""
        self._write(self._out, text, end="")

    def data(self, data: bytes) -> None:
        """Bytes of the result as they are."""
        self._clear_status()
        try:
            self._out.buffer.write(data)
            self._out.flush()
        except OSError as error:
            self._drop(self._out, error)

    def table(
        self, head: Sequence[str], rows: Iterable[Sequence[str]], empty: str, *, folds: bool = False
    ) -> None:
        """Aligned columns; a person reads ``empty`` where there are no rows.

        If it ``folds``, a terminal too narrow shows each row as a line with the rest below it.
        """
        shown = [tuple(clean_text(cell) for cell in row) for row in rows]
        if not shown:
            self.note(empty)
            return
        table = [tuple(head), *shown]
        widths = [max(map(cell_width, column)) for column in zip(*table, strict=True)]
        if folds and self.width is not None and sum(widths) + 2 * (len(widths) - 1) > self.width:
            self._blocks(table)
            return
        for number, row in enumerate(table):
            cells = [
                cell + " " * (width - cell_width(cell))
                for cell, width in zip(row, widths, strict=True)
            ]
            self.line("  ".join(cells).rstrip(), "bold" if number == 0 else None)

    @property
    def width(self) -> int | None:
        """Columns of the terminal that shows the results; None: they go elsewhere."""
        return _width(self._out)

    @property
    def width_aside(self) -> int | None:
        """The same of what is beside the results."""
        return _width(self._err)

    def _blocks(self, table: Sequence[Sequence[str]]) -> None:
        for number, (first, *rest) in enumerate(table):
            colour: Colour | None = "bold" if number == 0 else None
            self.line(first, colour)
            if any(rest):
                self.line("    " + " · ".join(filter(None, rest)), colour)

    # --- everything else -------------------------------------------------------------------------

    def wrapped(self, first: str, text: str) -> None:
        """A paragraph beside the result: ``first``, then ``text`` in a column of its own."""
        rest = " " * cell_width(first)
        width = max(_columns() - 1, len(rest) + 30)
        for line in textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest):
            self.note(line)

    def note(self, text: str, colour: Colour | None = None) -> None:
        """A line beside the result."""
        self._write(self._err, _styled(self._err, text, colour))

    def status(self, text: str) -> None:
        """What is under way, on lines that the next output replaces; on a terminal only."""
        if self.as_json or not is_terminal(self._err):
            return
        self._clear_status()
        lines = [cut_to_width(line, _columns() - 1) for line in text.split("\n")]
        self._status = len(lines)
        self._put(self._err, _encodable(self._err, "\n".join(lines)))

    def error(self, report: ErrorReport) -> None:
        """Three sentences and the code; with ``--json`` also an object on stdout."""
        if self.as_json:
            self.document({"error": report})
        self.explain(report)

    def explain(self, report: ErrorReport) -> None:
        """The three sentences and the code, for people."""
        self.note(clean_lines(report.title), "red")
        for sentence in (report.meaning, report.remedy):
            if sentence:
                self.note(clean_lines(sentence))
        self.note(f"[{report.code}]", "dim")

    def prompt(self, text: str) -> None:
        """The words before an answer is typed; no new line."""
        self._clear_status()
        self._put(self._err, _encodable(self._err, text))

    def _write(self, stream: TextIO, text: str, end: str = "\n") -> None:
        self._clear_status()
        self._put(stream, _encodable(stream, text) + end)

    def _put(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
            stream.flush()
        except OSError as error:
            self._drop(stream, error)

    def _drop(self, stream: TextIO, error: OSError) -> None:
        """Write no more there: a job goes on to its end even if nobody watches it any more."""
        # Where the descriptor leads, so that nothing is left to be flushed into the closed pipe.
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - the device, whose path is no Path
            os.dup2(nowhere.fileno(), stream.fileno())
        if stream is not self._out:
            return
        self.reader_gone = True
        if not isinstance(error, BrokenPipeError):
            self.failed = True
            self.note(f"The results cannot be written: {error.strerror}.", "red")

    def _clear_status(self) -> None:
        if self._status:
            above, self._status = self._status - 1, 0
            self._put(self._err, CLEAR_LINE + CLEAR_ABOVE * above)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - open to the end


def is_terminal(stream: Any) -> bool:  # noqa: ANN401 - any stream, even one that was closed
    """Whether a person sees this stream as it comes."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def cell_width(text: str) -> int:
    """Columns that ``text`` takes: wide characters two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def cut_to_width(text: str, columns: int) -> str:
    """``text`` in at most ``columns`` columns, with ``…`` if something was cut."""
    if cell_width(text) <= columns:
        return text
    while text and cell_width(text) >= columns:
        text = text[:-1]
    return text + "…"


def clean_lines(text: str, limit: int = 2000) -> str:
    """Foreign text in several lines; each line is cleaned (no commands to the terminal)."""
    return "\n".join(clean_text(line, limit) for line in text[:limit].splitlines())


def bars(rssi_dbm: int, floors: tuple[int, ...] = WIFI_DBM) -> str:
    """Signal as one to four bars."""
    shown = zip(floors, BARS, strict=True)
    return next((text for floor, text in shown if rssi_dbm >= floor), BARS[-1][:1])


def seconds_text(seconds: float | None) -> str:
    """``0.4 s``, ``12 s``, ``2 min 05 s``."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _styled(stream: TextIO, text: str, colour: Colour | None) -> str:
    if colour is None or not is_terminal(stream) or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_SGR[colour]}m{text}\x1b[0m"


def _encodable(stream: TextIO, text: str) -> str:
    if _can_encode(stream, text):
        return text
    encoding = stream.encoding or "ascii"
    return text.translate(_PLAIN).encode(encoding, errors="replace").decode(encoding)


def _can_encode(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _width(stream: TextIO) -> int | None:
    if not is_terminal(stream):
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
