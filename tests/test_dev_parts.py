"""``dev_parts.py``: what tests need of the system, and how a person gets it."""

from __future__ import annotations

import pytest

import dev_parts


@pytest.mark.parametrize("name", dev_parts.PARTS)
def test_each_part_says_how_to_get_it(name):
    part = dev_parts.PARTS[name]
    assert part.programs
    assert all(package in part.how_to_get() for package in part.debian)


def test_a_part_without_its_programs_is_not_there():
    part = dev_parts.Part((("no-such-program-at-all", "nor-this-one"),), ("nothing",), "nothing")
    assert not part.there()
