"""Versions of boards against the minimum of a cloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.versions import is_older, is_version


@pytest.mark.parametrize(
    ("found", "minimum"),
    [("0.5.9", "0.6.0"), ("0.6", "0.6.1"), ("1.9", "1.10"), ("0.9.9", "1"), ("", "0.0.1")],
)
def test_a_lower_number_is_older(found: str, minimum: str) -> None:
    assert is_older(found, minimum)


@pytest.mark.parametrize(
    ("found", "minimum"),
    [
        ("0.6.0", "0.6.0"),
        ("0.6.1", "0.6.0"),
        ("0.6", "0.6.0"),
        ("0.6.0", "0.6"),
        ("1.10", "1.9"),
        ("0.6.0-rc1", "0.6.0"),
        ("0.6.0", "0.6.0-rc1"),
        ("0.6.0+build", "0.6"),
        ("v0.6.0", "0.6.0"),
        ("0.6.beta", "0.6.0"),
    ],
)
def test_equal_and_higher_are_not_older_and_suffixes_are_a_tie(found: str, minimum: str) -> None:
    assert not is_older(found, minimum)


numbers = st.lists(st.integers(0, 10**6), min_size=1, max_size=5)


@given(numbers, numbers)
def test_versions_compare_as_tuples_of_numbers(one: list[int], two: list[int]) -> None:
    padded = [part + [0] * (5 - len(part)) for part in (one, two)]
    expected = padded[0] < padded[1]
    assert is_older(".".join(map(str, one)), ".".join(map(str, two))) is expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_can_be_compared_and_only_one_is_older(one: str, two: str) -> None:
    assert not (is_older(one, two) and is_older(two, one))
    assert not is_older(one, one)


def test_a_version_begins_with_a_number() -> None:
    assert is_version("0.6.2")
    assert is_version("v1")
    assert not is_version("")
    assert not is_version("unknown")
