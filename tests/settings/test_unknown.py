"""Names that no setting has."""

from __future__ import annotations

import pytest

from agent.settings.keys import all_keys
from agent.settings.unknown import unknown_key, unknown_section

KEYS = all_keys()


@pytest.mark.parametrize(
    ("text", "name", "table", "mend", "line"),
    [
        ("\n[port]\n", "port", {}, "Did you mean [ports]?", 2),
        ("[check]\n", "check", {}, "Known are [bridge]", 1),
        ("[qqq]\n", "qqq", {}, "Known are [bridge], [ports]", 1),
        ("first_port = 1\n", "first_port", 1, "first_port, below [bridge]?", 1),
        ("qqq = 1\n", "qqq", 1, "Known sections are [bridge]", 1),
    ],
)
def test_a_section_or_a_key_outside_of_any(text, name, table, mend, line):
    found = unknown_section(text, name, table, KEYS)
    assert mend in found.mend
    assert found.line == line


@pytest.mark.parametrize(
    ("section", "name", "mend"),
    [
        ("ports", "ingore", "Did you mean ports.ignore?"),
        ("ports", "first_port", "Did you mean bridge.first_port?"),
        ("ports", "qqq", "Known in [ports]: system, simulated, ignore, extra."),
    ],
)
def test_a_key_that_its_section_does_not_have(section, name, mend):
    found = unknown_key(f"[{section}]\n{name} = 1\n", section, name, KEYS)
    assert found.mend == mend
    assert found.line == 2


def test_a_name_of_control_characters_is_shown_harmlessly():
    assert "\x1b" not in unknown_key("", "ports", "\x1b[2J", KEYS).problem
