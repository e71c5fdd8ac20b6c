"""A simulated board at the simulated cloud, over the wire."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from agent.simulator.blynk_board_login import BoardLogin
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_cloud_faults import Act, Fault
from agent.simulator.loopback_server import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TEMPLATE = "TMPLdemo00000"


@pytest.fixture
async def server() -> AsyncIterator[SimulatedBlynkCloud]:
    async with SimulatedBlynkCloud() as running:
        yield running


async def until(done: object) -> None:
    while not done():  # type: ignore[operator]  # any callable
        await asyncio.sleep(0.001)


async def test_a_board_comes_stays_and_is_cut_when_its_token_ends(
    server: SimulatedBlynkCloud,
) -> None:
    happened: list[str] = []
    device = server.state.provision(101, 7)
    board = BoardLogin(
        HOST,
        server.ports["mqtt"],
        reconfigure=lambda: happened.append("reconfigure"),
        lost=lambda: happened.append("lost"),
    )
    assert await board.login(device.token, TEMPLATE) == ""
    await until(lambda: device.template_id)
    assert (device.name, device.hardware["ver"]) == ("Thermo", "1.0.0")
    device.links[0].reconfigure()
    await until(lambda: happened)
    old = device.token
    server.state.reprovision(device)
    await until(lambda: not board.connected)
    assert happened == ["reconfigure", "lost"]
    assert await board.login(old, TEMPLATE) == "auth_failed"
    assert await board.login(device.token, TEMPLATE) == ""
    await board.close()
    await until(lambda: not device.links)
    await board.close()


async def test_a_second_board_with_the_token_ends_the_first(server: SimulatedBlynkCloud) -> None:
    device = server.state.create(TEMPLATE, "n", 101, 7)
    first, second = (BoardLogin(HOST, server.ports["mqtt"]) for _ in range(2))
    assert await first.login(device.token, TEMPLATE) == ""
    assert await second.login(device.token, TEMPLATE) == ""
    await until(lambda: not first.connected)
    assert second.connected
    await first.close()
    await second.close()


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("quirk", "auth_failed"),
        ("garbage", "auth_failed"),
        ("status", "generic"),
        ("close", "generic"),
        ("hang", "timeout"),
    ],
)
async def test_each_way_to_fail_has_the_boards_word(
    server: SimulatedBlynkCloud, act: Act, reason: str
) -> None:
    device = server.state.create(TEMPLATE, "n", 101, 7)
    server.faults.add(Fault(act, "login", status=0x88))
    limit_s = 0.2 if act == "hang" else 10.0
    board = BoardLogin(HOST, server.ports["mqtt"], limit_s=limit_s)
    assert await board.login(device.token, TEMPLATE) == reason
    assert not board.connected


async def test_a_server_that_is_not_there_or_not_trusted() -> None:
    async with SimulatedBlynkCloud(tls=True) as server:
        device = server.state.create(TEMPLATE, "n", 101, 7)
        port = server.ports["mqtts"]
        good = ssl.create_default_context(cadata=server.ca)
        board = BoardLogin(HOST, port, tls=good)
        assert await board.login(device.token, TEMPLATE) == ""
        await board.close()
        wrong = BoardLogin(HOST, port, tls=ssl.create_default_context())
        assert await wrong.login(device.token, TEMPLATE) == "invalid_certificate"
    assert await BoardLogin(HOST, port).login("x", TEMPLATE) == "timeout"
