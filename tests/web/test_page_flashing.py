"""Boards that are written to, from the first click to the end: browser, agent, boards and cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from agent.simulator.config import BootloaderConfig
from tests.web.people import choose_network, open_page, question, row, sign_in
from tests.web.rig import PASSWORD, sketch_file

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]

SLOW = BootloaderConfig(delay_ms=400)
"""A bootloader that gives a person six seconds to click twice, on a busy computer too."""


async def open_update(page: Page, agent: Agent, name: str) -> None:
    """Open a board at its update, without waiting for what it does not say in 2.0."""
    await open_page(page, agent)
    await row(page, name).click()
    href = await row(page, name).locator("a").get_attribute("href")
    await page.goto(f"{agent.url}{href}/update")
    await expect(page.locator("update-form .two-lines")).to_be_visible()


async def choose_file(page: Page, data: bytes, name: str = "blink.bin") -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    await page.locator("write-form input[type=file]").set_input_files(file)  # type: ignore[arg-type]  # a file payload as a plain dict


async def test_a_board_of_1_0_comes_online_in_2_0(page: Page, stocked: Agent) -> None:
    await stocked.plug_old()
    await open_update(page, stocked, "MKR WiFi 1010")
    form = page.locator("update-form")
    await sign_in(page, stocked)
    await form.get_by_label("Device name").fill("kitchen-sensor")
    await form.get_by_label("Delete garage-door afterwards").check()
    await form.locator(".two-lines").click()
    await expect(question(page)).to_contain_text("Which network")
    steps = page.locator(".steps li")
    states = await steps.evaluate_all(
        "(all) => all.map((li) => [li.dataset.key, li.dataset.state])"
    )
    assert [state for _, state in states[:6]] == ["done"] * 6
    assert [name for name, _ in states[:5]] == ["look", "fetch", "enter", "write", "restart"]
    await choose_network(page, "HomeNet", "wrong password")
    await question(page).get_by_role("button", name="Use this network").click()
    await expect(question(page)).to_contain_text("could not join")
    await question(page).get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator(".online")).to_have_text("Updated, and online as kitchen-sensor")
    await expect(page.locator(".outcome")).to_contain_text("“garage-door” was deleted")
    await expect(row(page, "kitchen-sensor")).to_contain_text("online")


async def test_a_board_is_updated_with_the_keyboard(page: Page, stocked: Agent) -> None:
    await stocked.plug_old("uno_r4_wifi")
    await open_page(page, stocked)
    await expect(row(page, "UNO R4 WiFi")).to_be_visible()

    async def tab_to(selector: str) -> None:
        for _ in range(60):
            if await page.evaluate("(s) => document.activeElement.matches(s)", selector):
                return
            await page.keyboard.press("Tab")
        pytest.fail(f"Tab never reaches {selector}")

    await tab_to(".boards a")
    await page.keyboard.press("Enter")
    await expect(page.locator(".board h1")).to_be_focused()
    # The board says nothing in 2.0: after a while the update is offered.
    await expect(page.locator(".actions a", has_text="Update")).to_be_visible()
    await tab_to(".actions a[href$=update]")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Update to provisioning 2.0")).to_be_focused()
    await tab_to("input[name=client_id]")
    await page.keyboard.type(stocked.cloud.client_id)
    await tab_to("input[name=client_secret]")
    await page.keyboard.type(stocked.cloud.client_secret.reveal())
    await page.keyboard.press("Enter")
    await expect(page.locator("sign-in")).to_have_count(0)
    await tab_to("update-form .two-lines")
    await page.keyboard.press("Enter")
    await expect(question(page).locator(".networks input").first).to_be_focused()
    await page.keyboard.press("Space")
    await tab_to("input[name=password]")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(question(page)).to_contain_text("garage-door")
    await tab_to(".ask .quiet")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".online")).to_contain_text("Updated, and online as uno-r4-wifi")


async def test_a_file_is_written_refused_and_insisted_on(page: Page, stocked: Agent) -> None:
    await stocked.plug(model="mkr_wifi_1010", sketch="other")
    await open_page(page, stocked)
    await row(page, "MKR WiFi 1010").click()
    await page.get_by_role("link", name="Write a sketch").click()
    await choose_file(page, bytes(range(256)) * 100, "noise.bin")
    await page.locator("write-form .two-lines").click()
    await expect(page.locator(".job error-card")).to_contain_text("cannot be written")
    await page.get_by_role("link", name="write it anyway").click()
    await choose_file(page, sketch_file("mkr_wifi_1010"))
    await page.locator("write-form .two-lines").click()
    await expect(page.locator(".online")).to_have_text("The sketch is on the board")
    await expect(page.locator(".outcome")).to_contain_text("blink.bin")


async def test_a_board_that_was_left_in_its_bootloader_is_helped_out(
    page: Page, stocked: Agent
) -> None:
    await stocked.plug(model="mkr_wifi_1010", sketch="other", bootloader=SLOW)
    await open_page(page, stocked)
    await row(page, "MKR WiFi 1010").click()
    await page.get_by_role("link", name="Write a sketch").click()
    await choose_file(page, sketch_file("mkr_wifi_1010"))
    await page.locator("write-form .two-lines").click()
    await expect(page.locator('.steps li[data-key="write"]')).to_have_attribute(
        "data-state", "running"
    )
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Stop, and leave the board without a sketch").click()
    await expect(page.locator(".outcome")).to_contain_text("The old sketch is gone")
    await expect(row(page, "MKR WiFi 1010")).to_contain_text("in bootloader")
    await page.get_by_role("link", name="Arduino MKR WiFi 1010").click()
    await page.get_by_role("link", name="Write the provisioning sketch").click()
    await page.get_by_label("Provisioning sketch 1.0").check()
    await page.locator("write-form .two-lines").click()
    await expect(page.locator(".online")).to_have_text("The sketch is on the board")
    await expect(row(page, "MKR WiFi 1010")).not_to_contain_text("in bootloader")


async def test_a_board_without_secure_element_ends_with_its_file(
    page: Page, stocked: Agent, tmp_path: Path
) -> None:
    await stocked.plug(model="nano_esp32", sketch="other")
    await open_page(page, stocked)
    await row(page, "Nano ESP32").click()
    await sign_in(page, stocked)
    await page.get_by_label("Device name").fill("field-7")
    await page.get_by_role("button", name="Set up with a secret key").click()
    await expect(page.locator(".online")).to_have_text("Set up as field-7")
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download").click()
    await (await started.value).save_as(tmp_path / "saved.h")
    saved = (tmp_path / "saved.h").read_text(encoding="utf-8")
    assert "SECRET_DEVICE_KEY" in saved


async def test_a_lora_board_asks_for_its_frequency_plan(page: Page, stocked: Agent) -> None:
    await stocked.plug(model="mkr_wan_1310", sketch="other")
    await open_page(page, stocked)
    await row(page, "MKR WAN 1310").click()
    await sign_in(page, stocked)
    await page.get_by_label("Device name").fill("field-8")
    await page.get_by_role("button", name="Set up for LoRaWAN").click()
    await question(page).get_by_role("radio").first.check()
    await question(page).locator("button[type=submit]").click()
    await expect(page.locator(".online")).to_have_text("Set up as field-8")
    await expect(page.locator(".outcome dl")).to_contain_text("Device EUI")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("secret-file pre")).to_contain_text("SECRET_APP_KEY")
