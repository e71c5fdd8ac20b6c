"""The text of desktop entries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.desktop.autostart.desktop_entry import (
    exec_line,
    exec_words,
    is_true,
    names,
    read_desktop_entry,
    write_desktop_entry,
)

printable = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), min_size=1)


@given(st.lists(printable.filter(lambda word: word.strip() == word), min_size=1))
def test_words_come_back_from_a_written_entry(words: list[str]) -> None:
    text = write_desktop_entry({"Type": "Application", "Exec": exec_line(words)})
    assert exec_words(read_desktop_entry(text)["Exec"]) == words


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    for value in read_desktop_entry("[Desktop Entry]\n" + text).values():
        exec_words(value)


def test_only_the_main_group_counts_and_comments_do_not() -> None:
    text = "[Other]\nA=1\n[Desktop Entry]\n# B=2\nC = 3\nC=4\n[Desktop Action x]\nD=5\n"
    assert read_desktop_entry(text) == {"C": "3"}


def test_field_codes_are_no_arguments_and_escapes_are_undone() -> None:
    assert exec_words('prog %u "a b" 50%% "%u"') == ["prog", "a b", "50%", "%u"]
    text = "[Desktop Entry]\nName=a\\sb\\nc\\\\d\\q\n"
    assert read_desktop_entry(text)["Name"] == "a b\nc\\d\\q"


def test_booleans_and_lists() -> None:
    assert is_true({"Hidden": "True"}, "Hidden", default=False)
    assert not is_true({"Hidden": "no"}, "Hidden", default=True)
    assert is_true({}, "Hidden", default=True)
    assert names({"OnlyShowIn": "GNOME;KDE;"}, "OnlyShowIn") == ["GNOME", "KDE"]
