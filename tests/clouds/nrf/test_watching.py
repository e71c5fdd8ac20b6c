"""Waiting for a board that was told to ask for its commands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.errors import NrfCommandFailed, NrfCommandWaiting, NrfNotOnboarded
from agent.protocols.nrf import commands as wire
from agent.simulator.nrf_cloud_faults import Fault

if TYPE_CHECKING:
    from agent.clouds.nrf.cloud import NrfCloud
    from agent.simulator.nrf_cloud import SimulatedNrfCloud
    from tests.clouds.manual_clock import ManualClock
    from tests.clouds.nrf.modem import Modem


@pytest.fixture(autouse=True)
async def claimed(nrf: NrfCloud, modem: Modem) -> None:
    await nrf.ensure_rule()
    await nrf.claim(modem.token)


async def test_commands_that_a_rule_makes_are_seen_to_be_done(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem, clock: ManualClock
):
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        service.state.come_online(modem.id, modem)

    service.state.apply_rules(modem.id)
    states = await nrf.watch(modem.id, (), say)
    assert said == ["0 of 3 commands are done"]
    assert [state.name for state in states][1] == "cloudAccessKeyGeneration"
    assert [wait for wait in clock.slept if wait >= 2] == [2]


async def test_what_was_done_before_says_nothing(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    service.state.come_online(modem.id, modem)
    known = {state.id for state in await nrf.all_commands(modem.id)}
    with pytest.raises(NrfNotOnboarded):
        await nrf.watch(modem.id, known)
    (fresh,) = await nrf.queue(modem.id, [wire.client_private_key(3)])
    with pytest.raises(NrfCommandWaiting) as caught:
        await nrf.watch(modem.id, known)
    assert caught.value.facts["name"] == "clientPrivateKeyGeneration"
    service.state.come_online(modem.id, modem)
    assert fresh.id in {state.id for state in await nrf.watch(modem.id, known)}


async def test_one_that_failed_ends_it(nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem):
    modem.fails_with = 515
    service.state.come_online(modem.id, modem)
    with pytest.raises(NrfCommandFailed):
        await nrf.watch(modem.id)


async def test_where_they_cannot_be_listed_the_device_says_that_it_is_through(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem, clock: ManualClock
):
    service.faults.add(Fault("status", "command", times=None, status=405))
    assert await nrf.listed(modem.id) is None
    with pytest.raises(NrfNotOnboarded):
        await nrf.watch(modem.id)
    clock.slept.clear()
    service.state.come_online(modem.id, modem)
    assert await nrf.watch(modem.id) == []
    assert not [wait for wait in clock.slept if wait >= 2]


async def test_a_board_that_speaks_is_looked_for_at_once(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem, clock: ManualClock
):
    """Nothing passes on the clock, so that only the board can end the pause."""
    never = asyncio.Event()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds >= 2:
            slept.append(seconds)
            await never.wait()

    clock.sleep = sleep  # type: ignore[method-assign]  # a clock that stands
    heard = asyncio.Event()
    watching = asyncio.create_task(nrf.watch(modem.id, (), None, heard))
    while len(slept) < 1:
        await asyncio.sleep(0)
    heard.set()
    while len(slept) < 2:
        await asyncio.sleep(0)
    assert not watching.done()
    service.state.come_online(modem.id, modem)
    heard.set()
    assert len(await watching) == 3
    (queued,) = await nrf.queue(modem.id, [wire.client_private_key(3)])
    following = asyncio.create_task(nrf.follow(modem.id, [queued], None, heard))
    while len(slept) < 3:
        await asyncio.sleep(0)
    service.state.come_online(modem.id, modem)
    heard.set()
    assert [state.status for state in await following] == ["SUCCEEDED"]
