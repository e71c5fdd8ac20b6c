"""Networks of boards over the bridge: which are listed, in which order, and what is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.bridge.methods.wifi import as_points
from agent.errors import WifiAbsent, WifiForbidden, WifiNever, WifiOff, WifiStopped
from agent.links.access_point_wifi import AccessPoint
from tests.bridge.running import Wifi, run_bridge

if TYPE_CHECKING:
    from pathlib import Path

    from agent.errors import MooringError

DONE = {"detail": "It is so.", "action": "Do it."}


def heard(ssid: str | bytes, strength: int = 50, adapter: str = "wlan0") -> AccessPoint:
    name = ssid if isinstance(ssid, bytes) else ssid.encode()
    return AccessPoint(name, "02:00:00:00:00:01", strength, False, adapter)


def test_what_looks_like_a_board_comes_first_and_then_the_strongest() -> None:
    names = ["Café", "Blynk Thermo-4Y1H", "Acme Pump-N4Y1", "Guest-ABCD", "Blynk-ZZZZ"]
    strengths = dict(zip(names, (90, 30, 60, 40, 20), strict=True))
    listed = as_points(heard(name, strength) for name, strength in strengths.items())
    assert [(point.name, point.looks_like, point.product) for point in listed] == [
        ("Acme Pump-N4Y1", "blynk", "Pump"),
        ("Blynk Thermo-4Y1H", "blynk", "Thermo"),
        ("Blynk-ZZZZ", "blynk", "Blynk"),
        ("Café", None, ""),
        ("Guest-ABCD", None, ""),
    ]


def test_a_network_that_two_adapters_hear_is_listed_once_as_strong_as_it_is() -> None:
    (point,) = as_points([heard("x", 20), heard("x", 80, "wlan1"), heard("x", 30, "wlan2")])
    assert (point.access_point, point.strength) == ("x", 80)


def test_a_name_that_is_no_text_can_be_shown_and_meant() -> None:
    (point,) = as_points([heard(b"Blynk \xff-4Y1H")])
    assert (point.access_point, point.name) == ("hex:426c796e6b20ff2d34593148", "Blynk \ufffd-4Y1H")
    assert point.looks_like == "blynk"


@pytest.mark.parametrize(
    "problem",
    [
        WifiAbsent(detail="None."),
        WifiOff(action="Do it."),
        WifiForbidden(**DONE),
        WifiStopped(**DONE),
        WifiNever(),
    ],
    ids=lambda problem: problem.code,
)
async def test_each_trouble_of_the_computer_s_wifi_is_its_own_error(
    tmp_path: Path, problem: MooringError
) -> None:
    wifi = Wifi()
    async with run_bridge(tmp_path, wifi=wifi) as bridge:
        client = await bridge.open(own=True)
        (point,) = (await client.call("wifi.points"))["points"]
        assert point["access_point"] == "Blynk Thermo-4Y1H"
        wifi.problem = problem
        refused = await client.fail("wifi.points")
        assert refused["data"]["code"] == problem.code
        assert refused["data"]["remedy"]
