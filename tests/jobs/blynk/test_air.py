"""Blynk boards in the air, with a whole agent: unmodified bleak, a stand-in of BlueZ, a cloud."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.jobs.job import JobState
from agent.simulator.blynk_air import BlynkInTheAir
from agent.simulator.blynk_board_cloud import NearCloud
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_settings import EdgentConfig
from tests.air import ON_LINUX, agent_in_air
from tests.jobs.blynk.blynk_bench import NETWORK, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from agent.app import App
    from agent.boards.board import Board
    from agent.jobs.job import Job

pytestmark = ON_LINUX

CONFIG = EdgentConfig(generation=2, inject="ble")
WAIT_S = 30.0


@dataclass
class Air:
    """A board that is heard, and who works with it."""

    app: App
    there: BlynkInTheAir
    board: Board
    cloud: SimulatedBlynkCloud

    async def begin(self, kind: str, **given: Any) -> str:
        request = {"kind": kind, "board": self.board.id, **given}
        return await self.app.services.jobs.start(request, attended=True)

    async def until(self, job: str, condition: Callable[[Job], bool]) -> Job:
        jobs, changed = self.app.services.jobs, asyncio.Event()
        stop = jobs.subscribe(lambda _: changed.set())
        try:
            async with asyncio.timeout(WAIT_S):
                while not condition(now := await jobs.get(job)):
                    assert not now.state.final, now
                    changed.clear()
                    await changed.wait()
        finally:
            stop()
        return now


@asynccontextmanager
async def board_in_air(folder: Path) -> AsyncIterator[Air]:
    async with (
        SimulatedBlynkCloud() as cloud,
        agent_in_air(folder, scan="always") as agent,
    ):
        near = NearCloud(cloud, CONFIG.template_id)
        there = BlynkInTheAir(CONFIG, world(), speed=100, cloud=near)
        agent.air.room.add(there)
        await agent.app.blynk.login(cloud.account)
        found, boards = asyncio.Event(), agent.app.boards
        boards.subscribe(lambda _: found.set())
        async with asyncio.timeout(WAIT_S):
            while not (mine := [b for b in boards.list() if b.name == there.device.name]):
                found.clear()
                await found.wait()
        try:
            yield Air(agent.app, there, mine[0], cloud)
        finally:
            there.close()


async def test_a_board_is_read_set_up_after_a_wrong_password_and_comes_online(tmp_path):
    async with board_in_air(tmp_path) as air:
        read = await air.until(await air.begin("identify"), lambda job: job.state.final)
        assert (read.state, read.request["via"]) == (JobState.DONE, "ble"), read.error
        seen = await air.until(await air.begin("networks"), lambda job: job.state.final)
        assert "HomeNet" in [each["ssid"] for each in (seen.result or {})["networks"]]

        wrong = NETWORK | {"password": "no such horse"}
        job = await air.begin("provision", cloud="blynk", name="Attic", network=wrong)
        asked = await air.until(job, lambda job: job.question is not None)
        assert asked.question is not None
        assert asked.question.error is not None
        assert "722" in str(asked.question.error.facts)
        right = {"action": "retry", "password": NETWORK["password"]}
        await air.app.services.jobs.answer(job, right, asked.question.id)
        ended = await air.until(job, lambda job: job.state.final)
        assert ended.state is JobState.DONE, ended.error
        (device,) = air.cloud.state.devices.values()
        assert (device.name, (ended.result or {})["way"]) == ("Attic", "ble")
        assert air.there.device.state == "RUNNING"


async def test_a_link_that_falls_while_the_person_thinks_is_made_again(tmp_path):
    async with board_in_air(tmp_path) as air:
        wrong = NETWORK | {"password": "no such horse"}
        job = await air.begin("provision", cloud="blynk", name="Attic", network=wrong)
        asked = await air.until(job, lambda job: job.question is not None)
        assert asked.question is not None
        air.there.drop()
        right = {"action": "retry", "password": NETWORK["password"]}
        await air.app.services.jobs.answer(job, right, asked.question.id)
        # The job asks to bring it nearer, and goes on by itself when the board is heard again.
        ended = await air.until(job, lambda job: job.state.final)
        assert ended.state is JobState.DONE, ended.error
        assert len(air.cloud.state.devices) == 1
