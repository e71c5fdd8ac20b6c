"""The settings on the page, with the agent and its file as they are."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from playwright.async_api import expect

from tests.web.people import open_page
from tests.web.rig import running_agent
from tests.web.test_page_settings import bar, box, button, row

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


def file_of(agent: Agent) -> Path:
    return agent.home / "config.toml"


def values_of(agent: Agent) -> dict[str, Any]:
    return tomllib.loads(file_of(agent).read_text(encoding="utf-8"))


async def open_settings(page: Page, agent: Agent, key: str) -> None:
    await open_page(page, agent, f"#/settings/{key}")
    await expect(box(page, key)).to_be_focused()


async def test_a_change_is_in_the_file_beside_what_a_person_wrote_there(
    page: Page, agent: Agent
) -> None:
    with file_of(agent).open("a", encoding="utf-8") as file:
        file.write('# as Anna wants it\n[log]\nlevel = "info"  # not too much\n')
    await open_settings(page, agent, "log.level")
    await box(page, "log.level").select_option("debug")
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("Saved.")
    text = file_of(agent).read_text(encoding="utf-8")
    assert '# as Anna wants it\n[log]\nlevel = "debug"  # not too much\n' in text
    await button(page, "Undo").click()
    await expect(bar(page)).to_contain_text("Taken back.")
    assert values_of(agent)["log"] == {"level": "info"}


async def test_what_the_agent_refuses_is_told_at_its_field_and_nothing_is_written(
    page: Page, agent: Agent
) -> None:
    before = file_of(agent).read_text(encoding="utf-8")
    await open_settings(page, agent, "flash.urls")
    await button(page, "Add a line to Addresses that pages may have written").click()
    await page.keyboard.type("ftp://files.example.com/")
    await page.keyboard.press("Enter")
    error = row(page, "flash.urls").locator(".field-error")
    await expect(error).to_contain_text("ftp://files.example.com/")
    # The line that is meant, and not those beside it.
    wrong = row(page, "flash.urls").locator("[aria-invalid]")
    await expect(wrong).to_have_value("ftp://files.example.com/")
    await expect(wrong).to_be_focused()
    assert file_of(agent).read_text(encoding="utf-8") == before


async def test_what_counts_later_waits_and_goes_back(page: Page, agent: Agent) -> None:
    await open_settings(page, agent, "arduino.title")
    await box(page, "arduino.title").fill("My cloud")
    await page.keyboard.press("Enter")
    await expect(row(page, "arduino.title")).to_contain_text("Saved; waits for a restart.")
    await page.get_by_role("button", name="Back to default: Name of that cloud").click()
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("Saved.")
    assert "title" not in values_of(agent)["arduino"]


async def test_an_agent_that_is_killed_while_it_saves_loses_nothing_that_was_typed(
    page: Page, agent: Agent
) -> None:
    await open_settings(page, agent, "log.level")
    await box(page, "log.level").select_option("debug")
    psutil.Process(agent.pid).suspend()
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("Saving…")
    await agent.kill()
    await expect(page.locator("connection-bar")).to_contain_text("not running")
    await expect(box(page, "log.level")).to_have_value("debug")
    await agent.start()
    await expect(bar(page)).to_contain_text("That was not saved.")
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("Saved.")
    assert values_of(agent)["log"] == {"level": "debug"}


async def test_what_the_environment_says_is_locked(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOT_API_URL", "http://127.0.0.1:9")
    async with running_agent(tmp_path / "home") as agent:
        await open_page(page, agent, "#/settings/arduino.base_url")
        address = box(page, "arduino.base_url")
        await expect(address).to_have_value("http://127.0.0.1:9")
        await expect(address).to_be_disabled()
        await expect(row(page, "arduino.base_url")).to_contain_text(
            "Set by the environment variable IOT_API_URL, so it cannot be changed here."
        )


async def test_a_file_that_was_broken_meanwhile_is_not_touched_until_it_is_mended(
    page: Page, agent: Agent
) -> None:
    whole = file_of(agent).read_text(encoding="utf-8")
    await open_settings(page, agent, "log.level")
    await box(page, "log.level").select_option("debug")
    broken = f"{whole}\n[log\n"
    file_of(agent).write_text(broken, encoding="utf-8")
    await button(page, "Save").click()
    card = page.locator("error-card", has_text="settings-broken")
    await expect(card.first).to_contain_text("The settings cannot be used")
    assert file_of(agent).read_text(encoding="utf-8") == broken
    file_of(agent).write_text(whole, encoding="utf-8")
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("Saved.")
    await expect(card).to_have_count(0)


async def test_the_doctor_leads_to_the_setting_that_mends(page: Page, agent: Agent) -> None:
    await open_page(page, agent, "#/doctor")
    await page.get_by_role("link", name="Open the setting").first.click()
    await expect(box(page, "bluetooth.scan")).to_be_focused()
    await expect(box(page, "bluetooth.scan")).to_have_value("never")


async def test_a_report_of_the_real_agent_is_shown(page: Page, agent: Agent) -> None:
    await open_page(page, agent, "#/settings")
    await page.get_by_role("button", name="Make a report").click()
    await expect(page.get_by_role("region", name="The report")).to_contain_text("Mooring")


async def test_the_agent_is_paused_in_the_settings(page: Page, agent: Agent) -> None:
    await open_page(page, agent, "#/settings")
    await page.get_by_role("button", name="Pause", exact=True).click()
    banner = page.locator("agent-notices .paused")
    await expect(banner).to_contain_text("Mooring is paused.")
    await banner.get_by_role("button", name="Resume").click()
    await expect(banner).to_have_count(0)
