"""Where in a TOML text each key stands, and values as TOML.

:mod:`tomllib` says what a text means, and this where it says so: errors name the line, and an edit
touches nothing else. It takes any text: what it does not understand it leaves out.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONG_STRING: Final = r'"""(?:\\[\s\S]|[^\\])*?"{3,5}' + r"|'''[\s\S]*?'{3,5}"
_SHORT_STRING: Final = r'"(?:\\.|[^"\\\r\n])*"' + r"|'[^'\r\n]*'"
_LONG: Final = re.compile(_LONG_STRING)
_SHORT: Final = re.compile(_SHORT_STRING)
_PART: Final = rf"(?:[A-Za-z0-9_-]+|{_SHORT_STRING})"
_PATH: Final = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER: Final = re.compile(rf"[ \t]*\[\[?[ \t]*({_PATH})[ \t]*\]\]?")
_KEY: Final = re.compile(rf"[ \t]*({_PATH})[ \t]*=[ \t]*")
_PARTS: Final = re.compile(_PART)
_EMPTY: Final = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\r\n|\Z)")
_REST: Final = re.compile(r"[^\n]*(?:\n|\Z)")
_PLAIN: Final = re.compile(r"[^#\r\n]*[^#\s]")
_INSIDE: Final = re.compile(rf"{_LONG_STRING}|{_SHORT_STRING}|#[^\n]*|[\[\]{{}}]|[^\"'#\[\]{{}}]+")


@dataclass(frozen=True, slots=True)
class Statement:
    """A header, or a key with its value; with the lines on which it stands."""

    path: tuple[str, ...]
    """Whole, with the table in which it stands."""
    table: tuple[str, ...]
    """In which it stands; a header stands in itself."""
    line: int
    """The first one; from 1."""
    start: int
    """Offset of that line."""
    end: int
    """Offset behind the last one, with its line end."""
    value: tuple[int, int] | None
    """Offsets of the value; None: a header."""
    closed: bool
    """Its quotes and brackets are."""


def statements(text: str) -> Iterator[Statement]:
    """All of them, first to last."""
    table: tuple[str, ...] = ()
    at, line = 0, 1
    while at < len(text):
        end, found = at, None
        if empty := _EMPTY.match(text, at):
            end = empty.end()
        elif header := _HEADER.match(text, at):
            table = _path(header[1])
            end = _line_end(text, header.end())
            found = Statement(table, table, line, at, end, None, closed=True)
        elif key := _KEY.match(text, at):
            stop, closed = _value_end(text, key.end())
            end = _line_end(text, stop)
            path = table + _path(key[1])
            found = Statement(path, table, line, at, end, (key.end(), stop), closed=closed)
        else:
            end = _line_end(text, at)
        if found is not None:
            yield found
        line += text.count("\n", at, end)
        at = end


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """The line that gives the key its value; else that of the nearest table around it."""
    around: Statement | None = None
    for each in statements(text):
        if each.path[: len(path)] == path:
            return each.line
        outer = each.path == path[: len(each.path)]
        if outer and (around is None or len(each.path) > len(around.path)):
            around = each
    return None if around is None else around.line


def toml_literal(value: object) -> str:
    """A setting's value as TOML on one line; the strings as a person would write them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if "\\" in value and "'" not in value and value.isprintable():
            return f"'{value}'"
        return _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml_literal, value))}]"
    if isinstance(value, dict):
        pairs = [f"{_key_text(name)} = {toml_literal(each)}" for name, each in value.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    return repr(value)


def _key_text(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's; DEL alone has to be one here and not there.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _path(text: str) -> tuple[str, ...]:
    return tuple(_unquoted(part) for part in _PARTS.findall(text))


def _unquoted(part: str) -> str:
    if part[0] not in "\"'":
        return part
    try:
        return next(iter(tomllib.loads(f"{part} = 0")))
    except tomllib.TOMLDecodeError:
        return part


def _line_end(text: str, at: int) -> int:
    rest = _REST.match(text, at)
    return len(text) if rest is None else rest.end()


def _value_end(text: str, at: int) -> tuple[int, bool]:
    """Behind the value that begins there, and whether what it opens is closed."""
    if text[at : at + 1] in {"[", "{"}:
        depth = 0
        while at < len(text):
            token = _INSIDE.match(text, at)
            if token is None:  # A quote that nothing closes.
                return _line_end(text, at), False
            at = token.end()
            depth += (token[0] in {"[", "{"}) - (token[0] in {"]", "}"})
            if not depth:
                return at, True
        return at, False
    if text[at : at + 1] in {'"', "'"}:
        many = text.startswith(('"""', "'''"), at)
        string = (_LONG if many else _SHORT).match(text, at)
        if string is None:
            return (len(text) if many else _line_end(text, at)), False
        return string.end(), True
    plain = _PLAIN.match(text, at)
    return (at if plain is None else plain.end()), True
