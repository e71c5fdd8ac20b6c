"""What the light of a board says."""

from __future__ import annotations

import re

import pytest

from agent.protocols.blynk.leds import COLOURS, LIGHTS, RESET_HOLD_S, watched

ALL = [light for lights in LIGHTS.values() for light in lights]


@pytest.mark.parametrize("light", ALL, ids=lambda light: light.state)
def test_each_has_words_and_numbers(light):
    assert light.meaning.endswith(".")
    assert re.fullmatch("#[0-9a-f]{6}", COLOURS[light.colour])
    assert bool(light.rhythm_ms) != bool(light.breath_ms)
    assert len(light.rhythm_ms) % 2 == 0
    assert light.look.startswith(light.colour)


@pytest.mark.parametrize("generation", [1, 2])
def test_no_two_of_a_generation_look_alike(generation):
    looks = [(each.colour, each.rhythm_ms, each.breath_ms) for each in LIGHTS[generation]]
    assert len(set(looks)) == len(looks)


def test_words_for_rhythms():
    looks = {each.state: each.look for each in LIGHTS[1]}
    assert looks["waiting"] == "blue, short flashes"
    assert looks["configuring"] == "blue, blinking slowly"
    assert looks["connecting"] == "turquoise, blinking fast"
    assert looks["running"] == "turquoise, slowly getting brighter and darker"
    assert looks["error"] == "red, two short flashes and a pause"
    assert LIGHTS[2][0].look == "yellow, a short flash every 2 s"
    assert RESET_HOLD_S == 10


def test_a_person_is_told_what_to_look_at_while_nobody_else_tells() -> None:
    assert "flashes turquoise while it tries" in watched(1)
    assert "flashes green while it tries" in watched(2)
    for generation in (1, 2):
        assert "red if it failed" in watched(generation)
