"""What ``mooring demo`` shows of ThingsBoard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from agent.app import build
from agent.cli.demo import demo_surroundings
from agent.cli.demo_thingsboard import CONSOLE_NAME, PYTHON_NAME
from agent.jobs.job import JobState
from tests.cli.conftest import SPEED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.app import App
    from agent.cli.demo import Demo


@pytest.fixture
async def shown() -> AsyncIterator[tuple[Demo, App]]:
    async with demo_surroundings(boards=0, thingsboard=True, speed=SPEED) as demo:
        app = build(demo.config, demo.paths)
        try:
            await app.start()
            await demo.sign_in(app)
            yield demo, app
        finally:
            await app.close()


async def test_its_boards_have_names_that_say_what_they_are(shown: tuple[Demo, App]):
    _, app = shown
    assert {board.name for board in app.boards.list()} == {CONSOLE_NAME, PYTHON_NAME}


@pytest.mark.parametrize(("number", "delivery"), [(0, "console"), (1, "repl")])
async def test_a_board_of_it_becomes_a_device_and_connects(
    shown: tuple[Demo, App], number: int, delivery: str
):
    demo, app = shown
    assert demo.thingsboard is not None
    network = {"kind": "wifi", "ssid": demo.network.ssid, "password": demo.network.password}
    serial = demo.thingsboard.ports[number].serial_number
    request = {"kind": "provision", "board": serial, "cloud": "thingsboard", "network": network}
    jobs = app.services.jobs
    job = await jobs.wait(await jobs.start(request | {"delivery": delivery}, attended=False))
    assert job.state is JobState.DONE, job.error
    assert job.result is not None
    assert job.result["connected"] == "board"
    (device,) = demo.thingsboard.server.state.devices.values()
    assert device.name == job.result["device"]
    assert device.last_seen is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        page = await client.get(job.result["link"])
    assert device.name in page.text
