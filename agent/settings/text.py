"""Cleaning of text that came from a board, a network or a cloud."""

from __future__ import annotations

import unicodedata

SHOWN_TEXT_LIMIT = 200
"""Characters of foreign text that a person is shown; enough for any name or sentence."""


def clean_text(text: str, limit: int = SHOWN_TEXT_LIMIT) -> str:
    """``text`` fit to be shown or logged: printable characters only, at most ``limit`` of them.

    Control, format (bidirectional overrides among them), private and unassigned characters
    become ``·``; a text that was cut ends in ``…``.
    """
    head = text[: limit + 1]
    if head.isascii() and head.isprintable():
        # What tools and boards mostly say; a tool may print megabytes of it.
        shown = head
    else:
        shown = "".join(c if c == " " or _printable(c) else "·" for c in head)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def decode_text(data: bytes, limit: int = SHOWN_TEXT_LIMIT) -> str:
    """Bytes of a board as text fit to be shown; what is not UTF-8 shows as U+FFFD."""
    return clean_text(data[: limit * 4 + 4].decode("utf-8", errors="replace"), limit)


def _printable(char: str) -> bool:
    return char.isprintable() and unicodedata.category(char) not in {"Cf", "Co", "Cn", "Cs", "Cc"}
