"""Images for ESP chips: the chip they are for, and damage."""

from __future__ import annotations

import contextlib
import functools
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.catalog import Catalog
from agent.errors import ImageRefused
from agent.flash.esp_image import CHIP_IDS, _xor, is_merged, require_chip
from tests.flash.images import esp_image, esp_merged, image, noise

MODEL = Catalog.load().get("esp32s3")
assert MODEL is not None


def check(data: bytes, chip: str = "esp32s3", at: int = 0) -> None:
    assert MODEL is not None
    require_chip(image(data, "esp"), MODEL, chip, at)


@pytest.mark.parametrize("chip", [*CHIP_IDS, "esp8266"])
def test_a_sound_image_is_taken_by_its_chip(chip):
    check(esp_image(chip, noise(3000)), chip)


def test_an_image_for_another_chip_names_both():
    with pytest.raises(ImageRefused, match="built for esp32c3, and this board has esp32s3"):
        check(esp_image("esp32c3", noise(3000)))


@given(st.integers(1, 3000))
def test_a_cut_image_is_refused(cut):
    data = esp_image("esp32s3", noise(3000))
    # What stands behind the check value is not needed to run it.
    if cut > 32:
        with pytest.raises(ImageRefused):
            check(data[:-cut])


@given(st.integers(32, 3031), st.integers(1, 255))
def test_a_changed_byte_of_a_segment_is_found(at, change):
    data = bytearray(esp_image("esp32s3", noise(3000)))
    data[at] ^= change
    with pytest.raises(ImageRefused, match="damaged"):
        check(bytes(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(data):
    with contextlib.suppress(ImageRefused):
        check(b"\xe9" + data)


@given(st.binary(max_size=300))
def test_the_check_value_is_the_exclusive_or_of_all_bytes(data):
    assert _xor(data) == functools.reduce(operator.xor, data, 0)


def test_a_merged_image_is_told_from_an_application():
    sketch = esp_image("esp32", noise(40_000))
    assert is_merged(esp_merged("esp32", 0x1000, sketch), 0x1000)
    assert is_merged(esp_merged("esp32s3", 0, sketch), 0)
    assert not is_merged(sketch, 0)
    assert not is_merged(sketch, 0x1000)
    assert not is_merged(b"", 0)
