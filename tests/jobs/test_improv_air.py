"""Devices of Improv Wi-Fi in the air, unmodified bleak, and a whole agent."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import NotSupported
from agent.jobs.job import JobState
from agent.simulator.improv import Brand, ImprovConfig
from tests.air import ON_LINUX, Air, air
from tests.jobs.improv_bench import PAGE, WRONG, ImprovBench, agent
from tests.jobs.test_improv_end_to_end import BRANDS, branded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = ON_LINUX

SPEED = 30.0


@asynccontextmanager
async def in_the_air(folder: Path, config: ImprovConfig) -> AsyncIterator[tuple[Air, ImprovBench]]:
    """The device is heard and listed."""
    async with air(0, [config], speed=SPEED) as room, agent(folder, ble=True) as bench:
        await bench.board(lambda board: bool(board.ports))
        yield room, bench


def firmware(room: Air) -> Any:
    device = room.improv[0].air
    assert device is not None
    return device.firmware


@pytest.mark.parametrize("brand", ["standard", "esphome"])
async def test_a_device_is_brought_into_the_network_over_the_air(tmp_path: Path, brand: Brand):
    config = branded(brand) if brand in BRANDS else ImprovConfig()
    async with in_the_air(tmp_path, config) as (room, bench):
        board = await bench.board()
        assert board.provisioning.installed == "improv"
        assert board.name == config.name
        assert (await bench.jobs.decide(board.id, "none")).procedure == "improv"
        job = await bench.join()
        result = await bench.result(job)
        assert (result["redirect"], result["network"]) == (PAGE, "HomeNet")
        assert result["device"]["name"] == config.name
        assert firmware(room).credentials == (b"HomeNet", b"correct horse")
        assert (await bench.jobs.get(job)).request["via"] == "ble"
        assert "Over Bluetooth" in bench.said


async def test_what_a_device_is_and_sees_can_be_asked(tmp_path: Path):
    async with in_the_air(tmp_path, branded("wled")) as (_, bench):
        facts = await bench.result(await bench.start("identify"))
        assert facts["device"]["firmware"] == "WLED"
        found = await bench.result(await bench.start("networks"))
        assert found["networks"][0]["ssid"] == "HomeNet"


async def test_a_device_blinks(tmp_path: Path):
    async with in_the_air(tmp_path, ImprovConfig()) as (room, bench):
        job = await bench.start("blink")
        assert (await bench.jobs.get(job)).title == "Making Improv demo blink"
        assert await bench.result(job) == {"blinks": True}
        assert firmware(room).identifies_until > 0


async def test_a_device_without_a_light_says_so(tmp_path: Path):
    async with in_the_air(tmp_path, ImprovConfig(can_identify=False)) as (_, bench):
        job = await bench.jobs.wait(await bench.start("blink"))
        assert job.error
        assert job.error.code == "board-not-supported"
        assert "light" in job.error.meaning


async def test_the_button_is_asked_for_and_pressed(tmp_path: Path):
    async with in_the_air(tmp_path, ImprovConfig(needs_button=True)) as (room, bench):
        job = await bench.join()
        asked = await bench.asks(job)
        assert asked.question
        assert asked.question.title == "Press the button on the device."
        room.press_button()
        assert (await bench.result(job))["redirect"] == PAGE


async def test_a_device_with_a_button_and_nobody_there_is_told(tmp_path: Path):
    async with in_the_air(tmp_path, ImprovConfig(needs_button=True)) as (room, bench):
        job = await bench.jobs.wait(await bench.join(attended=False))
        assert job.error
        assert job.error.code == "board-authorisation"
        assert firmware(room).credentials is None


async def test_a_wrong_password_is_asked_for_again_on_the_same_link(tmp_path: Path):
    config = ImprovConfig(give_up_ms=6000)
    async with in_the_air(tmp_path, config) as (_, bench):
        job = await bench.join(network=WRONG)
        asked = await bench.asks(job)
        assert asked.question
        assert "password is most likely wrong" in asked.question.meaning
        await bench.jobs.answer(job, {"action": "retry", "password": "correct horse"})
        assert (await bench.result(job))["redirect"] == PAGE


async def test_a_link_that_falls_while_the_button_is_awaited_is_opened_again(tmp_path: Path):
    async with in_the_air(tmp_path, ImprovConfig(needs_button=True)) as (room, bench):
        job = await bench.join()
        await bench.asks(job)
        room.go_out_of_range()
        while (asked := (await bench.asks(job)).question) and "button" in asked.title:
            await bench.until_something_is_said()
        assert asked
        room.come_back()
        room.press_button()
        assert (await bench.result(job))["redirect"] == PAGE


async def test_a_cancel_over_the_air_lets_the_device_go(tmp_path: Path):
    async with in_the_air(tmp_path, ImprovConfig(needs_button=True)) as (_, bench):
        job = await bench.join()
        await bench.asks(job)
        await bench.jobs.cancel(job)
        assert (await bench.jobs.wait(job)).state is JobState.CANCELLED
        assert bench.app.radio
        assert bench.app.radio.connected == frozenset()
        await bench.result(await bench.start("blink"))


async def test_such_a_device_joins_no_cloud_and_says_so(tmp_path: Path):
    async with in_the_air(tmp_path, ImprovConfig()) as (_, bench):
        with pytest.raises(NotSupported, match="join a cloud"):
            await bench.join(cloud="arduino", name="lamp")
        with pytest.raises(NotSupported, match="forget"):
            await bench.start("forget")
