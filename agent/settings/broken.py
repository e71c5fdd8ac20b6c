"""What is wrong with a file that is no TOML, in words for who wrote it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.settings.text import clean_text
from agent.settings.toml_text import statements

if TYPE_CHECKING:
    from agent.settings.toml_text import Statement

BACKSLASH_MEND: Final = (
    r"Write a Windows path in single quotes, such as 'C:\Tools\dfu-util.exe': between double quotes "
    r"a backslash has to be doubled."
)
_UTF8_MEND: Final = "Save it as UTF-8 with an editor (Notepad: Save as, Encoding)."
_WHERE: Final = re.compile(r"(.*?) ?\(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL)
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file."""

    problem: str
    """Without a full stop; quotes no value: it may be a password."""
    mend: str
    key: str = ""
    """The setting or section; empty: none that could be told."""
    line: int | None = None
    """From 1; None: the whole file."""


def encoding_problem(data: bytes, at: int) -> Problem:
    """The file is no UTF-8; the first byte that shows it is ``at``."""
    if data.startswith(_UTF16) or b"\0" in data[:4]:
        return Problem("it is written in UTF-16", _UTF8_MEND)
    line = data.count(b"\n", 0, at) + 1
    if data[at] == 0:
        return Problem("it holds a zero byte", "Delete it.", line=line)
    return Problem("it holds a character that is not UTF-8", _UTF8_MEND, line=line)


def syntax_problem(text: str, message: str) -> Problem:
    """What :mod:`tomllib` did not understand; ``message`` is its own."""
    where = _WHERE.fullmatch(message)
    said = where[1] if where else message
    all_statements = list(statements(text))
    open_one = next((each for each in all_statements if not each.closed), None)
    number = int(where[2]) if where and where[2] else None
    if open_one is not None and (number is None or number >= open_one.line):
        name = ".".join(open_one.path)
        if _has_backslash(text, open_one):
            return Problem(f"{clean_text(name)} has no end", BACKSLASH_MEND, name, open_one.line)
        mend = "Close the quotes or brackets that begin here."
        return Problem(f"{clean_text(name)} has no end", mend, name, open_one.line)
    line = number or text.count("\n") + 1
    here = _covering(all_statements, line)
    name = clean_text(".".join(here.path)) if here else ""
    if here and _has_backslash(text, here):
        problem = f"{name} has a backslash in double quotes"
        return Problem(problem, BACKSLASH_MEND, name, line)
    if here and ("overwrite" in said or "declare" in said or "mutate" in said):
        return _twice(all_statements, here, name)
    if here and said.startswith("Invalid value"):
        mend = "Put text in quotes; true and false are written in small letters."
        return Problem(f"the value of {name} cannot be read", mend, name, line)
    mend = "A line is a [section], or name = value; text is in quotes, a comment begins with #."
    return Problem(f"it is not valid TOML: {clean_text(said)}", mend, name, line)


def _twice(all_statements: list[Statement], here: Statement, name: str) -> Problem:
    earlier = [
        each
        for each in all_statements
        if each.line < here.line and here.path[: len(each.path)] == each.path
    ]
    first = next((each for each in earlier if each.path == here.path), None)
    if here.value is None:
        where = f", on line {first.line}" if first else ""
        mend = f"Put all of [{name}] below the first one{where}, and delete this header."
        return Problem(f"[{name}] is there twice", mend, name, here.line)
    where = f"; the other one is on line {first.line}" if first else ""
    return Problem(f"{name} is there twice{where}", "Keep one of them.", name, here.line)


def _covering(all_statements: list[Statement], line: int) -> Statement | None:
    """The last statement that begins on this line or before it."""
    return next((each for each in reversed(all_statements) if each.line <= line), None)


def _has_backslash(text: str, statement: Statement) -> bool:
    """In double quotes, one that stands for itself."""
    if statement.value is None:
        return False
    value = text[statement.value[0] : statement.value[1]]
    alone = re.compile(r'\\(?![btnfr"\\\n]|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})')
    double = re.sub(r"'[^'\n]*'", "", value)
    return '"' in double and alone.search(double) is not None
