"""Names in the file that no setting has, and the nearest one that exists."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from agent.settings.broken import Problem
from agent.settings.keys import NEAR, near_key, sections
from agent.settings.text import clean_text
from agent.settings.toml_text import line_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.settings.keys import Key


def unknown_section(text: str, name: str, table: object, keys: Sequence[Key]) -> Problem:
    """A section, or a key outside of any, that does not exist."""
    shown, line = clean_text(name), line_of(text, (name,))
    near = difflib.get_close_matches(name, sections(), n=1, cutoff=NEAR)
    if isinstance(table, dict):
        mend = f"Did you mean [{near[0]}]?" if near else f"Known are {_list(sections())}."
        return Problem(f"[{shown}] is not a section of settings", mend, shown, line)
    key = near_key("", name, keys)
    mend = f"Known sections are {_list(sections())}."
    if key is not None:
        mend = f"Did you mean {key.field}, below [{key.section}]?"
    return Problem(f"{shown} is not a setting", mend, shown, line)


def unknown_key(text: str, section: str, name: str, keys: Sequence[Key]) -> Problem:
    """A key of a section that it does not have."""
    shown, line = clean_text(f"{section}.{name}"), line_of(text, (section, name))
    key = near_key(section, name, keys)
    known = [each.field for each in keys if each.section == section]
    mend = f"Known in [{section}]: {', '.join(known)}."
    if key is not None:
        mend = f"Did you mean {key.name}?"
    return Problem(f"{shown} is not a setting", mend, shown, line)


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"[{name}]" for name in names)
