"""Boards in the air, by clicking: a real browser, agent and Bluetooth stack, a simulated room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from agent.simulator.config import BoardConfig
from agent.simulator.improv import ImprovConfig
from tests.web.people import (
    choose_board,
    choose_network,
    open_page,
    question,
    row,
    set_up,
    sign_in,
    without_cloud,
)
from tests.web.rig import PASSWORD, agent_in_the_air

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

pytestmark = [
    pytest.mark.system("linux"),
    pytest.mark.needs("chromium"),
    pytest.mark.needs("dbus"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(120),
    pytest.mark.slow,
]

LEAVING_MS = 40_000
"""A board that switched its Bluetooth off stays listed until it was silent for long enough."""
PHONE = {"width": 390, "height": 844}
WIDER_THAN_WINDOW = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


async def test_a_board_is_set_up_over_the_air_and_found_again(page: Page, tmp_path: Path) -> None:
    async with agent_in_the_air(tmp_path / "home") as (agent, around):
        await open_page(page, agent)
        await expect(row(page, "UNO R4 WiFi")).to_contain_text("just found")
        await expect(row(page, "UNO R4 WiFi").locator(".links")).to_have_attribute(
            "title", "−60 dBm"
        )
        await choose_board(page)
        await expect(page.locator("board-facts")).to_contain_text("provisioning 0.6.2")
        await expect(page.locator(".actions a")).to_have_text(
            ["Set up", "Change network", "Erase network"]
        )
        await choose_network(page, "HomeNet", "correct hose")
        await sign_in(page, agent)
        await page.get_by_label("Device name").fill("kitchen-sensor")
        await set_up(page).click()

        await expect(page.locator(".route")).to_contain_text("over Bluetooth → HomeNet")
        await expect(question(page)).to_contain_text("password is most likely wrong")
        await question(page).get_by_label("Password", exact=True).fill(PASSWORD)
        await question(page).get_by_role("button", name="Try again").click()
        await expect(page.locator(".online")).to_have_text("Online as kitchen-sensor")
        await expect(page.locator(".outcome")).to_contain_text("Its Bluetooth is off now")
        await expect(page.locator(".outcome")).to_contain_text("connect pin 2 to GND")

        await expect(page.locator(".boards li")).to_have_count(0, timeout=LEAVING_MS)
        await page.get_by_role("link", name="Back to the board").click()
        await expect(
            page.get_by_role("heading", name="This board is not heard any more")
        ).to_be_visible()
        await page.get_by_role("link", name="bring its Bluetooth back by hand").click()
        await expect(page.get_by_label("Which board is it?")).to_have_value("uno_r4_wifi")
        await expect(page.locator(".listening")).to_contain_text("Listening…")
        around.press_reconfigure()
        come = page.locator(".come li", has_text="There it is")
        await expect(come.get_by_role("link")).to_contain_text("kitchen-sensor")
        await come.get_by_role("link").click()
        await expect(page.get_by_text("networks just now")).to_be_visible()


async def test_thirty_boards_in_a_room_stand_by_nearness(page: Page, tmp_path: Path) -> None:
    async with agent_in_the_air(tmp_path / "home", 30, rssi_dbm=None, seed=1) as (agent, around):
        await open_page(page, agent)
        rows = page.locator(".boards li")
        await expect(rows).to_have_count(30)
        levels = await rows.locator(".links").evaluate_all(
            "(all) => all.map((links) => links.querySelectorAll('.lit').length)"
        )
        assert levels[0] > levels[-1]
        await page.get_by_label("Filter boards").fill("bluetooth")
        await expect(page.locator(".filter")).to_contain_text("30 of 30")
        tail = around.address(7)[-8:]
        await page.get_by_label("Filter boards").fill(tail)
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text(tail)
        await page.get_by_label("Filter boards").fill("")
        await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        assert not await page.evaluate(WIDER_THAN_WINDOW)
        heights = await rows.evaluate_all("(all) => all.map((li) => li.offsetHeight)")
        assert max(heights) <= 44
        names = await rows.locator(".name").all()
        assert not [n for n in names if await n.evaluate("(e) => e.scrollWidth > e.clientWidth")]


@pytest.mark.parametrize(
    ("state", "title"),
    [
        ("off", "Bluetooth is switched off on this computer."),
        ("absent", "This computer has no Bluetooth"),
        ("forbidden", "This program may not use Bluetooth."),
    ],
)
async def test_what_is_wrong_with_bluetooth_is_one_line_that_goes_by_itself(
    page: Page, tmp_path: Path, state: str, title: str
) -> None:
    async with agent_in_the_air(tmp_path / "home", radio=state) as (agent, around):
        await open_page(page, agent)
        note = page.locator("air-note")
        await expect(note.locator("strong")).to_contain_text(title)
        said = (await note.inner_text()).strip()
        assert len(said) > len(title) + 20  # what to do
        assert "\n" not in said
        assert "{" not in said
        await expect(page.locator(".counts")).not_to_contain_text("Bluetooth on")
        await page.get_by_role("link", name="A board is missing?").click()
        await page.get_by_label("Which board is it?").select_option("uno_r4_wifi")
        await expect(page.locator(".listening")).to_contain_text(title)
        await around.radio("on")
        await expect(page.locator(".come li")).to_contain_text("There it is")
        await expect(note).to_be_hidden()
        await expect(page.locator(".counts")).to_contain_text("Bluetooth on")


async def test_a_board_that_is_here_twice_is_one_and_the_person_chooses_the_link(
    page: Page, tmp_path: Path
) -> None:
    board = BoardConfig(ble=True, usb=True)
    async with agent_in_the_air(tmp_path / "home", [board]) as (agent, _):
        await open_page(page, agent)
        rows = page.locator(".boards li")
        await rows.filter(has_text="tty").or_(rows.filter(has_text="pts")).first.click()
        await expect(page.get_by_text("networks just now")).to_be_visible()
        await expect(rows).to_have_count(1)
        await expect(rows.locator(".links .spoken")).to_contain_text(
            "on a cable and over Bluetooth"
        )
        choice = page.locator("link-choice")
        await expect(choice).to_contain_text("talks to it over USB")
        await choice.get_by_role("button", name="Use Bluetooth instead").click()
        await expect(choice).to_contain_text("talks to it over Bluetooth")
        await choose_network(page, "HomeNet")
        await without_cloud(page)
        await set_up(page).click()
        await expect(page.locator(".route")).to_contain_text("over Bluetooth")
        await expect(page.locator(".online")).to_have_text("On the network")
        await expect(page.locator(".steps li").first).to_contain_text("over Bluetooth")


async def test_whether_it_is_the_one_on_the_cable_the_board_itself_says(
    page: Page, tmp_path: Path
) -> None:
    # Its number on USB says nothing of its radio, unlike that of an UNO R4 WiFi.
    board = BoardConfig(model="nano_rp2040_connect", ble=True, usb=True)
    async with agent_in_the_air(tmp_path / "home", [board]) as (agent, _):
        await open_page(page, agent)
        rows = page.locator(".boards li")
        await expect(rows).to_have_count(2)
        await rows.filter(has=page.locator(".links svg")).click()
        await expect(page.get_by_text("networks just now")).to_be_visible()
        hint = page.locator("same-board")
        await expect(hint).to_contain_text("Is this the one on the cable?")
        await hint.get_by_role("button", name="Check").click()
        await expect(rows).to_have_count(1)
        await expect(page.locator("link-choice")).to_contain_text("talks to it over USB")


async def test_a_device_with_improv_blinks_waits_for_its_button_and_has_a_page(
    page: Page, tmp_path: Path
) -> None:
    lamp = ImprovConfig(name="Lamp <b>", needs_button=True, url="http://192.168.4.20/setup")
    async with agent_in_the_air(tmp_path / "home", 0, [lamp]) as (agent, around):
        await open_page(page, agent)
        await row(page, "Lamp <b>").click()
        await expect(page.get_by_text("networks just now")).to_be_visible()
        await expect(page.locator("board-facts")).to_contain_text("Simulated 1.0.0")
        await expect(page.locator("cloud-picker")).to_have_count(0)
        await page.get_by_role("button", name="Blink").click()
        await expect(page.locator("blink-button")).to_contain_text("look for its light")
        await choose_network(page, "HomeNet")
        await set_up(page).click()
        await expect(question(page)).to_contain_text("Press the button on the device.")
        around.press_button()
        await expect(page.locator(".online")).to_have_text("On the network")
        link = page.locator(".outcome").get_by_role("link", name="http://192.168.4.20/setup")
        await expect(link).to_have_attribute("href", "http://192.168.4.20/setup")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
        assert await page.locator("main b").count() == 0


async def test_a_board_that_is_lost_while_it_is_set_up_is_looked_for(
    page: Page, tmp_path: Path
) -> None:
    async with agent_in_the_air(tmp_path / "home") as (agent, around):
        await open_page(page, agent)
        await choose_board(page)
        await choose_network(page, "HomeNet", "wrong password")
        await without_cloud(page)
        await set_up(page).click()
        await expect(question(page)).to_contain_text("password is most likely wrong")
        around.go_out_of_range()
        await question(page).get_by_label("Password", exact=True).fill(PASSWORD)
        await question(page).get_by_role("button", name="Try again").click()
        await expect(page.locator(".steps")).to_contain_text("The board is no longer heard")
        around.come_back()
        await expect(page.locator(".online")).to_have_text("On the network")


async def test_a_board_with_old_firmware_says_so_before_anything_is_tried(
    page: Page, tmp_path: Path
) -> None:
    old = BoardConfig(ble=True, usb=False, wifi_firmware="0.5.2")
    async with agent_in_the_air(tmp_path / "home", [old]) as (agent, _):
        await open_page(page, agent)
        await choose_board(page)
        hint = page.locator(".board .hint")
        await expect(hint).to_contain_text("Its Wi-Fi firmware is 0.5.2")
        await expect(hint).to_contain_text("0.6.0 or newer")
        await expect(hint).to_contain_text("over a cable")


LOOK = """async () => {
  const { Mooring } = await import("/mooring.js");
  const agent = new Mooring({ origins: [location.origin] });
  const boards = new Map();
  const seen = [];
  agent.follow("boards", {
    snapshot: ({ boards: all, bluetooth }) => {
      seen.push(bluetooth.scanning);
      all.forEach((board) => boards.set(board.id, board));
    },
    change: ({ appeared }) => appeared.forEach((board) => boards.set(board.id, board)),
  });
  await agent.connect();
  agent.attend(true);
  while (!boards.size) await new Promise(requestAnimationFrame);
  agent.attend(true);
  agent.attend(false);
  while (seen.length < 3) await new Promise(requestAnimationFrame);
  agent.close();
  return [seen.slice(0, 2), [...boards.values()].map(({ ports }) => ports[0].kind)];
}"""


async def test_the_client_looks_into_the_air_when_it_is_told_to(page: Page, tmp_path: Path) -> None:
    async with agent_in_the_air(tmp_path / "home") as (agent, _):
        await page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        await page.goto(f"{agent.url}types.js")  # a place of the agent without the page
        assert await page.evaluate(LOOK) == [[False, True], ["ble"]]
        await page.goto("about:blank")
