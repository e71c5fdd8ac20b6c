"""A simulated board and the simulated cloud: from a token to a device that is online, and again."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from agent.errors import BlynkNotArrived
from agent.protocols.blynk.config import BlynkConfig
from agent.sessions.blynk_http import BlynkHttp
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_board_cloud import NearCloud
from agent.simulator.blynk_settings import EdgentConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.clouds.blynk.cloud import Blynk
    from agent.sessions.blynk import Told
    from agent.simulator.blynk_cloud import SimulatedBlynkCloud
    from tests.clouds.manual_clock import ManualClock

SPEED = 200.0
TEMPLATE = "TMPLdemo00000"
HOME = WiFi(ssid="HomeNet", password=Secret("correct horse"))


@contextlib.asynccontextmanager
async def board_at(server: SimulatedBlynkCloud) -> AsyncIterator[tuple[BlynkBoard, BlynkHttp]]:
    cloud = NearCloud(server, TEMPLATE)
    config = EdgentConfig(generation=2, template_id=TEMPLATE)
    async with BlynkBoard(config, speed=SPEED, tcp=True, cloud=cloud) as board:
        while not board.device.access_point:
            await asyncio.sleep(0.002)
            board.pass_time()
        session = BlynkHttp(
            "127.0.0.1", board.http_port, configure_limit_s=10, look_every_s=2 / SPEED
        )
        yield board, session
        await session.close()


def ignore(_: Told) -> None:
    """What the board tells is the session's tests' matter."""


async def configured(board: BlynkBoard, session: BlynkHttp, token: Secret) -> None:
    """Until the board runs; over its access point nobody hears more, and the cloud has to say."""
    config = BlynkConfig(token=token, wifi=HOME)
    following = asyncio.create_task(session.configure(config, ignore))
    while board.device.state != "RUNNING":
        await asyncio.sleep(0.002)
        board.pass_time()
    following.cancel()
    await asyncio.wait([following])


async def test_a_board_gets_a_token_and_then_a_new_one_and_stays_the_same_device(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    made = await blynk.provision()
    async with board_at(server) as (board, session):
        blynk.check_template((await session.info()).template_id, TEMPLATE)
        await configured(board, session, made.token)
        assert await blynk.wait_for_board(made.token, fresh=True) == 0
    new = await blynk.reprovision(made.device_id)
    async with board_at(server) as (board, session):
        await configured(board, session, new.token)
        assert await blynk.wait_for_board(new.token, fresh=False) == 0
    (device,) = await blynk.devices()
    assert (device.id, device.name) == (made.device_id, "Thermo")


async def test_a_board_with_a_token_that_ended_never_arrives(
    blynk: Blynk, server: SimulatedBlynkCloud, clock: ManualClock
) -> None:
    device = await blynk.create(TEMPLATE, "Bench 7")
    assert device.token is not None
    new = await blynk.reprovision(device.id)
    async with board_at(server) as (board, session):
        outcome = await session.configure(BlynkConfig(token=device.token, wifi=HOME), ignore)
        assert outcome.state != "connected"
        assert board.device.last_error == 703
        start = clock.now
        with pytest.raises(BlynkNotArrived):
            await blynk.wait_for_board(new.token, fresh=False)
        assert clock.now - start == pytest.approx(120)
