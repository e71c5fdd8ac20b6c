"""Names of boards in the air."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.blynk.names import (
    ALPHABETS,
    NAME_BYTES,
    make_name,
    parse_name,
    unique_part,
)

GENERATIONS = st.sampled_from([1, 2])


@pytest.mark.parametrize(
    ("name", "prefix", "template", "unique", "may_be"),
    [
        ("Blynk Thermo-4Y1H", "Blynk", "Thermo", "4Y1H", (1, 2)),
        ("Blynk-4U1H", "Blynk", "", "4U1H", (1,)),
        ("Blynk My-Device-4X1H", "Blynk", "My-Device", "4X1H", (2,)),
        ("ACME Big Pump 2-EEEE", "ACME", "Big Pump 2", "EEEE", ()),
    ],
)
def test_a_name_has_its_parts(name, prefix, template, unique, may_be):
    found = parse_name(name)
    assert found is not None
    assert (found.prefix, found.template, found.unique) == (prefix, template, unique)
    assert found.may_be == may_be


@pytest.mark.parametrize(
    "name", ["", "HomeNet", "Blynk Thermo", "Blynk-4y1h", "-4Y1H", "Blynk-4Y1H "]
)
def test_other_names_are_none(name):
    assert parse_name(name) is None


@given(st.integers(0, 2**32 - 1), GENERATIONS)
def test_the_own_part_has_four_symbols_and_no_two_alike_beside_each_other(value, generation):
    made = unique_part(value, generation)
    assert len(made) == 4
    assert set(made) <= set(ALPHABETS[generation])
    assert all(a != b for a, b in itertools.pairwise(made))


@given(
    st.text("ABCdef12", min_size=1, max_size=40),
    st.text("ABCdef é🧀", max_size=40),
    st.integers(0, 2**32 - 1),
    GENERATIONS,
)
def test_a_name_is_never_longer_than_the_firmware_makes_it(prefix, template, value, generation):
    unique = unique_part(value, generation)
    name = make_name(prefix, template, unique, generation)
    if generation == 2 or len(prefix) <= 24:
        assert len(name.encode()) <= NAME_BYTES[generation]
    whole = f"{prefix}-{unique}" if template == prefix else f"{prefix} {template}-{unique}"
    if len(whole.encode()) <= NAME_BYTES[generation]:
        assert template in name
        found = parse_name(name)
        assert found is not None
        assert (found.prefix, found.unique) == (prefix, unique)


def test_the_names_of_the_documentation():
    assert make_name("Blynk", "Thermo", "4Y1H", 1) == "Blynk Thermo-4Y1H"
    assert make_name("Blynk", "Blynk", "4Y1H", 2) == "Blynk-4Y1H"
    long = "A template with a long name"
    assert make_name("Blynk", long, "4Y1H", 1) == f"Blynk {long[:20]}-4Y1H"
    assert make_name("Blynk", long, "4Y1H", 2) == f"Blynk {long[:18]}-4Y1H"
