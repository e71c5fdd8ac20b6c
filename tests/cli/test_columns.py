"""Text in a given number of columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli.columns import cut_in_middle, folded
from agent.cli.output import cell_width


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (60, "Register kitchen-sensor-north in ThingsBoard"),
        (41, "Register kitchen-sen…north in ThingsBoard"),
        (9, "Regi…oard"),
        (1, "…"),
        (0, ""),
    ],
)
def test_a_title_keeps_how_it_begins_and_ends(columns: int, shown: str):
    assert cut_in_middle("Register kitchen-sensor-north in ThingsBoard", columns) == shown


@given(st.text(), st.integers(min_value=0, max_value=60))
def test_what_is_cut_fits_and_what_fits_is_not_cut(text: str, columns: int):
    cut = cut_in_middle(text, columns)
    assert cell_width(cut) <= columns
    if cell_width(text) <= columns:
        assert cut == text


@given(st.lists(st.text("ab家", min_size=1, max_size=12)), st.integers(min_value=1, max_value=40))
def test_folded_lines_fit_and_lose_nothing(words: list[str], columns: int):
    lines = folded(" ".join(words), columns)
    assert " ".join(lines).split() == words
    assert all(cell_width(line) <= columns or " " not in line for line in lines)
