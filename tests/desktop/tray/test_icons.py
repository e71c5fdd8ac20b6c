"""The icon, drawn by code."""

from __future__ import annotations

import pytest

from agent.desktop.tray.icons import SIZES, argb, rgba
from agent.desktop.tray.state import IconState

STATES = pytest.mark.parametrize("state", IconState)


@STATES
@pytest.mark.parametrize("size", [*SIZES, 16, 64])
def test_an_icon_has_the_size_that_was_asked_for(state, size):
    assert len(rgba(state, size)) == size * size * 4


@pytest.mark.parametrize("size", SIZES)
def test_each_state_looks_different(size):
    assert len({rgba(state, size) for state in IconState}) == len(IconState)


@STATES
def test_the_corners_are_clear_and_the_tile_is_solid(state):
    size = 48
    pixels = rgba(state, size)
    assert pixels[3] == 0
    middle_of_left_edge = (size // 2 * size + 2) * 4
    assert tuple(pixels[middle_of_left_edge : middle_of_left_edge + 4]) == (0x0B, 0x6E, 0x75, 255)


@STATES
def test_panels_get_the_same_pixels_with_opacity_first(state):
    plain, turned = rgba(state, 22), argb(state, 22)
    for at in range(0, len(plain), 4):
        red, green, blue, alpha = plain[at : at + 4]
        assert tuple(turned[at : at + 4]) == (alpha, red, green, blue)
