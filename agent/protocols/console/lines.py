"""Lines of the console: words, a check value, and how bytes travel as words.

``mooring TAG VERB WORD… *CRC`` from the host, ``moored TAG ok|error WORD… *CRC`` from the board. What
else is on the port (logs, echo, prompts, noise) is no such line and is passed over, before a
line and behind it too.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Sender: TypeAlias = Literal["mooring", "moored"]
"""First word of a line: of a host's, of a board's. Two words, so that an echo is no answer."""

LINE_BYTES: Final = 240
"""Longest line without its end: a buffer of 256 bytes holds it with a zero byte, and what was on
the line before it."""
END: Final = b"\r\n"
"""Behind each line; a reader takes either of the two as the end."""
CRC_START: Final = 0xFFFF
"""CRC-16/IBM-3740 (CCITT-FALSE): polynomial 0x1021, not reflected, no final xor."""

_LITERAL: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=:,@"
)
"""What goes as it is. All else is %XX: no shell that a board may have gives a meaning to these."""
_ESCAPED: Final = re.compile(rb"%[0-9A-F]{2}|[A-Za-z0-9\-._~+/=:,@]")
_CHECK: Final = re.compile(rb" \*([0-9A-F]{4})")
_WORDS: Final = re.compile(rb"[!-~]+(?: [!-~]+)*")


@dataclass(frozen=True, slots=True)
class Line:
    """One whole line whose check value is right."""

    sender: Sender
    tag: str
    """Made by the host; the answer has the same."""
    words: tuple[str, ...]
    """At least one."""


def check_value(text: bytes) -> int:
    """Of a line, from its first letter to the last before `` *``."""
    return binascii.crc_hqx(text, CRC_START)


def encode_line(line: Line) -> bytes:
    """With its end; ValueError if it is too long, or if a word is none."""
    words = (line.sender, line.tag, *line.words)
    text = " ".join(words).encode("ascii")
    # A blank in a word would be one more word.
    whole = _WORDS.fullmatch(text) and text.count(b" ") == len(words) - 1
    if not whole or len(text) > LINE_BYTES - _TAIL_BYTES:
        msg = "a line is printable words, and not longer than a board's buffer"
        raise ValueError(msg)
    return text + b" *%04X" % check_value(text) + END


_TAIL_BYTES: Final = len(" *0000")


def room(sender: Sender, tag: str, *words: str) -> int:
    """How many characters one more word may have."""
    return LINE_BYTES - _TAIL_BYTES - len(" ".join((sender, tag, *words, "")))


def escape(data: bytes) -> str:
    """Bytes as one word; there is only one such word for them."""
    return "".join(chr(byte) if byte in _LITERAL else f"%{byte:02X}" for byte in data)


def unescape(word: str) -> bytes | None:
    """The bytes; None if this is not what :func:`escape` makes."""
    data = word.encode("ascii", "replace")
    parts = _ESCAPED.findall(data)
    if sum(map(len, parts)) != len(data):
        return None
    return b"".join(part if len(part) == 1 else bytes([int(part[1:], 16)]) for part in parts)


class LineReader:
    """Finds the lines of one sender in what a port carries; cut anywhere, the same comes out.

    Holds at most two lines' worth of bytes.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender: Sender = sender
        self._start = sender.encode() + b" "
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Line]:
        """Lines that are complete now."""
        found: list[Line] = []
        for byte in data:
            if byte not in END:
                self._pending.append(byte)
                if len(self._pending) > 2 * LINE_BYTES:
                    del self._pending[:LINE_BYTES]  # the last line, if it is one, is still whole
                continue
            line = self._find(bytes(self._pending))
            self._pending.clear()
            if line is not None:
                found.append(line)
        return found

    def _find(self, text: bytes) -> Line | None:
        """The last line in ``text``: before it may be a prompt or a broken one."""
        start = text.rfind(self._start)
        while start >= 0:
            line = self._parse(text[start:])
            if line is not None:
                return line
            start = text.rfind(self._start, 0, start)
        return None

    def _parse(self, text: bytes) -> Line | None:
        for check in _CHECK.finditer(text):
            body = text[: check.start()]
            if check_value(body) != int(check[1], 16) or not _WORDS.fullmatch(body):
                continue
            _, tag, *words = body.decode("ascii").split(" ")
            if words and check.end() <= LINE_BYTES:
                return Line(self._sender, tag, tuple(words))
        return None
