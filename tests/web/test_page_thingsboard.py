"""A board becomes a device of ThingsBoard by clicking: real browser, agent, server and board."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from agent.simulator.thingsboard import SimulatedThingsBoard
from tests.web.enrolling import sign_in_to
from tests.web.people import open_page, question, row
from tests.web.rig import PASSWORD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page

    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    """A ThingsBoard of one's own."""
    async with SimulatedThingsBoard(coap=False) as server:
        yield server


async def test_a_name_that_is_taken_is_asked_again_and_the_board_connects(
    page: Page, agent: Agent, server: SimulatedThingsBoard
) -> None:
    told: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: told.append(str(data))),
    )
    server.prepare("greenhouse", server.create)
    await agent.plug(sketch="console")
    await open_page(page, agent)
    await row(page, "UNO R4 WiFi").click()
    await page.get_by_role("link", name="a form of its own").click()
    await sign_in_to(page, server)

    form = page.locator("enrol-form")
    await expect(form.locator(".account")).to_contain_text(server.addresses["https"])
    name = form.get_by_label("Device name")
    await expect(name).to_be_focused()
    await expect(form.locator(".look")).to_contain_text("Your profile boards makes a device")
    await name.fill("greenhouse")
    await expect(form.locator(".look")).to_contain_text("greenhouse exists already")
    await form.get_by_label("Network name").fill("HomeNet")
    await form.get_by_label("Password", exact=True).filter(visible=True).fill(PASSWORD)
    await form.get_by_role("button", name="Set up").click()

    asked = question(page)
    await expect(asked).to_contain_text("greenhouse")
    await asked.get_by_role("button", name="Use another name").click()
    again = asked.get_by_label("Device name")
    await expect(again).to_be_focused()
    await again.fill("greenhouse-2")
    await again.press("Enter")

    outcome = page.locator(".outcome")
    await expect(outcome.locator(".online")).to_have_text("Connected as greenhouse-2")
    await expect(outcome).to_contain_text("The board says that it is connected.")
    device = server.state.devices["greenhouse-2"]
    link = f"{server.addresses['https']}/entities/devices/{device.id}"
    await expect(outcome.get_by_role("link", name=link)).to_have_attribute("href", link)
    await expect(outcome.get_by_role("img", name="QR code")).to_be_visible()
    await expect(row(page, "greenhouse-2")).to_contain_text("online")
    assert server.state.devices["greenhouse"].last_seen is None

    await outcome.get_by_role("link", name="entry").click()
    kept = page.locator(".vault li", has_text="greenhouse-2")
    await expect(kept.locator(".chip")).to_have_text("works")
    await kept.get_by_role("button", name="Put it on a board again").click()
    await expect(kept.get_by_role("radio")).to_be_checked()
    await kept.get_by_role("button", name="Put it there").click()
    await expect(outcome.locator(".online")).to_have_text("Connected as greenhouse-2")

    secrets = [PASSWORD, device.credentials.id, server.create.secret.reveal()]
    told.append(await page.content())
    told.append(await page.evaluate("JSON.stringify([localStorage, sessionStorage])"))
    assert not [each for each in secrets for message in told if each in message]


async def test_a_wrong_password_and_a_pulled_cable_lose_nothing(
    page: Page, agent: Agent, server: SimulatedThingsBoard
) -> None:
    board = await agent.plug(sketch="console")
    await open_page(page, agent, "#/clouds")
    await sign_in_to(page, server)
    await expect(page.locator("clouds-view")).to_contain_text("You are signed in.")
    await page.get_by_role("link", name="Boards").click()
    await row(page, "UNO R4 WiFi").click()
    await page.get_by_role("link", name="Set up with ThingsBoard").click()
    form = page.locator("enrol-form")
    await form.get_by_label("Network name").fill("HomeNet")
    await form.get_by_label("Password", exact=True).filter(visible=True).fill("correct hose")
    await form.get_by_role("button", name="Set up").click()
    password = question(page).get_by_label("Password", exact=True)
    await expect(password).to_have_value("correct hose")
    await board.command({"fault": {"at": "settings", "do": "unplug"}})
    await password.fill(PASSWORD)
    await password.press("Enter")
    await expect(question(page)).to_contain_text("The board is gone. Plug it in again.")
    await expect(question(page)).to_contain_text("are in the vault")
    await board.command({"plug": True})
    (name,) = server.state.devices
    await expect(page.locator(".online")).to_have_text(f"Connected as {name}")


async def test_a_header_file_is_made_while_the_board_is_left_alone(
    page: Page, agent: Agent, server: SimulatedThingsBoard
) -> None:
    await agent.plug(sketch="other")
    await open_page(page, agent, "#/clouds")
    await sign_in_to(page, server)
    cloud = page.locator("clouds-view section", has_text="ThingsBoard")
    await expect(cloud).to_contain_text("You are signed in.")
    await page.get_by_role("link", name="Boards").click()
    await row(page, "UNO R4 WiFi").click()
    await page.get_by_role("link", name="Set up with ThingsBoard").click()
    form = page.locator("enrol-form")
    await form.get_by_text("Leave its network as it is").click()
    await form.locator(".choices-made summary").click()
    await form.get_by_text("Header file for your sketch").click()
    await form.get_by_role("button", name="Register it and make the file").click()
    outcome = page.locator(".outcome")
    await expect(outcome.locator(".online")).to_contain_text("Registered as uno-r4-wifi-")
    (device,) = server.state.devices.values()
    file = outcome.locator("secret-file")
    await file.get_by_role("button", name="Show").click()
    text = file.locator("pre")
    await expect(text).to_contain_text(f'#define MOORING_TB_TOKEN "{device.credentials.id}"')
    await expect(text).not_to_contain_text("WIFI")
