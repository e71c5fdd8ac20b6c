"""Foreign text is fit to be shown: printable, bounded, never a command to the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.settings import clean_text, decode_text


@given(st.text(), st.integers(min_value=1, max_value=300))
def test_what_is_shown_is_printable_and_bounded(text, limit):
    shown = clean_text(text, limit)
    assert len(shown) <= limit
    assert all(char.isprintable() for char in shown)
    assert not any(unicodedata.category(char).startswith("C") for char in shown)


@given(st.text(), st.integers(min_value=1, max_value=300))
def test_cleaning_what_is_clean_changes_nothing(text, limit):
    shown = clean_text(text, limit)
    assert clean_text(shown, limit) == shown


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), max_size=200))
def test_ordinary_text_stays_as_it_is(text):
    assert clean_text(text) == text


@given(st.binary(max_size=5000))
def test_any_bytes_become_text_that_can_be_shown(data):
    shown = decode_text(data)
    assert len(shown) <= 200
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Café 2,4 GHz", "Café 2,4 GHz"),
        ("家 network 🏠", "家 network 🏠"),
        ("\x1b[2Jgone", "·[2Jgone"),
        ("a\r\nb\tc", "a··b·c"),
        ("abc\u202ecba", "abc·cba"),
        ("zero\u200bwidth", "zero·width"),
        ("\x9b31m", "·31m"),
        ("", ""),
    ],
)
def test_control_and_direction_characters_become_dots(text, shown):
    assert clean_text(text) == shown


def test_a_text_that_was_cut_ends_in_an_ellipsis():
    assert clean_text("x" * 11, 10) == "x" * 9 + "…"
    assert clean_text("x" * 10, 10) == "x" * 10


def test_bytes_that_are_no_text_show_the_replacement_character():
    assert decode_text(b"caf\xe9") == "caf\ufffd"


def test_a_huge_text_costs_no_more_than_its_limit():
    assert decode_text(b"\xff" * 50_000_000, 10) == "\ufffd" * 9 + "…"
