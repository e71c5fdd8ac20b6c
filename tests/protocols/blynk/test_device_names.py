"""Names of devices, and how long they may be where boards carry them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.blynk.device_names import (
    AIR_CHARS,
    name_of_board,
    name_problem,
)


@pytest.mark.parametrize("name", ["Bench 7", "Anna's_Thermo-2", "x" * 50, "Küche"])
def test_names_that_the_cloud_takes(name):
    assert name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("x" * 51, "has 51 characters, and may have 50"),
        ("a/b", "letters, digits"),
        ("a\nb", "letters, digits"),
        ("a😀", "letters, digits"),
        ("½", "letters, digits"),
    ],
)
def test_names_that_it_does_not_take(name, problem):
    assert problem in (name_problem(name) or "")


def test_a_name_that_a_board_carries_counts_the_part_of_the_chip():
    assert name_problem("x" * 27 + "-4Y1H", of_board=True) is None
    problem = name_problem("x" * 28 + "-4Y1H", of_board=True)
    assert problem == "has 33 characters with the part of the chip, and may have 32"


@given(st.text(max_size=60), st.text("0W8N4Y1HP5DF9K6JM3C2UA7R", min_size=4, max_size=4))
def test_a_name_made_from_a_board_is_always_taken_and_ends_with_its_chip(template, chip):
    name = name_of_board(template, chip)
    assert name_problem(name, of_board=True) is None
    assert name.endswith(f"-{chip}")
    assert len(name) <= AIR_CHARS


def test_a_name_made_from_a_board_is_that_of_its_template():
    assert name_of_board("Thermo", "4Y1H") == "Thermo-4Y1H"
    assert name_of_board("Tea & coffee", "4Y1H") == "Tea coffee-4Y1H"
    assert name_of_board("&", "4Y1H") == "Board-4Y1H"
