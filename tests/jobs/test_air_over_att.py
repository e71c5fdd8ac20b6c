"""Jobs of each kind over the ATT layer of two simulated controllers, with small and large MTUs.

Unmodified bleak speaks to a stand-in of BlueZ, which speaks through one controller of Bumble to
another, behind which the simulated board is; the cloud is the simulated one.
"""

from __future__ import annotations

import dataclasses
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent.jobs.job import JobState
from tests.air import ON_LINUX

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.simulator.ble_air import Advertisement, PeripheralLink
    from agent.simulator.ble_board import BoardInTheAir
    from agent.simulator.device import SimulatedDevice
    from tests.jobs.air_bench import AirBench
    from tests.simulator.bumble_air import HeardPeripheral

pytestmark = ON_LINUX

OFFICE = {"kind": "wifi", "ssid": "Office", "password": "s3cret"}


class Named:
    """What is heard, with the name that Bumble's controller loses in its answer to a scan."""

    def __init__(self, heard: HeardPeripheral, board: BoardInTheAir) -> None:
        self.address = heard.address
        self._heard = heard
        self._board = board

    @property
    def rssi_dbm(self) -> int | None:
        return self._heard.rssi_dbm

    @property
    def advertisement(self) -> Advertisement | None:
        heard, said = self._heard.advertisement, self._board.advertisement
        if heard is None or said is None:
            return None
        return dataclasses.replace(heard, name=said.name)

    async def connect(self, on_lost: Callable[[], None]) -> PeripheralLink:
        return await self._heard.connect(on_lost)


@asynccontextmanager
async def over_att(bench: AirBench, mtu: int) -> AsyncIterator[SimulatedDevice]:
    """A board that is reached through two controllers, and an agent that hears it."""
    from tests.simulator.bumble_air import two_radios

    (device,) = await bench.start_air()
    assert device.air is not None
    bluez = bench.air.bluez
    bluez.remove(device.air)
    async with two_radios(device.air, mtu=mtu) as heard:
        bluez.add(Named(heard, device.air))
        await bench.start_agent(clock=bench.hurried)
        yield device
        await bench.stop_agent()


@pytest.fixture(params=[23, 185, 247])
def mtu(request: pytest.FixtureRequest) -> int:
    return int(request.param)


async def test_a_board_is_read_and_scans(in_air: AirBench, mtu: int):
    async with over_att(in_air, mtu):
        job = await in_air.ended(await in_air.job("identify"))
        assert job.state is JobState.DONE, job
        assert job.result
        assert job.result["sketch_version"] == "0.6.2"
        job = await in_air.ended(await in_air.job("networks"))
        assert job.result
        assert len(job.result["networks"]) == 3


async def test_its_network_is_changed_after_a_wrong_password(in_air: AirBench, mtu: int):
    async with over_att(in_air, mtu):
        wrong = OFFICE | {"password": "wrong password"}
        job = await in_air.ended(await in_air.job("configure", network=wrong, attended=False))
        assert job.state is JobState.FAILED, job
        job = await in_air.ended(await in_air.job("configure", network=OFFICE))
        assert job.state is JobState.DONE, job


async def test_it_is_claimed_gets_the_certificate_it_asked_for_and_forgets(
    in_air: AirBench, mtu: int
):
    async with over_att(in_air, mtu) as device:
        job = await in_air.ended(await in_air.set_up())
        assert job.state is JobState.DONE, job
        assert job.result
        (claim,) = in_air.open_claims()
        assert job.result["device_id"] == claim.device_id == device.status().device_id
        device.press_reconfigure()
        number = await in_air.job("forget")
        await in_air.asks(number)
        await in_air.jobs.answer(number, {"action": "continue"})
        job = await in_air.ended(number)
        assert job.state is JobState.DONE, job
        assert not device.status().device_id


async def test_it_is_put_on_a_network_first_and_claimed_then(in_air: AirBench, mtu: int):
    async with over_att(in_air, mtu) as device:
        job = await in_air.ended(await in_air.job("configure", network=OFFICE))
        assert job.state is JobState.DONE, job
        job = await in_air.ended(await in_air.set_up(attended=False))
        assert job.state is JobState.DONE, job
        assert job.result
        # Which of the two it is depends on whether RESET or the certificate is faster.
        stored = job.result.get("settings_sent") is False
        assert job.result["network"] == ("Office" if stored else "HomeNet")
        (claim,) = in_air.open_claims()
        assert job.result["device_id"] == claim.device_id == device.status().device_id
