"""The colours can be read: WCAG contrast of every pair in use, light and dark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from agent.bridge.pages import WEB_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = 4.5
"""WCAG 2.2, 1.4.3 (AA): text of normal size."""
EDGE = 3.0
"""WCAG 2.2, 1.4.11: edges of inputs, focus rings, shapes that carry meaning."""

PAIRS = [
    *[(ink, ground, TEXT) for ink in ("ink", "soft", "accent") for ground in ("sheet", "ground")],
    ("accent-ink", "accent", TEXT),
    ("bad-ink", "bad", TEXT),
    ("ink", "accent-wash", TEXT),
    ("soft", "accent-wash", TEXT),
    ("accent", "accent-wash", TEXT),
    *[(f"{look}", f"{look}-wash", TEXT) for look in ("ok", "ask", "bad")],
    *[
        (ink, f"{look}-wash", TEXT)
        for look in ("ok", "ask", "bad")
        for ink in ("ink", "soft", "accent")
    ],
    *[(look, ground, TEXT) for look in ("ok", "ask", "bad") for ground in ("sheet", "ground")],
    *[("edge", ground, EDGE) for ground in ("sheet", "ground", "ask-wash")],
]


def tokens() -> Iterator[tuple[str, str, str]]:
    text = (WEB_FOLDER / "style" / "tokens.css").read_text(encoding="utf-8")
    pattern = r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)"
    for match in re.finditer(pattern, text):
        yield match[1], match[2], match[3]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_pair_of_colours_in_use_can_be_told_apart(scheme: str) -> None:
    colours = {name: light if scheme == "light" else dark for name, light, dark in tokens()}
    weak = {
        f"{ink} on {ground}": round(found, 2)
        for ink, ground, least in PAIRS
        if (found := contrast(colours[ink], colours[ground])) < least
    }
    assert not weak
