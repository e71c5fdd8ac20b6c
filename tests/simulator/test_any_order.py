"""Whatever people and hosts do to a board, in any order: afterwards it can be flashed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING

import pytest

from agent.errors import MooringError
from agent.simulator.config import BoardConfig, BootloaderConfig
from tests.simulator.flashing import flash, image_of, into_loader, touch
from tests.simulator.test_device import ENDINGS, plugged_in

if TYPE_CHECKING:
    from agent.simulator.device import SimulatedDevice

STEPS = 15


async def do_something(device: SimulatedDevice, chance: random.Random) -> None:
    match chance.choice(("plug", "unplug", "touch", "touch", "reset", "twice", "wait", "fault")):
        case "plug":
            await device.plug()
        case "unplug":
            device.unplug()
        case "touch" if device.address is not None and device.port.kind == "serial":
            with contextlib.suppress(MooringError, OSError):  # it may vanish meanwhile
                await touch(device)
        case "reset":
            device.press_reset()
        case "twice":
            device.press_reset(times=2)
        case "wait":
            await asyncio.sleep(chance.choice((0, 0.001, 0.02)))
        case "fault":
            device.apply(chance.choice(("silence", "wedge", "reboot")))


@pytest.mark.parametrize("tcp", ENDINGS)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("model", ["mkr_wifi_1010", "uno_r4_wifi"])
async def test_a_board_can_be_flashed_after_anything(model: str, seed: int, tcp: bool) -> None:
    chance = random.Random(f"{model} {seed}")
    board = BoardConfig(
        model=model,
        sketch="other",
        bootloader=BootloaderConfig(
            comes=chance.choice(("once", "glitch")), keeps_name=chance.random() < 0.3
        ),
    )
    async with plugged_in(board=board, tcp=tcp, speed=100.0) as (device, seen):
        for _ in range(STEPS):
            await do_something(device, chance)
        device.unplug()
        await device.plug()
        if not device.status().in_bootloader:
            await into_loader(device, seen)
        await flash(device, image_of(device, "provisioning-2.0", size=4096))
        await seen.wait_for("flashed")
        assert device.status().runs == "provisioning-2.0"
    assert device.address is None
    assert device.status().state == "UNPLUGGED"
