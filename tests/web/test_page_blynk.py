"""A board with Blynk's firmware is set up by clicking: real browser and agent, simulated board and cloud."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from agent.simulator.announcement import Announcement, announce
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_board_cloud import NearCloud
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_process import PID, VID
from agent.simulator.blynk_settings import EdgentConfig
from agent.simulator.world import World
from tests.jobs.blynk.blynk_bench import PASSWORD as WIFI_PASSWORD
from tests.web.people import choose_network, open_page, question, row
from tests.web.point_bench import point_bench
from tests.web.rig import PASSWORD, networks

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


@pytest_asyncio.fixture(loop_scope="session")
async def cloud() -> AsyncIterator[SimulatedBlynkCloud]:
    """A Blynk.Cloud of one's own."""
    async with SimulatedBlynkCloud() as cloud:
        yield cloud


@pytest_asyncio.fixture(loop_scope="session")
async def board(agent: Agent, cloud: SimulatedBlynkCloud) -> AsyncIterator[BlynkBoard]:
    """A board on a cable of the agent's computer, of the newer generation."""
    config = EdgentConfig(generation=2)
    world = World(networks=networks("HomeNet", "Office"))

    def sent_back() -> None:
        plugged.device.wait_for_settings()
        plugged.pass_time()

    near = NearCloud(cloud, config.template_id, sent_back)
    async with AsyncExitStack() as stack:
        plugged = BlynkBoard(config, world, speed=HASTE, tcp=True, cloud=near)
        await stack.enter_async_context(plugged)
        agent.ports.mkdir(exist_ok=True)
        port = Announcement(
            address=plugged.port,
            vid=VID,
            pid=PID,
            serial_number=f"{config.chip:08X}",
            location="1-1",
            manufacturer="Silicon Labs",
            product="CP2102 USB to UART Bridge Controller",
            process=os.getpid(),
        )
        announce(agent.ports, port, "blynk")
        yield plugged


async def test_a_wrong_password_is_told_by_the_board_and_the_token_stays(
    page: Page, agent: Agent, board: BlynkBoard, cloud: SimulatedBlynkCloud
) -> None:
    told: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: told.append(str(data))),
    )
    account = cloud.account
    await open_page(page, agent, "#/clouds")
    sheet = page.locator("clouds-view section", has=page.get_by_role("heading", name="Blynk"))
    await sheet.get_by_label("Server", exact=True).fill(account["server"])
    await sheet.locator("summary").click()
    await sheet.get_by_label("Client id").fill(account["client_id"])
    await sheet.get_by_label("Owner").fill(str(account["owner_id"]))
    await sheet.get_by_label("Client secret", exact=True).fill(account["client_secret"])
    await page.keyboard.press("Enter")
    await expect(sheet).to_contain_text("You are signed in.")

    await page.get_by_role("link", name="Boards").click()
    await row(page, "ESP32").click()
    await page.get_by_role("link", name="Set up with Blynk").click()
    form = page.locator("blynk-form")
    await expect(form).to_contain_text("The board found 2 networks just now.")
    await choose_network(page, "HomeNet", "correct hose")
    await form.get_by_role("button", name="Set up").click()

    asked = question(page)
    await expect(asked).to_contain_text("The network refused the board.")
    await expect(asked).to_contain_text("The board's own code for it is 722.")
    password = asked.get_by_label("Password", exact=True)
    await expect(password).to_be_focused()
    await expect(password).to_have_value("correct hose")
    await password.fill(PASSWORD)
    await password.press("Enter")

    outcome = page.locator(".outcome")
    await expect(outcome.locator(".online")).to_contain_text("Online as Thermo")
    await expect(outcome).to_contain_text("Blynk has seen it.")
    await expect(outcome).to_contain_text("made by Blynk for this board")
    assert len(cloud.state.devices) == 1
    assert board.device.stored is not None
    first = board.device.stored.token.reveal()

    await page.get_by_role("link", name="Back to the board").click()
    await page.get_by_role("button", name="Change network over the air…").click()
    await page.get_by_role("button", name="Send it back").click()
    over = page.locator("over-air")
    await expect(over).to_contain_text("was told.")
    assert board.device.access_point or board.device.advertises
    await over.get_by_role("link", name="Set it up again").click()

    await expect(form).to_contain_text("The board found 2 networks just now.")
    await choose_network(page, "HomeNet", PASSWORD)
    await form.get_by_role("button", name="Set up").click()
    await expect(outcome).to_contain_text("the one that the vault has of it")
    assert len(cloud.state.devices) == 1

    await page.get_by_role("link", name="Back to the board").click()
    await page.get_by_role("button", name="New token…").click()
    await page.get_by_role("button", name="Make a new token").click()
    await expect(asked).to_contain_text("Which network shall the board join?")
    await asked.locator(".networks label", has_text="HomeNet").click()
    await asked.get_by_role("button", name="Use this network").click()
    await expect(outcome.locator(".online")).to_contain_text("A new token for Thermo-")
    await page.get_by_role("link", name="Back to the board").click()
    await page.get_by_role("button", name="Remove…").click()
    await page.get_by_role("button", name="See what is lost").click()
    await expect(asked.locator(".fates")).to_contain_text("Thermo")
    await asked.locator("button.danger").click()
    await expect(outcome.locator(".online")).to_contain_text("Removed for good: Thermo-")
    await expect(outcome).to_contain_text("Its settings are erased on the board.")
    assert cloud.state.devices == {}

    secrets = [PASSWORD, first, account["client_secret"]]
    told.append(await page.content())
    told.append(await page.evaluate("JSON.stringify([localStorage, sessionStorage])"))
    assert not [each for each in secrets for message in told if each in message]


async def test_a_board_in_its_own_network_is_joined_by_hand(page: Page, tmp_path: Path) -> None:
    async with point_bench(tmp_path) as bench:
        await page.goto(f"{bench.url}#/missing")
        await page.get_by_role("button", name="Look for boards that open a network").click()
        point = page.locator(".points li", has_text=bench.point)
        await expect(point).to_contain_text("Blynk board")
        assert bench.wifi.joined == 0
        await point.get_by_role("link", name=f"Set up {bench.point}").click()
        await page.locator("blynk-form").get_by_role("button", name="Set up").click()

        asked = question(page)
        await expect(asked).to_contain_text(f"join the board's network {bench.point}?")
        await expect(asked.locator(".safe")).to_contain_text("The computer is back in")
        await asked.get_by_role("button", name="I join it myself").click()
        await expect(asked.get_by_role("img", name="QR code")).to_be_visible()
        await expect(asked.locator("by-hand strong").first).to_have_text(bench.point)
        await bench.join()

        await expect(asked).to_contain_text("Which network shall the board join?")
        await asked.locator(".networks label", has_text="HomeNet").click()
        password = asked.get_by_label("Password", exact=True).filter(visible=True)
        await password.fill(WIFI_PASSWORD)
        await password.press("Enter")
        # The person of this bench is in both networks at once.
        await expect(asked).to_contain_text("back in its own network?")
        await asked.locator("button").first.click()
        outcome = page.locator(".outcome")
        await expect(outcome.locator(".online")).to_contain_text("Online as ")
        await expect(outcome).to_contain_text("the network of its own")
        assert bench.wifi.joined == 0
        assert bench.is_home
        assert WIFI_PASSWORD not in await page.content()
