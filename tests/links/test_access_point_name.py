"""Names of access points as text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError
from agent.links.access_point_name import access_point_text, read_access_point
from agent.settings import clean_text


@pytest.mark.parametrize(
    ("ssid", "text"),
    [
        (b"Blynk Thermo-4Y1H", "Blynk Thermo-4Y1H"),
        ("Blynk 🌡-4Y1H".encode(), "Blynk 🌡-4Y1H"),
        (b" Blynk-4Y1H ", " Blynk-4Y1H "),
        (b"caf\xe9", "hex:636166e9"),
        (b"hex:00", "hex:6865783a3030"),
        ("‮H1Y4".encode(), "hex:e280ae48315934"),
        (b"a\nb", "hex:610a62"),
    ],
)
def test_a_name_that_reads_as_it_stands_is_its_own_text(ssid: bytes, text: str):
    assert access_point_text(ssid) == text
    assert read_access_point(text) == ssid


@given(st.binary(min_size=1, max_size=32))
def test_every_name_has_a_text_of_its_own_that_can_be_shown(ssid: bytes):
    text = access_point_text(ssid)
    assert read_access_point(text) == ssid
    assert clean_text(text) == text


@pytest.mark.parametrize("text", ["", "hex:", "hex:0", "hex:xy", "x" * 33, "hex:" + "61" * 33])
def test_what_is_no_name_is_refused(text: str):
    with pytest.raises(InputError) as caught:
        read_access_point(text)
    assert caught.value.facts["field"] == "access_point"
