"""Boards that were put on a network first and are claimed then, and are faster than the job."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent.jobs.job import JobState
from agent.jobs.opening import open_board_session
from tests.air import ON_LINUX
from tests.jobs.crashes import killed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.jobs.job import Job
    from agent.jobs.surroundings import Lease, SessionOpener
    from agent.sessions.session import Session
    from agent.simulator.device import SimulatedDevice
    from tests.jobs.air_bench import AirBench
    from tests.jobs.bench import Bench

pytestmark = ON_LINUX

OFFICE = {"kind": "wifi", "ssid": "Office", "password": "s3cret"}
BLE_OFF = "Its Bluetooth is off now. To change its network later: connect pin 2 to GND"


def in_cloud(device: SimulatedDevice) -> bool:
    """It has its certificate and went on by itself."""
    return device.status().state.startswith("RUN/")


class Late:
    """A session whose first RESET is slower than the board is with its certificate."""

    def __init__(self, session: Session, devices: Sequence[SimulatedDevice], *, for_ever: bool):
        self._session = session
        self._devices = devices
        self._for_ever = for_ever
        self._was_late = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def reset(self) -> None:
        while not self._was_late:
            self._was_late = not self._for_ever and in_cloud(self._devices[0])
            await asyncio.sleep(0.01)
        await self._session.reset()


def late(devices: Sequence[SimulatedDevice], *, for_ever: bool = False) -> SessionOpener:
    async def open_late(lease: Lease, *, known: bool = False, flashed: bool = False) -> Any:
        session = await open_board_session(lease, known=known, flashed=flashed)
        return Late(session, devices, for_ever=for_ever)

    return open_late


async def in_office(in_air: AirBench, *, for_ever: bool = False) -> SimulatedDevice:
    """A board that is in the network “Office”, and whose certificate comes before RESET."""
    (device,) = await in_air.start_air()
    slow = late(in_air.devices, for_ever=for_ever)
    await in_air.start_agent(clock=in_air.hurried, open_board=slow)
    job = await in_air.ended(await in_air.job("configure", network=OFFICE))
    assert job.state is JobState.DONE, job
    return device


def assert_as_it_was(bench: Bench, job: Job, device: SimulatedDevice) -> None:
    assert job.state is JobState.DONE, job
    assert job.result
    (claim,) = bench.open_claims()
    assert job.result["device_id"] == claim.device_id == device.status().device_id
    assert job.result["network"] == "Office"
    assert job.result["settings_sent"] is False
    assert in_cloud(device)


async def test_a_board_in_the_network_that_is_asked_for_needs_no_settings(in_air: AirBench):
    device = await in_office(in_air)
    job = await in_air.ended(await in_air.set_up(network=OFFICE))
    assert_as_it_was(in_air, job, device)
    assert job.result
    first, second = job.result["notes"]
    assert first == "It came online with Office as it had stored it; nothing had to be sent."
    assert second.startswith(BLE_OFF)
    assert not any(change.snapshot.question for change in in_air.changes)


async def test_with_nobody_there_a_board_in_another_network_stays_there(in_air: AirBench):
    device = await in_office(in_air)
    job = await in_air.ended(await in_air.set_up(attended=False))
    assert_as_it_was(in_air, job, device)
    assert job.result
    assert job.result["notes"][0] == (
        "It came online in Office, which it had stored before; HomeNet was not sent to it."
    )


async def test_a_person_may_leave_it_there(in_air: AirBench):
    device = await in_office(in_air)
    number = await in_air.set_up()
    asking = await in_air.asks(number)
    assert asking.question
    assert asking.question.title == (
        "kitchen-sensor is online in Arduino Cloud, in the network that it had stored before."
    )
    await in_air.jobs.answer(number, {"action": "keep"})
    assert_as_it_was(in_air, await in_air.ended(number), device)
    assert not any("no longer heard" in str(c.snapshot.question) for c in in_air.changes)


async def test_a_person_may_bring_it_back_and_change_its_network(in_air: AirBench):
    device = await in_office(in_air)
    number = await in_air.set_up()
    await in_air.asks(number)
    await in_air.jobs.answer(number, {"action": "continue"})
    asking = await in_air.until(number, lambda now: now.question and now.question.guide)
    assert asking.question
    assert asking.question.guide["pin"] == "2"
    device.press_reconfigure()
    job = await in_air.ended(number)
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["network"] == "HomeNet"
    (claim,) = in_air.open_claims()
    assert job.result["device_id"] == claim.device_id == device.status().device_id
    (note,) = job.result["notes"]
    assert note.startswith(BLE_OFF)
    assert sum(in_air.cloud.record.claims.values()) == 1


async def test_a_cancel_says_that_the_board_is_online(in_air: AirBench):
    device = await in_office(in_air, for_ever=True)
    number = await in_air.set_up()
    await in_air.air.wait_for("step", step="certificate")
    await in_air.jobs.cancel(number)
    job = await in_air.ended(number)
    assert job.state is JobState.CANCELLED
    assert job.error
    assert job.error.code == "cloud-online-anyway"
    (claim,) = in_air.open_claims()
    assert claim.device_id == device.status().device_id == job.error.facts["device"]
    assert await in_air.journal.unsettled() == []


async def test_a_cancel_while_it_is_asked_about_leaves_it_online(in_air: AirBench):
    device = await in_office(in_air)
    number = await in_air.set_up()
    await in_air.asks(number)
    await in_air.jobs.cancel(number)
    assert_as_it_was(in_air, await in_air.ended(number), device)


@pytest.mark.parametrize("moment", ["after claim", "after record claimed", "before reset"])
async def test_a_kill_then_leaves_a_board_that_is_online(in_air: AirBench, moment: str):
    (device,) = await in_air.start_air()
    await in_air.start_agent(clock=in_air.hurried)
    await in_air.ended(await in_air.job("configure", network=OFFICE))
    await in_air.stop_agent()
    await killed(in_air, moment, via="ble")
    await in_air.air.wait_for("step", step="certificate")
    await in_air.start_agent(clock=in_air.hurried)
    left = (await in_air.jobs.list(1))[0]
    job = await in_air.until(left.id, lambda now: now.state.final, ended=True)
    assert job.state is JobState.DONE, job
    (claim,) = in_air.open_claims()
    assert job.result
    assert job.result["device_id"] == claim.device_id == device.status().device_id
    assert job.result["network"] is None
    assert "or in one that it had stored before" in job.result["notes"][0]


async def test_on_a_cable_it_is_claimed_anew_if_its_certificate_went_with_reset(bench: Bench):
    device = await bench.plug()
    await bench.start_agent(clock=bench.hurried, open_board=late(bench.devices))
    board = bench.board.id
    request = {"kind": "configure", "board": board, "network": OFFICE}
    await bench.jobs.wait(await bench.jobs.start(request, attended=True))
    job = await bench.jobs.wait(await bench.provision(board))
    assert job.state is JobState.DONE, job
    assert job.result
    (claim,) = bench.open_claims()
    assert job.result["claim"] == claim.id
    assert job.result["device_id"] == claim.device_id == device.status().device_id
