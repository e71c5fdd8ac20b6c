"""Blynk boards in their own networks, with NetworkManager's stand-in: everything real but the radio."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from agent.jobs.job import JobState
from agent.links.access_point_nm import NetworkManager
from agent.links.access_point_nm_objects import ROOT, SERVICE
from tests.blynk_network import BoardNetwork, board_beside
from tests.jobs.blynk.blynk_bench import NETWORK, PASSWORD, BlynkBench
from tests.links.nm_bench import HOME_PROFILE, NmBench, nm_bench, refuse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.catalog import Catalog
    from agent.jobs.job import Job
    from agent.simulator.blynk_board import BlynkBoard

pytestmark = [pytest.mark.needs("networkmanager"), pytest.mark.system("linux")]

WRONG = NETWORK | {"password": "no such horse"}
JOIN = "AddAndActivateConnection2"


class Wifi(NetworkManager):
    """With the board that the bench tells it of."""

    board: BlynkBoard


class PointBench(BlynkBench):
    """A board without a cable, and a computer that hears it."""

    nm: NmBench
    network: BoardNetwork

    async def stand(self, stack: AsyncExitStack, generation: int = 1) -> None:
        self.nm = await stack.enter_async_context(nm_bench())
        self.wifi = Wifi(self.nm.address)  # type: ignore[assignment]  # another system of the same interface
        await self.plug(generation)
        assert self._file is not None
        self._file.unlink()
        self.network = await stack.enter_async_context(board_beside(self.nm, self.simulated))
        await self.start_agent()

    async def begin_there(self, *, attended: bool = True, **given: Any) -> str:
        name = self.simulated.device.name
        return await self.begin(board="", access_point=name, attended=attended, **given)

    async def answer(self, job: str, action: str, **more: Any) -> int:
        """Answer the open question; its number."""
        asked = (await self.jobs.get(job)).question
        assert asked is not None
        await self.jobs.answer(job, {"action": action, **more}, asked.id)
        return asked.id

    async def came_home(self) -> bool:
        at_home = await self.nm.network() == await self.nm.home_uuid()
        clean = await self.nm.profiles() == [HOME_PROFILE]
        return at_home and clean and not (self.folder / "way.json").exists()


@pytest.fixture
async def there(tmp_path: Path, catalog: Catalog) -> AsyncIterator[PointBench]:
    bench = PointBench(tmp_path, catalog)
    async with AsyncExitStack() as stack:
        await bench.start()
        stack.push_async_callback(bench.stop)
        await bench.stand(stack)
        stack.push_async_callback(bench.stop_agent)
        yield bench


def shown(job: Job) -> str:
    """What the person reads in the open question."""
    assert job.question is not None
    return f"{job.question.title} {job.question.meaning} {job.question.safe}"


async def test_a_board_is_set_up_after_a_wrong_password_and_the_computer_is_at_home_in_between(
    there: PointBench,
) -> None:
    fixed = {"ip": "192.168.1.50", "netmask": "255.255.255.0", "gateway": "192.168.1.1"}
    job = await there.begin_there(name="Attic", network=WRONG, address=fixed)
    asked = await there.asks(job)
    assert there.simulated.device.name in shown(asked)
    assert "Home" in shown(asked)
    assert await there.nm.calls(JOIN) == []
    first = await there.answer(job, "continue")
    asked = await there.asks(job, after=first)
    assert asked.question is not None
    assert asked.question.error is not None
    assert "701" in str(asked.question.error.facts)
    assert await there.came_home()
    await there.answer(job, "retry", password=PASSWORD)
    ended = await there.ended(job)
    assert ended.state is JobState.DONE, ended.error
    assert await there.came_home()
    assert len(await there.nm.calls(JOIN)) >= 2
    assert there.simulated.device.settings.static_ip == "192.168.1.50"
    (device,) = there.cloud.state.devices.values()
    assert device.name == "Attic"
    assert (ended.board, ended.board_name) == ("", there.simulated.device.name)
    assert (ended.request["via"], (ended.result or {})["way"]) == ("ap", "http")
    assert there.boards.list() == []


async def test_without_a_person_who_says_so_the_computer_stays(there: PointBench) -> None:
    ended = await there.ended(await there.begin_there(attended=False))
    assert ended.state is JobState.FAILED
    assert await there.nm.calls(JOIN) == []


async def test_joining_that_the_system_refuses_is_asked_about_with_the_way_by_hand(
    there: PointBench,
) -> None:
    code = refuse(f"{SERVICE}.PermissionDenied", "Not authorized to control networking.")
    await there.nm.method(ROOT, SERVICE, JOIN, "a{sa{sv}}ooa{sv}", "ooa{sv}", code)
    job = await there.begin_there()
    await there.asks(job)
    first = await there.answer(job, "continue")
    asked = await there.asks(job, after=first)
    assert asked.question is not None
    assert asked.question.error is not None
    assert asked.question.error.code == "wifi-forbidden"
    assert await there.came_home()
    await there.answer(job, "stop")
    assert (await there.ended(job)).state is not JobState.DONE
    assert there.cloud.state.devices == {}


async def test_a_network_that_vanishes_in_the_middle_leaves_the_computer_at_home(
    there: PointBench,
) -> None:
    job = await there.begin_there(network=None)
    await there.asks(job)
    first = await there.answer(job, "continue")
    await there.asks(job, after=first)  # which network, with the board's own list
    there.simulated.pass_time()  # up to now: or it boots in one leap, and its network never goes
    there.simulated.device.restart()
    there.simulated.pass_time()
    await there.network.until(heard=False)
    await there.jobs.cancel(job)
    assert (await there.ended(job)).state is JobState.CANCELLED
    assert await there.came_home()


async def test_a_job_that_is_cancelled_inside_ends_at_home(there: PointBench) -> None:
    job = await there.begin_there()
    await there.asks(job)
    await there.answer(job, "continue")
    async with asyncio.timeout(15):
        await there.until(
            job, lambda now: any(s.id == "deliver" and s.started_at for s in now.steps)
        )
    await there.jobs.cancel(job)
    await there.ended(job)
    assert await there.came_home()
