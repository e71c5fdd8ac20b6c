"""The page for people who listen, who use the keyboard, who zoom: checked in every place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from agent.errors import EnrolNameTaken
from agent.jobs.fates import fates_of
from agent.jobs.job import Action, Choice
from tests.web.enrolling import RESULT, STEPS, entry, thingsboard
from tests.web.fake import MIGRATE_STEPS
from tests.web.faults import faults_of
from tests.web.people import (
    choose_board,
    choose_network,
    open_page,
    question,
    set_up,
    without_cloud,
)

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.web.fake import FakeAgent
    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]

FOCUS = """() => {
  const element = document.activeElement;
  const marked = element.matches(".networks input, .choices input") ? element.closest("label") : element;
  const { outlineStyle, outlineWidth } = getComputedStyle(marked);
  return { tag: element.outerHTML.slice(0, 90), outlineStyle, width: parseFloat(outlineWidth) };
}"""


async def test_everything_has_a_name_in_every_place(page: Page, agent: Agent) -> None:
    found: dict[str, list[str]] = {}

    async def look(place: str) -> None:
        found[place] = await faults_of(page)

    await open_page(page, agent)
    await look("no board")
    await agent.plug()
    await choose_board(page)
    await look("board")
    await page.get_by_text("Another network…").click()
    await look("another network")
    await choose_network(page, "HomeNet", "wrong password")
    await without_cloud(page)
    await set_up(page).click()
    await expect(question(page)).to_be_visible()
    await look("question")
    await question(page).get_by_role("button", name="Choose another network").click()
    await look("choice")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".job .chip")).to_have_text("cancelled")
    await look("end")
    await page.get_by_role("link", name="Start again").click()
    for part in ("Change network", "Erase network", "Serial monitor"):
        await page.get_by_role("link", name=part).click()
        await expect(page.locator(".panel h2")).to_be_visible()
        await look(part)
    for place in ("Journal", "Clouds", "Settings"):
        await page.get_by_role("link", name=place, exact=True).click()
        await expect(page.get_by_role("heading", name=place, exact=True)).to_be_visible()
        await look(place)
    assert {place: faults for place, faults in found.items() if faults} == {}


@pytest.mark.parametrize("width", [1280, 375])
async def test_everything_has_a_name_and_a_place_where_sketches_are_written(
    page: Page, fake: FakeAgent, files: str, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    long = "W" * 64
    fake.old_devices = [{"id": long, "name": long}]
    old, loader = fake.old_board(name=long), fake.loader("portenta_h7", 2, kind="usb")
    found: dict[str, object] = {}

    async def look(place: str, where: str, shown: str) -> None:
        await page.goto(f"{files}/#/{where}")
        await expect(page.locator(shown).first).to_be_visible()
        await page.locator("details").evaluate_all("(all) => all.forEach((d) => (d.open = true))")
        wide = await page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        found[place] = (await faults_of(page), wide)

    await look("update", f"board/{old.id}", "update-form .fates")
    await look("write", f"board/{old.id}/write", "write-form .choices")
    await look("bootloader", f"board/{loader.id}", ".hint button")
    migration = fake.job(old, "migrate", MIGRATE_STEPS, title=long).id
    old_device = {"id": long, "name": long}
    keep = Action(id="keep", label=long)
    asked = {"fates": list(fates_of("migrate")), "old_devices": [old_device]}
    fake.ask(migration, "fetch", keep, title=long, **asked)
    await look("fates", f"job/{migration}", ".ask .fates")
    choice = Choice(id="1", label=long, detail=long)
    use = Action(id="choose", label="Use it", needs="choice")
    fake.ask(migration, "fetch", use, title=long, choices=[choice])
    await look("choice", f"job/{migration}", ".ask .choices")
    fake.at(migration, "write", progress=0.5, message=long)
    await look("write step", f"job/{migration}", "progress:not([hidden])")
    await page.get_by_role("button", name="Cancel").click()
    await look("cancel", f"job/{migration}", ".sure")
    fake.end(migration, {"device": long, "device_id": long, "files": [f"{long}.h"]})
    await look("file", f"job/{migration}", "secret-file")
    assert {place: faults for place, faults in found.items() if faults != ([], False)} == {}


@pytest.mark.parametrize("width", [1280, 375])
async def test_everything_has_a_name_and_a_place_where_boards_get_credentials(
    page: Page, fake: FakeAgent, files: str, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    long = "W" * 64
    kept = [entry(1, device=long, board_name=long, server=f"mqtts://{long}"), entry(2)]
    fake.answer["vault.list"] = lambda _params: {"entries": kept, "key_in_file": True}
    fake.answer["clouds.device"] = lambda _params: {"device": None}
    fake.info["capabilities"] = ["restore", "remove"]
    fake.more_clouds = [thingsboard(signed_in=False)]
    board = fake.board(name=long)
    found: dict[str, object] = {}

    async def look(place: str, shown: str, where: str = "") -> None:
        if where:
            await page.goto(f"{files}/#/{where}")
        await expect(page.locator(shown).first).to_be_visible()
        await page.locator("details").evaluate_all("(all) => all.forEach((d) => (d.open = true))")
        wide = await page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        found[place] = (await faults_of(page), wide)

    await look("account", "enrol-form sign-in", f"board/{board.id}/device")
    fake.more_clouds = [thingsboard()]
    await page.reload()
    await page.get_by_label("Device name").fill(long * 3)
    await expect(page.locator(".look")).to_contain_text("Nobody has the name")
    await look("form", "enrol-form .choices-made")
    job = fake.job(board, "provision", STEPS, title=long, request={"cloud": "thingsboard"}).id
    rename = Action(id="name", label=long, needs="name")
    taken = EnrolNameTaken(cloud="ThingsBoard", name=long * 3, profile=long, maybe_done=False)
    fake.ask(job, "enrol", rename, title=long, error=taken.report())
    await look("name", ".ask input", f"job/{job}")
    fake.ask(job, "enrol", Action(id="replace", label=long), title=long)
    await page.locator(".ask").get_by_role("button", name=long).click()
    await look("cost", ".ask .danger")
    network = {"kind": "wifi", "ssid": "W" * 32}
    give = Action(id="network", label=long, needs="network")
    fake.ask(job, "online", give, title=long, network=network)
    await look("network", ".ask .other-network")
    names = {"device": long * 3, "link": f"https://{long}.example/{long}", "network": "W" * 32}
    fake.end(job, RESULT | names | {"notes": [long], "connected": None})
    await look("end", "qr-code")
    fake.change(job, result=RESULT | {"delivery": "header", "files": [f"{long}.h"]})
    await page.reload()
    await look("file", "secret-file")
    await look("vault", ".vault .entry", "clouds/vault")
    await page.get_by_role("button", name="Forget: ").first.click()
    await look("forget", ".vault .sure")
    await page.get_by_role("button", name="Put it on a board again: ").click()
    await look("restore", ".vault .restore")
    assert {place: faults for place, faults in found.items() if faults != ([], False)} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_focus_can_be_seen_wherever_the_keyboard_goes(
    page: Page, agent: Agent, scheme: Any
) -> None:
    await page.emulate_media(color_scheme=scheme)
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await page.evaluate("document.activeElement.blur()")
    seen = []
    for _ in range(30):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate(FOCUS))
    unseen = [step for step in seen if step["outlineStyle"] == "none" or step["width"] < 2]
    assert [step for step in unseen if not step["tag"].startswith("<body")] == []
    assert len({step["tag"] for step in seen}) > 12


async def test_changes_are_said_once(page: Page, agent: Agent) -> None:
    await agent.plug()
    await open_page(page, agent)
    await page.evaluate(
        """() => {
          window.said = [];
          const region = document.querySelector("mooring-shell > .spoken[aria-live]");
          new MutationObserver((changes) =>
            changes.forEach((change) => change.addedNodes.forEach((node) => said.push(node.textContent))),
          ).observe(region, { childList: true });
        }"""
    )
    await choose_board(page)
    await choose_network(page, "HomeNet", "wrong password")
    await without_cloud(page)
    await set_up(page).click()
    await expect(question(page)).to_be_visible()
    await question(page).get_by_label("Password", exact=True).fill("correct horse")
    await page.keyboard.press("Enter")
    await expect(page.locator(".online")).to_be_visible()
    said = await page.evaluate("said")
    assert len([text for text in said if "could not join" in text]) == 1
    assert len([text for text in said if text.endswith(": done.")]) == 1
    assert len(said) == len(set(said))


async def test_focus_goes_where_the_person_went(page: Page, agent: Agent) -> None:
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)

    def heading(name: str) -> Locator:
        return page.get_by_role("heading", name=name)

    await expect(heading("UNO R4 WiFi")).to_be_focused()
    await page.get_by_role("link", name="Erase network").click()
    await expect(heading("Erase the network")).to_be_focused()
    await page.get_by_role("link", name="Settings").click()
    await expect(heading("Settings")).to_be_focused()
    await expect(page).to_have_title("Settings · Mooring")
    await page.keyboard.press("Shift+Tab")
    await page.get_by_role("link", name="Skip to content").focus()
    await page.keyboard.press("Enter")
    await expect(heading("Settings")).to_be_focused()


async def test_nothing_moves_for_people_who_asked_for_stillness(page: Page, agent: Agent) -> None:
    await page.emulate_media(reduced_motion="reduce")
    await agent.plug()
    await open_page(page, agent)
    # Counted inside the page at the change itself: a look from outside may come too late.
    await page.evaluate(
        """() => {
          window.moving = [];
          new MutationObserver(() => {
            if (document.querySelector('.steps [data-state="running"]'))
              moving.push(document.getAnimations().length);
          }).observe(document.body, { childList: true, subtree: true, attributes: true });
        }"""
    )
    await choose_board(page)
    await choose_network(page, "HomeNet", "wrong password")
    await without_cloud(page)
    await set_up(page).click()
    await expect(question(page)).to_be_visible()
    assert set(await page.evaluate("moving")) == {0}


async def test_errors_end_with_their_code_and_a_report_without_secrets(
    page: Page, agent: Agent
) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await choose_network(page, "HomeNet", "marker-of-this-test")
    await without_cloud(page)
    await set_up(page).click()
    await expect(question(page).locator("code")).to_have_text("network-join")
    await question(page).get_by_role("button", name="Copy report").click()
    await expect(question(page)).to_contain_text("Copied.")
    report = await page.evaluate("navigator.clipboard.readText()")
    assert '"code": "network-join"' in report
    assert re.search(r'"job": ".+"', report)
    assert "marker-of-this-test" not in report
