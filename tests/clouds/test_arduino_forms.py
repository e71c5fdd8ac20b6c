"""Names of devices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.arduino_forms import NAME_BYTES, name_problem


@pytest.mark.parametrize(
    "name",
    [
        "bench-7",
        "a",
        "x" * 33,
        "x" * 64,
        "Küche 2",
        "kitchen sensor",
        "ö" * 31 + "a1",
        "@",
        "日本1",
    ],
)
def test_a_name_that_the_cloud_takes(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "give the device a name"),
        ("x" * 65, "is 65 bytes long; at most 64 fit"),
        ("ö" * 33, "is 66 bytes long"),
        (" x", "blank"),
        ("x ", "blank"),
        ("x\n", "blank"),
        ("  ", "blank"),
        ("a\x00b", "cannot be shown"),
        ("a\nb", "cannot be shown"),
        ("a\u202eb", "cannot be shown"),
        ("a\u2028b", "cannot be shown"),
        ("a\ue000b", "cannot be shown"),
        (b"\xff\xfename".decode("utf-8", errors="surrogateescape"), "is not valid text"),
        ("日本", "needs at least one letter"),
        ("!?", "needs at least one letter"),
    ],
)
def test_a_name_that_it_does_not_take_is_told_why(name: str, problem: str) -> None:
    assert problem in (name_problem(name) or "")


@given(st.text(max_size=80))
def test_a_name_without_a_problem_fits_and_can_be_shown(name: str) -> None:
    if name_problem(name) is None:
        assert 0 < len(name.encode()) <= NAME_BYTES
        assert name == name.strip()
        assert not any(char in name for char in "\r\n\t\x00\x1b")
