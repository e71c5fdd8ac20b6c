"""The doctor on the page: what was found, what it means, the mend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from agent.errors import Finding, Level
from tests.web.fake import SILENCE, Refusal
from tests.web.faults import faults_of
from tests.web.people import open_page

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

LONG = "/home/" + "a-very-long-name-without-any-gap" * 6


def finding(code: str = "clock", level: Level = Level.WARNING, **fields: Any) -> Finding:
    usual: dict[str, Any] = {
        "area": "clock",
        "title": f"The thing {code} is not as it should be.",
        "meaning": "Something will not work.",
        "mend": "Do something about it.",
    }
    return Finding(code=code, level=level, **(usual | fields))


def closes(path: str) -> Finding:
    """A folder that others can read, and that the doctor can close."""
    command = f"chmod go-rwx {path}"
    return finding(
        "private-file",
        area="disk",
        title=f"Other users can get at {path}.",
        mend=f"Run: {command}",
        commands=[command],
        fixable=True,
        will=f"Closes {path} for everybody but you.",
    )


def cards(page: Page) -> Locator:
    return page.locator("finding-card")


async def open_doctor(page: Page, files: str, area: str = "") -> None:
    await page.goto(f"{files}/#/doctor/{area}")
    await expect(page.locator(".looking")).to_contain_text("Looked")


async def test_the_real_doctor_looks_mends_what_is_asked_for_and_looks_again(
    page: Page, agent: Agent
) -> None:
    folder = agent.home / "data"
    folder.chmod(0o755)
    await open_page(page, agent, "#/doctor")
    offer = page.locator(".offer")
    await expect(offer).to_contain_text(f"Closes {folder} for everybody but you.")
    assert folder.stat().st_mode & 0o777 == 0o755
    await offer.get_by_role("button").click()
    await expect(page.locator(".outcome.good")).to_contain_text(str(folder))
    assert folder.stat().st_mode & 0o777 == 0o700
    await expect(offer).to_have_count(0)
    await expect(page.get_by_role("heading", name="Mended")).to_be_focused()


async def test_what_is_under_way_is_said_with_how_far_it_is(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.answer["doctor.run"] = lambda _params: SILENCE
    await page.goto(f"{files}/#/doctor")
    looking = page.locator(".looking")
    await expect(looking).to_contain_text("Looking at this computer")
    fake.tell("doctor.progress", {"area": "disk", "done": 3, "total": 14})
    await expect(looking).to_contain_text("3 of 14 parts")
    assert await looking.locator("progress").evaluate("(bar) => bar.value") == pytest.approx(3 / 14)
    await page.get_by_role("link", name="Journal").click()
    await page.go_back()
    await expect(looking).to_contain_text("3 of 14 parts")
    assert len(fake.called("doctor.run")) == 1


async def test_nothing_found_is_a_calm_page(page: Page, fake: FakeAgent, files: str) -> None:
    fake.findings = [finding("clock-fine", Level.FINE, title="The clock is right.")]
    await open_doctor(page, files)
    await expect(page.get_by_role("heading", name="Nothing is in the way")).to_be_visible()
    shown = await page.locator("doctor-view").inner_text()
    assert shown.count("Nothing is in the way") == 1
    await expect(cards(page)).to_have_count(0)
    await page.get_by_text("1 thing looked at and well").click()
    await expect(page.get_by_text("The clock is right.")).to_be_visible()


async def test_problems_come_before_warnings_and_a_command_is_copied_whole(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    command = "sudo chown -R \"$USER\" '/home/Anna M/it; is'"
    fake.findings = [
        finding("tool-missing"),
        finding(
            "folder-owner",
            Level.PROBLEM,
            mend=f"Run: {command}, then log in again.",
            commands=[command],
        ),
    ]
    await open_doctor(page, files)
    await expect(page.locator(".looking")).to_contain_text("1 problem and 1 warning found.")
    await expect(cards(page).first).to_contain_text("folder-owner")
    await expect(cards(page).first.locator(".mend")).to_have_text(["Run:", ", then log in again."])
    await cards(page).first.get_by_role("button", name="Copy command").click()
    await expect(cards(page).first).to_contain_text("Copied.")
    assert await page.evaluate("navigator.clipboard.readText()") == command


async def test_a_mend_that_failed_says_why(page: Page, fake: FakeAgent, files: str) -> None:
    fake.findings = [finding(fixable=True, will="Sets it.", facts={"fix_failed": "not permitted"})]
    await open_doctor(page, files)
    await expect(cards(page)).to_contain_text("It could not be mended: not permitted.")


@pytest.mark.parametrize(
    ("width", "scale", "scheme"),
    [(1280, 1, "light"), (375, 1, "dark"), (640, 2, "light")],
)
async def test_forty_findings_with_long_paths_stay_readable(
    page: Page, fake: FakeAgent, files: str, width: int, scale: int, scheme: Any
) -> None:
    # A window of 1280 at 200 % has the room of 640.
    await page.set_viewport_size({"width": width, "height": 800 // scale})
    await page.emulate_media(color_scheme=scheme)
    fake.findings = [
        *[closes(f"{LONG}/{number}") for number in range(30)],
        *[finding(f"kind-{number}", Level.PROBLEM) for number in range(10)],
    ]
    await open_doctor(page, files)
    await expect(cards(page)).to_have_count(11)
    await expect(cards(page).last).to_contain_text("29 more like this")
    await page.locator("details").evaluate_all("(all) => all.forEach((d) => (d.open = true))")
    assert await faults_of(page) == []
    root = "document.documentElement"
    assert not await page.evaluate(f"{root}.scrollWidth > {root}.clientWidth")
    await page.get_by_role("button", name="Mend these 30").click()
    await expect(page.locator(".outcome.good li")).to_have_count(30)
    await expect(page.locator(".outcome.good")).to_contain_text("26 more")
    assert fake.called("doctor.run") == [{"fix": False}, {"fix": True}]


async def test_an_error_leads_to_what_the_doctor_knows_of_it(
    page: Page, fake: FakeAgent, files: str
) -> None:
    board = fake.board(says=None)

    def refuse(_params: dict[str, Any]) -> Any:
        raise Refusal("port-permission", "This account may not open the port.")

    fake.answer["board.identify"] = refuse
    fake.findings = [
        finding("tool-missing", area="tools"),
        finding("serial-permission", Level.PROBLEM, area="serial", title="Not in the group."),
    ]
    await page.goto(f"{files}/#/board/{board.id}")
    await page.get_by_role("link", name="Ask the doctor").first.click()
    await expect(page.get_by_role("heading", name=re.compile("What you came for"))).to_be_visible()
    await expect(cards(page).first).to_contain_text("Not in the group.")
    await expect(page.get_by_role("link", name="Ask the doctor")).to_have_count(0)


async def test_who_has_no_board_is_led_to_the_doctor_by_keyboard_alone(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await page.goto(files)
    await page.get_by_role("link", name="My board is not here").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Doctor")).to_be_focused()
    await expect(page).to_have_title("Doctor · Mooring")
    await expect(page.locator(".looking")).to_contain_text("Looked")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Look again")).to_be_focused()
    fake.answer["doctor.run"] = lambda _params: SILENCE
    await page.keyboard.press("Enter")
    await expect(page.locator(".looking")).to_contain_text("Looking at this computer")
    await expect(page.get_by_role("button", name="Look again")).to_be_focused()
    await page.keyboard.press("Enter")
    assert len(fake.called("doctor.run")) == 2


async def test_a_look_that_was_cut_off_begins_again_by_itself(page: Page, agent: Agent) -> None:
    await open_page(page, agent, "#/doctor")
    await expect(page.locator(".looking")).to_contain_text("Looked")
    await page.get_by_role("button", name="Look again").click()
    await agent.kill()
    await expect(page.locator("connection-bar")).to_contain_text("not running")
    await agent.start()
    await expect(page.locator("connection-bar")).to_contain_text("Connected again.")
    await expect(page.locator(".looking")).to_contain_text("Looked")
    await expect(page.locator("error-card")).to_have_count(0)
