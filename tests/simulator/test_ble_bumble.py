"""The same board behind two simulated controllers: a real ATT layer between bleak and it."""

from __future__ import annotations

import pytest
from bleak import BleakClient
from bleak.exc import BleakGATTProtocolError, BleakGATTProtocolErrorCode

from agent.protocols.v2.messages import CommandCode
from agent.simulator.ble_radio import INPUT_UUID
from tests.simulator.boards import GONE, command, status, timestamp
from tests.simulator.radios import ON_LINUX, AirHost, bluetooth, board_in_the_air, find

pytestmark = ON_LINUX

VERSION = command(CommandCode.GET_SKETCH_VERSION)
MTUS = [23, 185, 247]


@pytest.mark.parametrize("mtu", MTUS)
async def test_a_whole_provisioning_over_a_real_att_layer(mtu: int) -> None:
    from tests.simulator.bumble_air import two_radios

    async with board_in_the_air() as device, bluetooth() as bluez:
        assert device.air is not None
        async with two_radios(device.air, mtu=mtu) as board:
            bluez.add(board)
            async with AirHost(await find(address=board.address)) as host:
                found = host.client.services.get_characteristic(INPUT_UUID)
                assert found is not None
                assert found.max_write_without_response_size == min(mtu, 246) - 3
                tag, networks = (await host.open())[-1]
                assert (tag, networks[0]) == ("0x12001", "HomeNet")
                assert await host.ask(VERSION) == ("0x12015", ["0.6.2"])
                await host.write(timestamp())
                await host.settle()
                tags = [(await host.ask(command(CommandCode.GET_ID)))[0]]
                tags += [(await host.hear())[0], (await host.hear())[0]]
                assert tags == ["0x12017", "0x12010", "0x12011"]
                assert await host.join() == [status(1), status(2)]
                assert await host.hear() == (GONE, None)
            assert device.air.advertisement is None


async def test_the_board_refuses_a_value_that_is_too_long_for_it() -> None:
    from tests.simulator.bumble_air import two_radios

    async with board_in_the_air() as device, bluetooth() as bluez:
        assert device.air is not None
        async with two_radios(device.air, mtu=185) as board:
            bluez.add(board)
            async with BleakClient(await find(address=board.address)) as client:
                with pytest.raises(BleakGATTProtocolError) as told:
                    await client.write_gatt_char(INPUT_UUID, bytes(257), response=True)
                assert told.value.code is BleakGATTProtocolErrorCode.INVALID_OFFSET


async def test_a_link_that_the_host_ends_leaves_a_board_that_can_be_found_again() -> None:
    from tests.simulator.bumble_air import two_radios

    async with board_in_the_air() as device, bluetooth() as bluez:
        assert device.air is not None
        async with two_radios(device.air, mtu=247) as board:
            bluez.add(board)
            for _ in range(2):
                async with AirHost(await find(address=board.address)) as host:
                    await host.open()
