"""Simulated boards at the simulated cloud: in one process, and over the wire."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from agent.links import open_link
from agent.sessions.blynk_console import open_blynk_console
from agent.settings import Secret
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_board_cloud import FarCloud, NearCloud
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_cloud_faults import Fault
from agent.simulator.blynk_settings import Settings
from agent.simulator.loopback_server import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

TEMPLATE = "TMPLdemo00000"


async def until(done: Callable[[], object]) -> None:
    while not done():
        await asyncio.sleep(0.001)


async def test_a_board_of_the_same_process_learns_what_the_cloud_thinks_of_it() -> None:
    async with SimulatedBlynkCloud() as cloud:
        heard: list[str] = []
        device = cloud.state.provision(101, 7)
        board = NearCloud(cloud, TEMPLATE, lambda: heard.append("reconfigure"))
        assert board(device.token, "blynk.cloud") == "ok"
        assert (device.name, device.links) == ("Thermo", [board])
        device.links[0].reconfigure()
        assert heard == ["reconfigure"]
        assert board("x" * 32, "blynk.cloud") == "refused"
        assert NearCloud(cloud, "TMPLother0000")(device.token, "") == "silent"
        old = device.token
        cloud.state.reprovision(device)
        assert not device.links
        assert board(old, "") == "refused"
        assert board(device.token, "") == "ok"
        board.leave()
        assert not device.links
        cloud.down = True
        assert board(device.token, "") == "silent"


async def test_a_board_of_another_process_comes_over_mqtt_and_stays() -> None:
    async with SimulatedBlynkCloud() as cloud:
        device = cloud.state.provision(101, 7)
        answered = asyncio.Event()
        board = FarCloud(HOST, cloud.ports["mqtt"], TEMPLATE, answered=answered.set)
        assert board(device.token, "blynk.cloud") == "silent"
        assert board(device.token, "blynk.cloud") == "silent"
        await answered.wait()
        assert board(device.token, "blynk.cloud") == "ok"
        await until(lambda: device.template_id)
        logins = cloud.record.count("CONNECT")
        assert board(device.token, "blynk.cloud") == "ok"
        assert (logins, cloud.record.count("CONNECT")) == (1, 1)
        board.leave()
        await until(lambda: not device.links)
        answered.clear()
        assert board("x" * 32, "blynk.cloud") == "silent"
        await answered.wait()
        assert board("x" * 32, "blynk.cloud") == "refused"
        answered.clear()
        assert board("x" * 32, "blynk.cloud") == "silent"  # the next attempt asks anew
        await answered.wait()
        cloud.faults.add(Fault("close", "login"))
        assert board(device.token, "blynk.cloud") == "silent"
        await until(lambda: cloud.record.count("CONNECT") == 4)
    assert board(device.token, "blynk.cloud") == "silent"
    await board.gone()
    assert not board.connected


async def test_a_board_whose_cloud_says_nothing_serves_its_console_meanwhile() -> None:
    heard = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()
        with contextlib.suppress(OSError):
            await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(mute, HOST, 0)
    cloud = FarCloud(HOST, server.sockets[0].getsockname()[1], TEMPLATE)
    async with BlynkBoard(speed=200, tcp=True, cloud=cloud, leave=cloud.leave) as board:
        board.device.configure(
            Settings(ssid=b"HomeNet", password=Secret("correct horse"), token=Secret("x" * 32)),
            once=False,
        )
        board.pass_time()
        await heard.wait()
        session = await open_blynk_console(await open_link(board.port, 115_200))
        assert (await session.info()).template_id == TEMPLATE
        assert board.device.state == "CONNECTING_CLOUD"
        await session.close()
    await cloud.gone()
    server.close()
