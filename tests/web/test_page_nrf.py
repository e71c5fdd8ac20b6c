"""A board comes into nRF Cloud by clicking: real browser and agent, simulated board and cloud."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from agent.simulator.nrf_board import SimulatedNrfBoard
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_service import CloudService
from agent.simulator.nrf_config import NrfConfig
from tests.web.people import open_page, question, row
from tests.web.rig import running_agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(120),
    pytest.mark.slow,
]

HASTE = 200.0
WORK_MS = 60_000
"""The agent keeps below five requests a second, and looks for a device in steps of seconds."""


@pytest_asyncio.fixture(loop_scope="session")
async def cloud() -> AsyncIterator[SimulatedNrfCloud]:
    """An nRF Cloud of one's own."""
    async with SimulatedNrfCloud() as cloud:
        yield cloud


@pytest_asyncio.fixture(loop_scope="session")
async def bench(
    tmp_path: Path, cloud: SimulatedNrfCloud
) -> AsyncIterator[tuple[Agent, SimulatedNrfBoard]]:
    """An agent that knows this cloud as nRF Cloud, with a Thingy:91 X."""
    url = cloud.base_url
    more = f'[nrf]\nprovisioning_url = "{url}"\ndevices_url = "{url}"\n'
    async with AsyncExitStack() as stack:
        agent = await stack.enter_async_context(running_agent(tmp_path / "home", more=more))
        agent.ports.mkdir(exist_ok=True)
        board = SimulatedNrfBoard(
            NrfConfig(battery=True),
            speed=HASTE,
            tcp=True,
            folder=str(agent.ports),
            service=CloudService(cloud.state),
        )
        await board.start()
        stack.push_async_callback(board.stop)
        yield agent, board


async def test_a_board_is_claimed_gets_new_keys_and_is_released(
    page: Page, bench: tuple[Agent, SimulatedNrfBoard], cloud: SimulatedNrfCloud
) -> None:
    agent, board = bench
    told: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: told.append(str(data))),
    )
    await open_page(page, agent)
    await row(page, "Thingy:91 X").click()
    form = page.locator("nrf-form")
    await form.get_by_label("API key", exact=True).fill(cloud.key.secret.reveal())
    await page.keyboard.press("Enter")
    await expect(form.locator(".account")).to_contain_text("Team")
    await expect(form.get_by_label("Network")).to_have_count(0)
    await expect(form.get_by_label("Device name")).to_be_focused()
    await form.get_by_label("Device name").fill("greenhouse")
    await form.get_by_label("Tags").fill("nrf-cloud-onboarding, bench")
    await form.get_by_role("button", name="Set up").click()

    outcome = page.locator(".outcome")
    await expect(outcome.locator(".online")).to_have_text("Online as greenhouse", timeout=WORK_MS)
    (claimed,) = cloud.state.claims.values()
    device = claimed.id
    await expect(outcome.locator(".device-id code")).to_have_text(device)
    await expect(outcome.locator("qr-code")).to_have_count(0)  # it is in no portal
    await expect(row(page, "greenhouse")).to_contain_text("online")

    await page.get_by_role("link", name="Back to the board").click()
    await page.get_by_role("button", name="New keys…").click()
    await page.get_by_role("button", name="Make new keys").click()
    await expect(outcome.locator(".online")).to_have_text(
        "New keys for greenhouse", timeout=WORK_MS
    )

    board.unplug()
    await page.goto(f"{agent.url}#/clouds")
    await page.locator("summary", has_text="new keys, or release").click()
    await page.locator("nrf-devices").get_by_role("button", name="greenhouse").click()
    await page.get_by_role("button", name="New keys…").click()
    await page.get_by_role("button", name="Make new keys").click()
    await expect(outcome.locator(".online")).to_have_text(
        "New keys for greenhouse", timeout=WORK_MS
    )
    await expect(outcome).to_contain_text("over the air")
    assert [command.status for command in claimed.commands] == ["SUCCEEDED"] * 5

    await board.plug()
    await row(page, "greenhouse").click()
    await page.get_by_role("button", name="Release…").click()
    await page.get_by_role("button", name="See what is lost").click()
    asked = question(page)
    await expect(asked).to_contain_text("for good?")
    await expect(asked.locator(".fates")).to_be_visible()
    await asked.locator("button.danger").click()
    await expect(outcome.locator(".online")).to_contain_text("Released: ", timeout=WORK_MS)
    assert not cloud.state.claims

    told.append(await page.content())
    told.append(await page.evaluate("JSON.stringify([localStorage, sessionStorage])"))
    assert not [message for message in told if cloud.key.secret.reveal() in message]
