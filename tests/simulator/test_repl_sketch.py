"""Simulated boards with MicroPython and CircuitPython: deliveries, their program, losses of power."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import DriveInTheWay, MooringError
from agent.links.open import open_link
from agent.sessions.repl import BAUD, ReplDelivery, open_repl
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.config import BoardConfig, LineFaults, StepFault
from agent.simulator.repl_sketch import repl_config
from tests.simulator.moored_boards import NAME, board, put, settings, tell_nobody, thingsboard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.config import SketchName
    from agent.simulator.device import SimulatedDevice
    from agent.simulator.thingsboard import SimulatedThingsBoard

BOARDS: list[tuple[str, SketchName]] = [
    ("pico_w", "micropython"),
    ("pico_w", "circuitpython"),
    ("esp32", "micropython"),
    ("esp32s3", "circuitpython"),
]


@asynccontextmanager
async def bench(
    model: str = "pico_w", firmware: SketchName = "micropython", **options: object
) -> AsyncIterator[tuple[SimulatedThingsBoard, SimulatedDevice]]:
    async with thingsboard() as (server, _), board(model, firmware, **options) as device:
        yield server, device


@asynccontextmanager
async def opened(device: SimulatedDevice) -> AsyncIterator[ReplDelivery]:
    assert device.address is not None
    delivery = await open_repl(await open_link(device.address, BAUD))
    try:
        yield delivery
    finally:
        await delivery.close()


@pytest.mark.parametrize(("model", "firmware"), BOARDS)
async def test_its_program_connects_with_what_is_in_the_file(model: str, firmware: SketchName):
    async with thingsboard() as (server, seen), board(model, firmware) as device:
        async with opened(device) as delivery:
            found = await delivery.identify()
            assert (found.firmware.lower(), found.holds) == (firmware, "")
            assert found.hardware_id.endswith(device.board.chip_id.hex())
            assert seen.last_seen is None
            assert await put(delivery, settings(server)) == "connected"
            assert (await delivery.identify()).holds == NAME
        assert seen.last_seen is not None


@pytest.mark.parametrize(
    ("token", "network", "said"),
    [
        ("wrong", None, "refused The server did not let the board in."),
        (
            None,
            WiFi(ssid="HomeNet", password=Secret("wrong horse")),
            "network-failed The Wi-Fi network was not joined.",
        ),
    ],
    ids=["token", "password"],
)
async def test_what_fails_is_said_by_its_program(
    token: str | None, network: WiFi | None, said: str
):
    changes: dict[str, Any] = {"token": token, "network": network}
    given = {name: value for name, value in changes.items() if value is not None}
    async with bench() as (server, device), opened(device) as delivery:
        assert await put(delivery, settings(server, **given)) == said


async def test_its_file_outlives_its_power():
    async with bench() as (server, device):
        async with opened(device) as delivery:
            assert await put(delivery, settings(server)) == "connected"
        device.unplug()
        await device.plug()
        async with opened(device) as delivery:
            assert (await delivery.identify()).holds == NAME
            assert (await delivery.cloud_state(30)).outcome == "connected"


async def test_a_drive_that_the_computer_uses_is_in_the_way():
    used = bench(firmware="circuitpython", drive="in-use")
    async with used as (server, device), opened(device) as delivery:
        with pytest.raises(DriveInTheWay):
            await delivery.put(settings(server), tell_nobody)


@pytest.mark.parametrize("step", ["settings", "storage", "stored"])
async def test_power_that_goes_in_a_delivery_leaves_a_file_that_is_whole(step: str):
    fault = StepFault(at=step, do="unplug", after=2 if step == "settings" else 0)  # type: ignore[arg-type]  # a milestone
    async with bench(faults=(fault,)) as (server, device):
        async with opened(device) as delivery:
            with pytest.raises(MooringError):
                await delivery.put(settings(server), tell_nobody)
        await device.plug()
        async with opened(device) as delivery:
            held = (await delivery.identify()).holds
            assert held == ("" if step != "stored" else NAME)
            assert await put(delivery, settings(server)) == "connected"


async def test_a_line_that_arrives_in_small_pieces_is_borne():
    torn = bench(line=LineFaults(split=3), tcp=True)
    async with torn as (server, device), opened(device) as delivery:
        assert await put(delivery, settings(server)) == "connected"


async def test_a_host_that_stops_the_program_ends_its_connection_and_is_told():
    async with bench() as (server, device), opened(device) as delivery:
        assert await put(delivery, settings(server)) == "connected"
        assert device.status().state == "PYTHON/PROGRAM/CONNECTED"
        await delivery.identify()
        assert device.status().state == "PYTHON/RAW"
        assert device.status().host_connected


def test_an_espressif_chip_tells_circuitpython_its_digits_the_other_way_round():
    made = BoardConfig(model="esp32s3", serial_number="A")
    digits = made.chip_id.hex()
    told = repl_config(made, "circuitpython").unique_id
    assert json.loads(f'"{told}"') != digits
    assert "".join(told[at + 1] + told[at] for at in range(0, 12, 2)) == digits
    assert repl_config(made, "micropython").unique_id == digits
