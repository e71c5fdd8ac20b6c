"""What pages send to boards, as bytes. Pure. Source: agent-api-compat, section 7.5."""

from __future__ import annotations

import base64
import re
from typing import Final, NamedTuple

_ALPHABET: Final = re.compile(r"[A-Za-z0-9+/]*")


class Sent(NamedTuple):
    """Where something goes, and what."""

    port: str
    data: str
    """As the page wrote it: everything after the blank that follows the port."""


def parse_send(rest: str) -> Sent | None:
    """``PORT DATA…``; None: it is not of this form."""
    port, blank, data = rest.partition(" ")
    return Sent(port, data) if port and blank else None


def text_bytes(text: str) -> bytes:
    """UTF-8, with U+FFFD for half of a surrogate pair, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def raw_bytes(text: str) -> tuple[bytes, bool]:
    """Standard base64 as far as it goes, and whether that was all; line ends are passed over.

    Padding may be missing. What is left of a group of four that something foreign cuts is not used.
    """
    text = text.replace("\r", "").replace("\n", "")
    match = _ALPHABET.match(text)
    letters, rest = (match.group(), text[match.end() :]) if match else ("", text)
    spare = len(letters) % 4
    ended = rest in {"", "=" * (-len(letters) % 4)} and spare != 1
    if not ended or spare == 1:
        return base64.b64decode(letters[: len(letters) - spare]), False
    return base64.b64decode(letters + "=" * (-len(letters) % 4)), True
