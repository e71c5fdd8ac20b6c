"""The ways in which a text may stand in another one: escaped, encoded, cut, or decoded wrongly."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, quote_plus

from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator

ANYWHERE_CHARS: Final = 6
"""A value of so many characters is found inside words too; a shorter one only as a word."""
CORE_CHARS: Final = 7
"""Of base64 that do not depend on the neighbours; fewer would be found by chance."""
HEX_BYTES: Final = 4
"""Fewer bytes are found by chance in every number."""
CUT_CHARS: Final = 4
"""Of the beginning of a value, before a text was cut; fewer tell nobody anything."""
_BETWEEN: Final = r"[\s:,_-]{0,2}(?:0x|\\x)?"
"""What may stand between two bytes in hexadecimal digits."""
_DIGITS: Final = r"[A-Za-z0-9+/_=-]*"
_FILLERS: Final = re.compile(r"[\s:,_-]")
_MARKS: Final = re.compile(r"0x|\\x")


class Variant(NamedTuple):
    """One way to write a value."""

    needle: str
    """Is in the lowered text (:func:`compact`: in the compact one) if the variant may be there."""
    pattern: str
    """Regular expression that finds it, without regard to case."""
    compact: bool = False


def compact(lowered: str) -> str:
    """A text without what may stand between hexadecimal digits; twice, for 0x may be digits too."""
    close = _FILLERS.sub("", lowered)
    return f"{close}\n{_MARKS.sub('', close)}"


def variants(value: str) -> Iterator[Variant]:
    """Every way in which ``value`` is looked for."""
    for text in dict.fromkeys(_texts(value)):
        yield Variant(text.lower(), _bounded(text))
    for data in (
        value.encode("utf-8", "surrogatepass"),
        value.encode("utf-16-le", "surrogatepass"),
    ):
        percent = "".join(f"%{byte:02x}" for byte in data)
        yield Variant(percent, percent)
        if len(data) >= HEX_BYTES:
            pairs = [f"{byte:02x}" for byte in data]
            # With what stands around it: it may be of the same message.
            pattern = f"[0-9a-f]*{_BETWEEN.join(pairs)}[0-9a-f]*"
            yield Variant("".join(pairs), pattern, compact=True)
        for core in dict.fromkeys(_cores(data)):
            yield Variant(core.lower(), f"{_DIGITS}{re.escape(core)}{_DIGITS}")
    for order in ("utf-16-le", "utf-16-be"):
        wide = value.encode(order, "surrogatepass").decode("latin-1")
        for text in (wide.strip("\0"), clean_text(wide.strip("\0"))):
            if len(text) > 1:
                yield Variant(text.lower(), re.escape(text))


def cut_off(value: str, text: str) -> int:
    """How much of the end of ``text``, which was cut there, is the beginning of ``value``."""
    lowered, wanted = text.lower(), value.lower()
    for count in range(min(len(wanted) - 1, len(lowered)), CUT_CHARS - 1, -1):
        if lowered.endswith(wanted[:count]):
            return count
    return 0


def _texts(value: str) -> Iterator[str]:
    for form in (value, unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value)):
        yield form
        yield clean_text(form)
        yield json.dumps(form)[1:-1]
        yield json.dumps(form, ensure_ascii=False)[1:-1]
        yield repr(form)[1:-1]
        yield ascii(form)[1:-1]
        yield html.escape(form)
        data = form.encode("utf-8", "surrogatepass")
        yield repr(data)[2:-1]
        yield quote(data, safe="")
        yield quote(data)
        yield quote_plus(data)
        for wrong in ("latin-1", "cp1252"):
            with contextlib.suppress(UnicodeDecodeError):
                yield data.decode(wrong)


def _bounded(text: str) -> str:
    if len(text) >= ANYWHERE_CHARS:
        return re.escape(text)
    before = r"(?<!\w)" if text[0].isalnum() else ""
    after = r"(?!\w)" if text[-1].isalnum() else ""
    return before + re.escape(text) + after


def _cores(data: bytes) -> Iterator[str]:
    """What of the base64 of ``data`` is the same whatever stands around it."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for skipped in range(3):
            text = encode(bytes(skipped) + data).rstrip(b"=").decode()
            start = -(-skipped * 8 // 6)
            end = (skipped + len(data)) * 8 // 6
            core = text[start:end]
            if len(core) >= CORE_CHARS:
                yield core
