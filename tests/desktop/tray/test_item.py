"""One line of the menu."""

from __future__ import annotations

from agent.desktop.tray.item import LABEL_LIMIT, MenuItem, OpenPage, fit, line


def test_a_line_does_something_opens_others_or_only_says_something():
    says = MenuItem(key="a", label="No board")
    assert not says.enabled
    assert MenuItem(key="b", label="Open", action=OpenPage()).enabled
    assert MenuItem(key="c", label="Job", children=(says,)).enabled
    assert not says.separator
    assert MenuItem(key="d").separator


def test_a_label_leaves_out_what_is_empty_and_is_never_too_long():
    assert line("kitchen", "", "ready") == "kitchen – ready"
    assert len(line(fit("k" * 300), "e" * 300)) == LABEL_LIMIT
    assert line("a\nb\u202e") == "a·b·"
