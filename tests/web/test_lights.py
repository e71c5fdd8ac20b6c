"""The light of a Blynk board: the page says and draws the same as the agent knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.protocols.blynk import leds

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

LIGHTS = """async () => {
  const { LIGHTS, COLOURS, ...lib } = await import("/lib/lights.js");
  const told = (light) => ({ ...light, look: lib.lookOf(light), motion: lib.motionOf(light) });
  return {
    1: LIGHTS[1].map(told), 2: LIGHTS[2].map(told), colours: COLOURS,
    hold: [lib.RESET_HOLD_S, lib.CANCEL_HOLD_S],
    all: lib.allLights().map(({ light, firmware }) => [light.state, lib.lookOf(light), firmware]),
  };
}"""


async def test_the_page_has_the_lights_of_the_agent(modules: Page) -> None:
    page = await modules.evaluate(LIGHTS)
    assert page["colours"] == leds.COLOURS
    assert page["hold"] == [leds.RESET_HOLD_S, leds.CANCEL_HOLD_S]
    for generation, lights in leds.LIGHTS.items():
        assert [_known(each) for each in page[str(generation)]] == [
            {
                "state": light.state,
                "meaning": light.meaning,
                "colour": light.colour,
                "rhythm": list(light.rhythm_ms),
                "breath": light.breath_ms,
                "look": light.look,
            }
            for light in lights
        ]


def _known(light: dict[str, Any]) -> dict[str, Any]:
    usual: dict[str, Any] = {"rhythm": [], "breath": 0}
    return {name: value for name, value in (usual | light).items() if name != "motion"}


async def test_no_light_flashes_more_than_three_times_a_second(modules: Page) -> None:
    page = await modules.evaluate(LIGHTS)
    for light in page["1"] + page["2"]:
        frames, duration = light["motion"]["frames"], light["motion"]["duration"]
        offsets = [frame["offset"] for frame in frames]
        assert offsets == sorted(offsets)
        assert (offsets[0], offsets[-1]) == (0, 1)
        flashes = len([frame for frame in frames[:-1] if frame["opacity"] == 1])
        assert flashes / duration * 1000 <= 3


async def test_each_thing_that_the_light_says_is_told_once(modules: Page) -> None:
    told = (await modules.evaluate(LIGHTS))["all"]
    assert len({tuple(each) for each in told}) == len(told)
    assert told[0] == ["waiting", "blue, short flashes", ""]
    assert ["connecting", "turquoise, blinking fast", "older"] in told
    assert ["connecting", "green, short flashes", "newer"] in told
    assert {state for state, _, _ in told} == {
        light.state for lights in leds.LIGHTS.values() for light in lights
    }
