"""Changing one key of a TOML text, and no other line of it.

A library that keeps the whole document (tomlkit) was tried: it loses a header and the comment
behind it when a table is in two places, puts new keys below comments of the next table, and mixes
line ends. Here an edit is a splice, and its result is read again before anybody gets it.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from agent.settings.toml_text import statements, toml_literal

if TYPE_CHECKING:
    from agent.settings.toml_text import Statement


class EditFailed(Exception):
    """The text would not mean what it should; no valid file of settings is known to do that."""


def set_key(text: str, section: str, field: str, value: object) -> str:
    """``text`` with this value of ``section.field``; it must be valid, and its sections tables."""
    changed = _set(text, section, field, value)
    return _proved(text, changed, section, field, value)


def unset_key(text: str, section: str, field: str) -> str:
    """``text`` without ``section.field``; the same of it."""
    changed = _unset(text, section, field)
    return _proved(text, changed, section, field, None)


def _set(text: str, section: str, field: str, value: object) -> str:
    inline = _inline(text, section)
    if inline is not None:
        table = tomllib.loads(text)[section] | {field: value}
        return _spliced(text, inline.value, toml_literal(table))
    same = [each for each in statements(text) if each.path == (section, field)]
    if len(same) == 1 and same[0].value is not None:
        return _spliced(text, same[0].value, toml_literal(value))
    return _inserted(_unset(text, section, field), section, field, toml_literal(value))


def _unset(text: str, section: str, field: str) -> str:
    inline = _inline(text, section)
    if inline is not None:
        table = tomllib.loads(text)[section]
        table.pop(field, None)
        return _spliced(text, inline.value, toml_literal(table))
    pieces, at = [], 0
    for each in statements(text):
        if each.path[:2] == (section, field):
            pieces.append(text[at : each.start])
            at = each.end
    return "".join(pieces) + text[at:]


def _inserted(text: str, section: str, field: str, literal: str) -> str:
    new_line = "\r\n" if "\r\n" in text else "\n"
    inside = [each for each in statements(text) if each.table == (section,)]
    beside = [each for each in statements(text) if not each.table and each.path[0] == section]
    if inside:
        last = inside[-1]
        indent = "" if last.value is None else _indent(text, last)
        return _with_line(text, last.end, f"{indent}{field} = {literal}", new_line)
    if beside:
        last = beside[-1]
        return _with_line(text, last.end, f"{section}.{field} = {literal}", new_line)
    gap = new_line if text.strip() and not text.endswith(2 * new_line) else ""
    header = f"{gap}[{section}]{new_line}{field} = {literal}"
    return _with_line(text, len(text), header, new_line)


def _with_line(text: str, at: int, line: str, new_line: str) -> str:
    before = text[:at]
    if before and not before.endswith("\n"):
        before += new_line
    return f"{before}{line}{new_line}{text[at:]}"


def _indent(text: str, statement: Statement) -> str:
    line = text[statement.start : statement.end]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _inline(text: str, section: str) -> Statement | None:
    """The statement that gives the whole section at once: ``log = { level = "debug" }``."""
    for each in statements(text):
        if each.path == (section,) and each.value is not None:
            return each
    return None


def _spliced(text: str, span: tuple[int, int] | None, new: str) -> str:
    if span is None:
        return text
    return text[: span[0]] + new + text[span[1] :]


def _proved(before: str, after: str, section: str, field: str, value: object) -> str:
    """``after`` if it means what it should; raises :class:`EditFailed`."""
    wanted = tomllib.loads(before)
    if value is not None:
        wanted.setdefault(section, {})[field] = value
    elif section in wanted:
        wanted[section].pop(field, None)
    try:
        found = tomllib.loads(after)
    except tomllib.TOMLDecodeError as error:
        raise EditFailed from error
    if _filled(found) != _filled(wanted):
        raise EditFailed
    return after


def _filled(data: dict[str, Any]) -> dict[str, Any]:
    """Without sections that have nothing: an empty one means the same as none."""
    return {name: each for name, each in data.items() if each != {}}
