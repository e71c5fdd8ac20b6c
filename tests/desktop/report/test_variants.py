"""A value is found however it is written."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.desktop.report.variants import ANYWHERE_CHARS, compact, cut_off, variants
from tests.desktop.report.search import ways

VALUES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=3, max_size=32).map(
    lambda text: f"Qz{text}"
)


def find(value: str, text: str) -> bool:
    lowered = text.lower()
    return any(
        variant.needle in (compact(lowered) if variant.compact else lowered)
        and re.search(variant.pattern, text, re.IGNORECASE)
        for variant in variants(value)
    )


@given(VALUES, st.sampled_from(["", " ", "x", ": ", '"', "=", "/"]))
def test_every_way_of_writing_is_found(value, around):
    for name, way in ways(value).items():
        if name.startswith("base64") and (len(way) < 7 or around in {"x", "/", "="}):
            continue  # too short to be told from chance, or other digits of base64
        if len(value) < ANYWHERE_CHARS and around == "x":
            continue
        text = way.decode("latin-1" if name in {"utf-16 le", "utf-16 be"} else "utf-8")
        assert find(value, f"{around}{text}{around}"), name


@pytest.mark.parametrize("data", [b"\x00HomeNet-5G\x00", b"ssid=HomeNet-5G&x", b"HomeNet-5G"])
def test_it_is_found_inside_other_coded_data(data):
    assert find("HomeNet-5G", base64.b64encode(data).decode())
    assert find("HomeNet-5G", base64.urlsafe_b64encode(data).decode())
    assert find("HomeNet-5G", data.hex())
    assert find("HomeNet-5G", f"0x{data.hex(' ').replace(' ', ', 0x')}")


def test_a_short_value_is_a_word_and_a_long_one_is_found_anywhere():
    assert find("net", "on net now")
    assert not find("net", "internet")
    assert find("HomeNet", "xHomeNetx")
    assert not find("net", "6e6574")


def test_the_beginning_of_a_value_at_the_end_of_a_text_is_known():
    assert cut_off("HomeNet-5G", "joining HomeNe") == 6
    assert cut_off("HomeNet-5G", "joining homenet-5") == 9
    assert cut_off("HomeNet-5G", "joining Hom") == 0
    assert cut_off("HomeNet-5G", "joining HomeNet-5G") == 0
