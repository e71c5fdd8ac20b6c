"""The icon, drawn by code: an anchor on a tile, and a badge that says the state.

Each pixel gets the share of it that a shape covers, from the distance to the shape's edge: smooth
at each size without a graphics library. The anchor is that of the page (``web/favicon.svg``).
"""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.desktop.tray.state import IconState

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES: Final = (22, 48)
"""Pixels of the sides: what panels show, and twice that for dense screens; they scale the rest."""

_Colour: TypeAlias = tuple[int, int, int]
_TILE: Final[_Colour] = (0x0B, 0x6E, 0x75)
_WHITE: Final[_Colour] = (0xFF, 0xFF, 0xFF)
_BADGES: Final[dict[IconState, _Colour]] = {
    IconState.WORKING: (0x2F, 0x80, 0xED),
    IconState.ASKING: (0xF2, 0xA9, 0x00),
    IconState.PROBLEM: (0xD9, 0x30, 0x25),
    IconState.PAUSED: (0x5F, 0x6B, 0x76),
}
"""The shape inside differs as well: colours alone are not seen by everybody."""
_GRID: Final = 32.0
"""The drawing's own unit is a thirty-second of the side."""
_BADGE: Final = (23.0, 23.0, 9.0)
"""Centre and radius of the badge; it is nine pixels wide in the smallest icon."""


def rgba(state: IconState, size: int) -> bytes:
    """The icon as ``size`` rows of ``size`` pixels: red, green, blue, opacity; not premultiplied."""
    layers = _layers(state)
    scale = _GRID / size
    pixels = bytearray()
    for row in range(size):
        for column in range(size):
            x, y = (column + 0.5) * scale, (row + 0.5) * scale
            red = green = blue = alpha = 0.0
            for distance, colour, opaque in layers:
                cover = min(1.0, max(0.0, 0.5 - distance(x, y) / scale))
                if not opaque:
                    alpha *= 1.0 - cover
                    continue
                total = cover + alpha * (1.0 - cover)
                if total:
                    part = cover / total
                    red += (colour[0] - red) * part
                    green += (colour[1] - green) * part
                    blue += (colour[2] - blue) * part
                alpha = total
            pixels += bytes((round(red), round(green), round(blue), round(alpha * 255)))
    return bytes(pixels)


def argb(state: IconState, size: int) -> bytes:
    """The same as StatusNotifierItem wants it: opacity first, network byte order."""
    plain = rgba(state, size)
    turned = bytearray(len(plain))
    turned[0::4] = plain[3::4]
    turned[1::4], turned[2::4], turned[3::4] = plain[0::4], plain[1::4], plain[2::4]
    return bytes(turned)


_Shape: TypeAlias = "Callable[[float, float], float]"
"""Distance of a point to the edge, negative inside; in units of the drawing."""


def _layers(state: IconState) -> list[tuple[_Shape, _Colour, bool]]:
    """Lowest first; the last value is False for one that only cuts away."""
    layers: list[tuple[_Shape, _Colour, bool]] = [
        (_tile, _TILE, True),
        (_anchor, _WHITE, True),
    ]
    if state in _BADGES:
        x, y, radius = _BADGE
        layers += [
            (_disc(x, y, radius + 1.5), _WHITE, False),
            (_disc(x, y, radius), _BADGES[state], True),
            (_SIGNS[state], _WHITE, True),
        ]
    return layers


def _tile(x: float, y: float) -> float:
    across, down = max(abs(x - 16) - 9, 0.0), max(abs(y - 16) - 9, 0.0)
    return hypot(across, down) - 7


def _anchor(x: float, y: float) -> float:
    ring = abs(hypot(x - 16, y - 8.5) - 2.5)
    shank = _segment(x, y, 16, 11, 16, 25)
    stock = _segment(x, y, 11.5, 14.5, 20.5, 14.5)
    # The arms are the lower part of a circle, up to where their tips are.
    arms = abs(hypot(x - 16, y - 16.5) - 8.5) if y > 18 else hypot(abs(x - 16) - 8.4, y - 18)
    return min(ring, shank, stock, arms) - 1.3


def _disc(at_x: float, at_y: float, radius: float) -> _Shape:
    return lambda x, y: hypot(x - at_x, y - at_y) - radius


def _segment(x: float, y: float, from_x: float, from_y: float, to_x: float, to_y: float) -> float:
    """Distance to a straight line between two points."""
    along_x, along_y = to_x - from_x, to_y - from_y
    share = ((x - from_x) * along_x + (y - from_y) * along_y) / (along_x**2 + along_y**2)
    share = min(1.0, max(0.0, share))
    return hypot(x - from_x - share * along_x, y - from_y - share * along_y)


def _dots(x: float, y: float) -> float:
    return min(hypot(x - each, y - 23) for each in (18.6, 23.0, 27.4)) - 1.5


def _question(x: float, y: float) -> float:
    bow = abs(hypot(x - 23, y - 20.6) - 2.7)
    bow = bow if x > 23 or y < 20.6 else hypot(x - 20.3, y - 20.6)
    stem = _segment(x, y, 23, 23.3, 23, 24.4)
    return min(min(bow, stem) - 1.1, hypot(x - 23, y - 28) - 1.4)


def _exclamation(x: float, y: float) -> float:
    return min(_segment(x, y, 23, 18.2, 23, 23.6) - 1.4, hypot(x - 23, y - 27.4) - 1.5)


def _bars(x: float, y: float) -> float:
    return min(_segment(x, y, each, 19.8, each, 26.2) for each in (20.6, 25.4)) - 1.4


_SIGNS: Final[dict[IconState, _Shape]] = {
    IconState.WORKING: _dots,
    IconState.ASKING: _question,
    IconState.PROBLEM: _exclamation,
    IconState.PAUSED: _bars,
}
