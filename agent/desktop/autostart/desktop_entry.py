"""The text of desktop entries: writing and reading the few keys that start a program. Pure.

Source: freedesktop.org, Desktop Entry Specification 1.5, "Value types" and "The Exec key".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GROUP: Final = "[Desktop Entry]"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:=@+,-]+")
"""A word of these characters needs no quotes; the specification reserves some of the others."""
_STRING_ESCAPES: Final = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}


def write_desktop_entry(fields: Mapping[str, str]) -> str:
    """An entry with these keys; values are strings as people mean them, not escaped yet."""
    lines = [GROUP, *(f"{key}={_escape(value)}" for key, value in fields.items())]
    return "\n".join(lines) + "\n"


def read_desktop_entry(text: str) -> dict[str, str]:
    """The keys of the main group, unescaped; lines that are none are passed over."""
    fields: dict[str, str] = {}
    inside = False
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped == GROUP
        elif inside and "=" in stripped and not stripped.startswith("#"):
            key, _, value = stripped.partition("=")
            fields.setdefault(key.rstrip(), _unescape(value.lstrip()))
    return fields


def exec_line(words: Sequence[str]) -> str:
    """The value of ``Exec`` for a program and its arguments."""
    return " ".join(_quoted(word) for word in words)


def exec_words(line: str) -> list[str]:
    """The program and its arguments out of ``Exec``; field codes such as ``%u`` are left out."""
    words: list[str] = []
    for quoted, plain in re.findall(r'"((?:\\.|[^"\\])*)"|(\S+)', line):
        word = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        if quoted or not re.fullmatch(r"%[^%]", word):
            words.append(word.replace("%%", "%"))
    return words


def is_true(fields: Mapping[str, str], key: str, *, default: bool) -> bool:
    """A boolean key."""
    return fields.get(key, str(default)).lower() in {"true", "1"}


def names(fields: Mapping[str, str], key: str) -> list[str]:
    """A key that lists names, separated by semicolons."""
    return [name for name in fields.get(key, "").split(";") if name]


def _quoted(word: str) -> str:
    word = word.replace("%", "%%")
    if _PLAIN.fullmatch(word.replace("%%", "")):
        return word
    return '"' + re.sub(r'(["`$\\])', r"\\\1", word) + '"'


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\")


def _unescape(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: _STRING_ESCAPES.get(found[1], found[0]), value)
