"""Command lines of uploads: cut into words first, filled in afterwards, so no value makes a word.

A line is split like a shell does, without variables or substitution, and ends at an unquoted
``;``, ``&``, ``|``, ``<`` or ``>``. The original fills in first and splits then, so that there a
file name, which nobody signed, can add arguments. Source: agent-api-compat, section 8.4.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.errors import UploadRefused
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

LINE_LIMIT: Final = 16 * 1024
"""Characters of one command line; the longest of the vendor's have about one thousand."""

PLACEHOLDER: Final = re.compile(r"\{([A-Za-z][A-Za-z0-9_.+-]*)\}")
"""``{build.path}``; braces around anything else are left alone: scripts of OpenOCD have them."""
_TOOL = re.compile(r"runtime\.tools\.(.+?)(?:\.path)?")
_ENDS: Final = frozenset(";&|<>")


def split(line: str) -> list[str]:
    """The words of a command line; :class:`UploadRefused` for an open quote or none at all."""
    if len(line) > LINE_LIMIT:
        raise UploadRefused(problem=f"The command line is longer than {LINE_LIMIT} characters.")
    words: list[str] = []
    word: list[str] = []
    quote, escaped, begun = "", False, False
    for char in line:
        if escaped:
            word.append(char)
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = begun = True
        elif quote:
            if char == quote:
                quote = ""
            else:
                word.append(char)
        elif char in "\"'":
            quote, begun = char, True
        elif char in _ENDS:
            if char == ">" and "".join(word).isdigit():
                word, begun = [], False  # ``2>`` names an output, and is no argument.
            break
        elif char in " \t\r\n":
            if begun:
                words.append("".join(word))
            word, begun = [], False
        else:
            word.append(char)
            begun = True
    if quote or escaped:
        raise UploadRefused(problem="The command line has a quote that does not end.")
    if begun:
        words.append("".join(word))
    cleaned = [each.replace('"', "") for each in words]
    if not cleaned or not cleaned[0]:
        raise UploadRefused(problem="The command line names no program.")
    if any("\0" in each for each in cleaned):
        raise UploadRefused(problem="The command line holds a character that no program takes.")
    return cleaned


def fill(word: str, value_of: Callable[[str], str | None]) -> str:
    """``word`` with each ``{name}`` replaced, once: what comes in is not looked at again.

    :class:`UploadRefused` for a name that ``value_of`` does not know.
    """

    def replaced(found: re.Match[str]) -> str:
        value = value_of(found[1])
        if value is None:
            shown = clean_text(found[0], 80)
            problem = f"The command line needs {shown}, which Mooring does not fill in."
            raise UploadRefused(problem=problem)
        return value

    return PLACEHOLDER.sub(replaced, word)


def placeholders(word: str) -> list[str]:
    """Names of the placeholders of a word."""
    return PLACEHOLDER.findall(word)


def tool_key(placeholder: str) -> str | None:
    """``bossac-1.7.0`` of ``runtime.tools.bossac-1.7.0.path``; None for another placeholder."""
    found = _TOOL.fullmatch(placeholder)
    return found[1] if found else None
