"""Waiting for a board: until it is there, until it speaks, or until the limit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.clouds.blynk.cloud import Blynk
from agent.errors import BlynkNotArrived, BlynkTokenUnknown
from agent.settings import Secret
from agent.simulator.blynk_cloud_faults import Fault

if TYPE_CHECKING:
    from agent.clouds.accounts import AccountStore
    from agent.clouds.route import Routes
    from agent.simulator.blynk_cloud import SimulatedBlynkCloud
    from tests.clouds.manual_clock import ManualClock

TEMPLATE = "TMPLdemo00000"


async def test_a_fresh_token_is_waited_for_until_its_board_comes(
    blynk: Blynk, server: SimulatedBlynkCloud, clock: ManualClock
) -> None:
    made = await blynk.provision()
    waiting = asyncio.create_task(blynk.wait_for_board(made.token, fresh=True))
    while clock.now < 1020:
        await asyncio.sleep(0)
    await server.login(made.token.reveal(), TEMPLATE)
    assert 20 <= await waiting <= 120


async def test_after_two_minutes_it_is_told(blynk: Blynk, clock: ManualClock) -> None:
    made = await blynk.provision()
    start = clock.now
    with pytest.raises(BlynkNotArrived) as caught:
        await blynk.wait_for_board(made.token, fresh=True)
    assert clock.now - start == pytest.approx(120)
    report = caught.value.report()
    assert "within 120 s" in report.title
    assert report.retryable


async def test_a_token_that_should_be_known_is_not_waited_for(
    blynk: Blynk, clock: ManualClock
) -> None:
    start = clock.now
    with pytest.raises(BlynkTokenUnknown):
        await blynk.wait_for_board(Secret("x" * 32), fresh=False)
    assert clock.now - start < 5


async def test_faults_of_the_server_do_not_end_the_wait(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    made = await blynk.provision()
    await server.login(made.token.reveal(), TEMPLATE)
    for fault in (
        Fault("status", "device", status=500),
        Fault("status", "device", status=429),
        Fault("close", "device"),
        Fault("text", "device", text="maybe"),
    ):
        server.faults.add(fault)
    assert await blynk.wait_for_board(made.token, fresh=False) > 4


async def test_what_was_wrong_last_is_told(blynk: Blynk, server: SimulatedBlynkCloud) -> None:
    server.faults.add(Fault("status", "device", status=503, times=None))
    with pytest.raises(BlynkNotArrived, match="did not come online") as caught:
        await blynk.wait_for_board(Secret("x" * 32), fresh=False, limit_s=10)
    assert "503" in str(caught.value.facts["detail"])


async def test_a_board_that_speaks_is_asked_about_at_once(
    store: AccountStore, routes: Routes, server: SimulatedBlynkCloud
) -> None:
    """With a real clock: the machine wants to wait a second, and the board speaks before."""
    client = Blynk(accounts=store, routes=routes)
    await client.login(server.account)
    made = await client.provision()
    heard = asyncio.Event()
    waiting = asyncio.create_task(client.wait_for_board(made.token, fresh=True, heard=heard))
    while not server.record.count("isHardwareConnected"):
        await asyncio.sleep(0.001)
    await server.login(made.token.reveal(), TEMPLATE)
    heard.set()
    await waiting
    assert server.record.count("isHardwareConnected") == 2
    await client.close()
