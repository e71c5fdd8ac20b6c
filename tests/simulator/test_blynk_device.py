"""The simulated Blynk board: states and times of the firmware, in its own time."""

from __future__ import annotations

import pytest

from agent.protocols.blynk.names import parse_name
from agent.settings import Secret
from agent.simulator.blynk_device import RETRIES, EdgentDevice
from agent.simulator.blynk_settings import EdgentConfig, Settings
from agent.simulator.world import Network, Uplink, World

TOKEN = Secret("t" * 32)
HOME = Settings(ssid=b"HomeNet", password=Secret("correct horse"), token=TOKEN)
WRONG = Settings(ssid=b"HomeNet", password=Secret("wrong horse"), token=TOKEN)
FIRST, SECOND = EdgentConfig(generation=1), EdgentConfig(generation=2)


def started(config: EdgentConfig, world: World | None = None, **more: object) -> EdgentDevice:
    device = EdgentDevice(config, world, **more)  # type: ignore[arg-type]  # its own
    device.run(5000)
    assert device.state == "WAIT_CONFIG"
    return device


def states(device: EdgentDevice, until: float) -> list[tuple[int, str]]:
    """When it changed to what, in seconds."""
    seen = [(device.state, device.now)]
    while device.wake_at <= until:
        device.run(device.wake_at)
        if device.state != seen[-1][0]:
            seen.append((device.state, device.now))
    device.run(until)
    return [(round((at - 5000) / 1000), state) for state, at in seen]


@pytest.mark.parametrize("config", [FIRST, SECOND])
def test_its_name_is_one_of_its_generation(config):
    found = parse_name(EdgentDevice(config).name)
    assert found is not None
    assert config.generation in found.may_be


def test_generation_1_goes_online_and_keeps_its_settings():
    device = started(FIRST)
    assert device.access_point
    device.configure(HOME, once=True)
    assert states(device, 60_000) == [
        (0, "SWITCH_TO_STA"),
        (1, "CONNECTING_NET"),
        (4, "CONNECTING_CLOUD"),
        (4, "RUNNING"),
    ]
    assert not device.access_point
    device.restart()
    device.run(70_000)
    assert device.state == "RUNNING"


def test_a_failed_try_of_generation_1_wipes_what_was_stored_and_restarts_after_ten_seconds():
    device = started(FIRST)
    device.configure(HOME, once=True)
    device.run(60_000)
    device.wait_for_settings()
    device.run(65_000)
    began = device.now
    device.configure(WRONG, once=True)
    device.run(began + 51_000)
    assert device.state == "CONNECTING_NET"
    device.run(began + 52_000)
    assert (device.state, device.last_error, device.stored) == ("ERROR", 701, None)
    assert not device.access_point
    device.run(began + 66_000)
    assert (device.state, device.boots, device.last_error) == ("WAIT_CONFIG", 2, 701)
    assert device.access_point


def test_the_console_of_generation_1_makes_it_try_500_times():
    device = started(FIRST)
    device.configure(WRONG, once=False)
    device.run(5000 + 1100 + 50_000 * (RETRIES - 1))
    assert (device.state, device.attempts) == ("CONNECTING_NET", RETRIES)
    device.wait_for_settings()
    assert device.state == "WAIT_CONFIG"


@pytest.mark.parametrize(
    ("settings", "world", "answer", "code"),
    [
        (WRONG, None, "ok", 722),
        (Settings(ssid=b"Nowhere", token=TOKEN), None, "ok", 720),
        (
            HOME,
            World(networks=[Network(ssid="HomeNet", password=HOME.password, dhcp=False)]),
            "ok",
            723,
        ),
        (Settings(ssid=b"NoInternet", password=Secret("nopath"), token=TOKEN), None, "ok", 702),
        (HOME, None, "refused", 703),
        (HOME, None, "silent", 702),
        (Settings(kind="eth", token=TOKEN), None, "ok", 721),
        (Settings(kind="cell", token=TOKEN), World(modem=Uplink.ABSENT), "ok", 730),
    ],
)
def test_generation_2_says_why_and_waits_for_settings_again(settings, world, answer, code):
    said: list[dict[str, object]] = []
    device = started(SECOND, world, cloud=lambda _token, _host: answer)
    device.on_message = said.append
    device.configure(settings, once=True)
    device.run(110_000)
    assert (device.state, device.last_error) == ("WAIT_CONFIG", code)
    assert "reason" in said[-1]


def test_a_fixed_address_needs_no_dhcp():
    world = World(networks=[Network(ssid="HomeNet", password=HOME.password, dhcp=False)])
    device = started(SECOND, world)
    fixed = Settings(ssid=HOME.ssid, password=HOME.password, token=TOKEN, static_ip="10.0.0.9")
    device.configure(fixed, once=True)
    device.run(60_000)
    assert (device.state, device.address) == ("RUNNING", "10.0.0.9")


def test_generation_2_cannot_be_reached_after_ten_minutes_without_settings():
    device = started(SECOND)
    device.run(700_000)
    assert device.state == "IDLE"
    assert not device.access_point


def test_a_board_that_is_faster_than_real_ones_waits_as_long_for_people():
    device = EdgentDevice(SECOND, speed=50.0)
    device.run(50 * 590_000)
    assert device.state == "WAIT_CONFIG"
    device.run(50 * 601_000)
    assert device.state == "IDLE"


@pytest.mark.parametrize(
    ("config", "held", "resets"),
    [
        (FIRST, 9_000, False),
        (FIRST, 11_000, True),
        (FIRST, 25_000, True),
        (SECOND, 11_000, True),
        (SECOND, 25_000, False),
    ],
)
def test_the_button_resets_when_it_is_released(config, held, resets):
    device = started(config)
    device.configure(HOME, once=True)
    device.run(60_000)
    device.press()
    device.run(60_000 + held)
    assert device.stored is not None
    device.release()
    device.run(device.now)
    assert (device.stored is None) == resets


def test_somebody_who_asks_and_leaves_is_seen_on_its_light():
    device = started(FIRST)
    device.touch()
    assert device.state == "CONFIGURING"
    device.leave()
    assert device.state == "WAIT_CONFIG"
