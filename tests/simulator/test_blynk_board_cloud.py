"""Simulated boards at the simulated cloud: in one process, and over the wire."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

from agent.simulator.blynk_board_cloud import FarCloud, NearCloud
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_cloud_faults import Fault
from agent.simulator.loopback_server import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
        board.gone()
        assert not device.links
        cloud.down = True
        assert board(device.token, "") == "silent"


@contextlib.contextmanager
def elsewhere() -> Iterator[SimulatedBlynkCloud]:
    """A cloud in a loop of its own, as in another process: the board's may stand still."""
    cloud = SimulatedBlynkCloud()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(cloud.__aenter__(), loop).result(10)
        yield cloud
    finally:
        asyncio.run_coroutine_threadsafe(cloud.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def test_a_board_of_another_process_comes_over_mqtt_and_stays() -> None:
    with elsewhere() as cloud:
        device = cloud.state.provision(101, 7)
        board = FarCloud(HOST, cloud.ports["mqtt"], TEMPLATE)
        assert board(device.token, "blynk.cloud") == "ok"
        await until(lambda: device.template_id and board.connected)
        logins = cloud.record.count("CONNECT")
        assert board(device.token, "blynk.cloud") == "ok"
        assert cloud.record.count("CONNECT") == logins
        assert board("x" * 32, "blynk.cloud") == "refused"
        await board.gone()
        await until(lambda: not device.links)
        cloud.faults.add(Fault("close", "login"))
        assert board(device.token, "blynk.cloud") == "silent"
    assert board(device.token, "blynk.cloud") == "silent"
    await board.gone()
