"""What a performer holds open, with real ports and boards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.clouds.none import NoCloud
from agent.errors import InternalError, NotSupported, PortGone
from agent.jobs import device_effects as dx
from agent.jobs.device_performer import DevicePerformer
from agent.settings import Secret
from agent.simulator.world import Uplink, World
from tests.jobs.device_samples import DEVICE_ID

if TYPE_CHECKING:
    from tests.jobs.bench import Bench


async def test_the_port_of_a_lora_board_is_free_again_once_its_number_is_read(bench: Bench):
    board = await bench.plug(model="mkr_wan_1310", sketch="lora-1.0", world=World(modem=Uplink.OK))
    await bench.start_agent()
    async with bench.boards.lease(bench.board.id, "a test") as lease:
        performer = DevicePerformer(bench.board.id, lease, None, None)
        assert await performer.perform(dx.ReadEui()) == board.board.device_eui.upper()
        while board.status().host_connected:
            await asyncio.sleep(0.005)


async def test_a_session_that_was_closed_sends_nothing_more(bench: Bench):
    await bench.plug(model="mkr_wifi_1010", sketch="provisioning-1.0")
    await bench.start_agent()
    async with bench.boards.lease(bench.board.id, "a test") as lease:
        performer = DevicePerformer(bench.board.id, lease, None, None)
        await performer.perform(dx.OpenV1())
        assert "CERTIFICATE REQUEST" in await performer.perform(dx.MakeCsr(DEVICE_ID))
        await performer.close()
        with pytest.raises(PortGone):
            await performer.perform(dx.MakeCsr(DEVICE_ID))
        await performer.close()


async def test_without_a_lease_a_cloud_or_a_receiver_nothing_is_done():
    performer = DevicePerformer("board", None, NoCloud(), None)
    for request in (dx.OpenV1(), dx.ReadEui()):
        with pytest.raises(PortGone):
            await performer.perform(request)
    with pytest.raises(NotSupported):
        await performer.perform(dx.FindDevices("8A0C"))
    with pytest.raises(InternalError):
        await performer.perform(dx.Deliver("arduino_secrets.h", Secret("x")))
