"""Devices of Blynk whose boards are not here: what the page shows, asks and sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from agent.errors import BlynkClaimed, BlynkOffline
from tests.web.fake import Refusal
from tests.web.faults import faults_of
from tests.web.own_clouds import BLYNK_STEPS, POINT, POINTS, blynk, edgent
from tests.web.test_page_own_clouds import SCROLLS

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.web.fake import FakeAgent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.slow,
]

CODE = "sqr_" + "q" * 28 + "7Qx2"


def device(number: int, name: str) -> dict[str, Any]:
    known = {"template": "TMPLdemo00000", "firmware": "1.0.0", "activated": True}
    return {"id": number, "name": name, **known}


@pytest.fixture
def blynks(fake: FakeAgent) -> FakeAgent:
    """With an account that has thirty devices and two static tokens."""
    fake.more_clouds = [blynk()]
    devices = [device(55 + each, f"Greenhouse {each}") for each in range(30)]
    tokens = [
        {"ends": "7Qx2", "claimed": False, "device": 0},
        {"ends": "mK9_", "claimed": True, "device": 84},
    ]
    fake.answer["vault.list"] = lambda _params: {"entries": []}
    fake.answer["wifi.points"] = lambda _params: {"points": POINTS}
    fake.answer["blynk.devices"] = lambda _params: {"devices": devices}
    fake.answer["blynk.static_tokens"] = lambda _params: {"tokens": tokens}
    fake.answer["blynk.device"] = lambda params: {
        "device": devices[params["device"] - 55],
        "online": params["device"] != 56,
        "board": "",
    }
    fake.answer["blynk.clear"] = lambda _params: {}
    fake.answer["blynk.unclaim"] = lambda _params: {}
    return fake


@pytest_asyncio.fixture(loop_scope="session")
async def sheet(page: Page, blynks: FakeAgent, files: str) -> Locator:
    """What is offered below the account."""
    await page.goto(f"{files}/#/clouds")
    return page.locator("blynk-elsewhere")


async def opened(sheet: Locator, name: str) -> Locator:
    await sheet.locator("summary", has_text="Devices:").click()
    await expect(sheet.get_by_role("status").first).to_have_text("30 devices")
    await sheet.get_by_role("searchbox").fill(name)
    await sheet.get_by_role("button", name=name, exact=True).click()
    return sheet.locator("cloud-device")


@pytest.mark.parametrize("known", [POINT, ""])
async def test_a_board_that_is_online_is_sent_back_and_led_to_its_next_network(
    page: Page, blynks: FakeAgent, sheet: Locator, known: str
) -> None:
    blynks.answer["blynk.reconfigure"] = lambda _params: {
        "device": device(57, "Greenhouse 2"),
        "entry": "905d4b4e",
        "access_point": known,
        "board": "",
    }
    acts = await opened(sheet, "Greenhouse 2")
    await acts.get_by_role("button", name="Change network over the air").click()
    await expect(acts).to_contain_text("it cannot be called back")
    assert blynks.called("blynk.reconfigure") == []
    await acts.get_by_role("button", name="Send it back").click()
    await expect(acts).to_contain_text("Greenhouse 2 was told.")
    assert blynks.called("blynk.reconfigure") == [{"device": 57}]
    if known:
        await acts.get_by_role("link", name="Give it its network").click()
    else:
        await acts.get_by_role("link", name="Look for its network").click()
        await expect(page.locator("point-finder")).to_contain_text("The board of Greenhouse 2")
        await page.get_by_role("button", name="Look for boards that open").click()
        await page.get_by_role("link", name=f"Set up {POINT}").click()
    form = page.locator("blynk-form")
    await expect(form).to_contain_text("It stays the device Greenhouse 2")
    await expect(form.get_by_label("Name", exact=True)).to_have_value("Greenhouse 2")
    job = blynks.job(edgent(blynks), "provision", BLYNK_STEPS)
    blynks.answer["jobs.start"] = lambda _params: {"job": job.id}
    await form.get_by_role("button", name="Set up").click()
    await expect(page.locator("job-view")).to_be_visible()
    (started,) = blynks.called("jobs.start")
    assert (started["access_point"], started["name"]) == (POINT, "Greenhouse 2")


async def test_a_board_that_is_offline_is_brought_back_by_hand_and_its_data_go_when_somebody_says_so(
    blynks: FakeAgent, sheet: Locator
) -> None:
    acts = await opened(sheet, "Greenhouse 1")
    await acts.get_by_role("button", name="Change network over the air").click()
    await expect(acts).to_contain_text("hold its button for at least ten seconds")
    await expect(acts.get_by_role("button", name="Send it back")).to_have_count(0)
    await acts.get_by_role("button", name="Back").click()
    await expect(acts.get_by_role("button", name="Change network over the air")).to_be_focused()

    await acts.get_by_role("button", name="Erase its data").click()
    await expect(acts).to_contain_text("this cannot be undone")
    assert blynks.called("blynk.clear") == []
    await acts.get_by_role("button", name="Erase its data for good").click()
    await expect(acts).to_contain_text("Its data are erased.")
    assert blynks.called("blynk.clear") == [{"device": 56}]

    report = BlynkOffline(cloud="Blynk.Cloud", name="Greenhouse 3").report()

    def went(_params: dict[str, Any]) -> Any:
        raise Refusal(report.code, report.title)

    blynks.answer["blynk.reconfigure"] = went
    await sheet.get_by_role("searchbox").fill("Greenhouse 3")
    await sheet.get_by_role("button", name="Greenhouse 3", exact=True).click()
    await acts.get_by_role("button", name="Change network over the air").click()
    await acts.get_by_role("button", name="Send it back").click()
    await expect(acts).to_contain_text("Greenhouse 3 is offline, so it heard nothing.")


async def test_a_device_is_made_before_its_board_and_one_is_claimed_by_its_code(
    page: Page, blynks: FakeAgent, sheet: Locator
) -> None:
    answer = {"device": device(90, "Pump"), "entry": "905d4b4e", "access_point": "", "board": ""}
    blynks.answer["blynk.create"] = lambda _params: answer
    await sheet.locator("summary", has_text="Make a device").click()
    await sheet.get_by_role("button", name="Make the device").click()
    await expect(sheet.get_by_text("Name: is needed")).to_be_visible()
    await sheet.get_by_label("Name", exact=True).fill("Pump")
    await sheet.get_by_label("Template", exact=True).fill("TMPLdemo00000")
    await sheet.get_by_role("button", name="Make the device").click()
    await expect(sheet).to_contain_text("Pump (90) is there and waits for its board.")
    await expect(sheet).to_contain_text("in the vault, entry 905d4b4e")
    assert blynks.called("blynk.create") == [{"name": "Pump", "template": "TMPLdemo00000"}]

    claimed = BlynkClaimed(cloud="b", detail="It is claimed.").report()
    refusals = [Refusal(claimed.code, claimed.title)]

    def claim(_params: dict[str, Any]) -> Any:
        if refusals:
            raise refusals.pop()
        return answer

    blynks.answer["blynk.claim"] = claim
    await sheet.locator("summary", has_text="Static tokens").click()
    await expect(sheet).to_contain_text("2 prepared, 1 without an owner.")
    code = sheet.get_by_label("Text of the QR code", exact=True)
    await code.fill(CODE)
    await code.press("Enter")
    await expect(sheet).to_contain_text("The device of this code is claimed already.")
    await sheet.get_by_role("button", name="Claim the device").click()
    await expect(sheet).to_contain_text("Pump is yours.")
    await expect(code).to_have_value("")
    assert CODE not in await page.content()
    await sheet.get_by_role("button", name="Give back the device 84").click()
    await expect(sheet.get_by_role("button", name="Keep it")).to_be_focused()
    await sheet.get_by_role("button", name="Give it back", exact=True).click()
    await expect(sheet.get_by_role("button", name="Give it back", exact=True)).to_have_count(0)
    assert blynks.called("blynk.unclaim") == [{"device": 84}]


async def test_a_device_that_waits_for_its_board_is_offered_by_its_name(
    page: Page, blynks: FakeAgent, files: str
) -> None:
    waiting = {"cloud": "blynk", "board": "", "state": "pending", "device": "Garden pump"}
    taken = waiting | {"board": "usb-1", "device": "Kitchen"}
    blynks.answer["vault.list"] = lambda _params: {"entries": [waiting, taken]}
    await page.goto(f"{files}/#/point/{POINT}")
    form = page.locator("blynk-form")
    await expect(form).to_contain_text("Made before their boards")
    await expect(form.get_by_role("button", name="Kitchen")).to_have_count(0)
    await form.get_by_role("button", name="Garden pump").click()
    await expect(form.get_by_label("Name", exact=True)).to_have_value("Garden pump")
    await expect(form.get_by_label("Name", exact=True)).to_be_focused()


async def test_of_many_boards_in_the_air_one_is_found_by_its_own_part(
    page: Page, blynks: FakeAgent, files: str
) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    names = [f"Blynk Garden pump-4Y1{each}" for each in "0W8N4Y1HP5DF9K6JM3C2UA7R"]
    points = [
        {**POINTS[0], "access_point": name, "name": name, "strength": 90 - number}
        for number, name in enumerate(names)
    ]
    blynks.answer["wifi.points"] = lambda _params: {"points": points}
    await page.goto(f"{files}/#/missing")
    await page.get_by_role("button", name="Look for boards that open").click()
    finder = page.locator("point-finder")
    await expect(finder).to_contain_text("24 networks look like a board's, the nearest first.")
    assert "null" not in await finder.inner_text()
    assert await faults_of(page) == []
    assert not await page.evaluate(SCROLLS)
    await finder.get_by_role("searchbox").fill("4y1k")
    rows = finder.locator(".points li").filter(visible=True)
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("Blynk Garden pump-4Y1K")


@pytest.mark.parametrize("width", [1280, 390])
async def test_all_of_it_can_be_used_without_eyes_and_on_a_telephone(
    page: Page, sheet: Locator, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 844})
    acts = await opened(sheet, "Greenhouse 2")
    for title in ("Make a device", "Static tokens"):
        await sheet.locator("summary", has_text=title).click()
    await sheet.get_by_role("button", name="Give back the device 84").click()
    await acts.get_by_role("button", name="Change network over the air").click()
    await expect(acts).to_contain_text("it cannot be called back")
    assert await faults_of(page) == []
    assert not await page.evaluate(SCROLLS)
