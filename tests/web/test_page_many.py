"""Many boards become devices of ThingsBoard from one form: real browser, agent, server and boards."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from agent.errors import BoardOffline, EnrolNameTaken
from agent.jobs.job import Action, JobState
from agent.simulator.thingsboard import SimulatedThingsBoard
from tests.web.enrolling import LINK, RESULT, STEPS, sign_in_to, thingsboard
from tests.web.fake import Refusal
from tests.web.people import open_page
from tests.web.rig import PASSWORD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Locator, Page, ViewportSize

    from tests.web.fake import FakeAgent
    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]

COUNT = 8
PHONE: ViewportSize = {"width": 390, "height": 844}
WIDER_THAN_WINDOW = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
RETRY = Action(id="retry", label="Try this password", needs="password")
STOP = Action(id="stop", label="Stop")
RENAME = Action(id="name", label="Use another name", needs="name")


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    """A ThingsBoard of one's own."""
    async with SimulatedThingsBoard(coap=False) as server:
        yield server


def tally(page: Page) -> Locator:
    return page.locator("wall-view .tally")


async def give_network(page: Page, password: str) -> None:
    form = page.locator("many-form")
    await form.get_by_label("Network name").fill("HomeNet")
    await form.get_by_label("Password", exact=True).filter(visible=True).fill(password)


async def test_one_form_one_answer_and_one_wall_for_eight_boards(
    page: Page, agent: Agent, server: SimulatedThingsBoard
) -> None:
    told: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: told.append(str(data))),
    )
    boards = await agent.plug(sketch="console", model="esp32", count=COUNT)
    await open_page(page, agent)
    await page.get_by_role("link", name="Set up many boards with ThingsBoard").click()
    await sign_in_to(page, server)
    form = page.locator("many-form")
    await expect(form.locator(".choosing")).to_contain_text(f"{COUNT} of {COUNT} boards chosen")
    await form.get_by_label("Device names").fill("course-{n:02}")
    await expect(form.locator(".becomes").last).to_have_text(f"→ course-0{COUNT}")
    await give_network(page, "correct hose")
    await form.get_by_role("button", name="None").click()
    await form.get_by_role("button", name="Set up boards").click()
    nobody = form.get_by_text("Choose at least one board.")
    await expect(nobody).to_be_in_viewport()
    await form.get_by_role("button", name="All").click()
    await expect(nobody).to_be_hidden()
    await form.get_by_role("button", name=f"Set up {COUNT} boards").click()

    await expect(tally(page)).to_have_text(f"0 of {COUNT} done · {COUNT} need you")
    await boards.command({"board": 2, "unplug": True})
    await page.reload()
    asked = page.locator(".group-question", has=page.get_by_label("Password", exact=True))
    await expect(asked.locator(".who")).to_contain_text("boards ask the same")
    await expect(page.locator(".tiles li")).to_have_count(COUNT)
    await asked.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(tally(page)).to_have_text(f"{COUNT - 1} of {COUNT} done · 1 needs you")
    await expect(page.locator(".tiles li").nth(2)).to_contain_text("unplugged")
    gone = page.locator(".group-question")
    await expect(gone).to_contain_text("Plug it in again")
    await gone.get_by_role("button", name="Stop").click()
    await expect(tally(page)).to_contain_text("1 failed")
    await boards.command({"board": 2, "plug": True})
    await page.get_by_role("button", name="Try 1 board again").click()
    await expect(form.locator(".choosing")).to_contain_text(f"1 of {COUNT} boards chosen")
    await form.get_by_label("Password", exact=True).filter(visible=True).fill(PASSWORD)
    await form.get_by_role("button", name="Set up 1 board").click()
    await expect(tally(page)).to_have_text(f"{COUNT} of {COUNT} done")
    names = [f"course-0{n}" for n in range(1, COUNT + 1)]
    assert sorted(server.state.devices) == names

    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Save the list").click()
    text = Path(await (await saved.value).path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["device"] for row in rows] == names
    for row in rows:
        device = server.state.devices[row["device"]]
        assert row["link"] == f"{server.addresses['https']}/entities/devices/{device.id}"
        assert row["state"] == "done"
        assert row["hardware_id"]
    await page.get_by_text("Links and QR codes").click()
    await expect(page.locator(".link-cards").get_by_role("img")).to_have_count(COUNT)

    secrets = [PASSWORD, server.create.secret.reveal()]
    secrets += [device.credentials.id for device in server.state.devices.values()]
    told += [text, await page.content()]
    told.append(await page.evaluate("JSON.stringify([localStorage, sessionStorage])"))
    assert not [each for each in secrets for message in told if each in message]


# with an agent that does as the test says


async def open_wall(page: Page, fake: FakeAgent, files: str, count: int = 3) -> list[str]:
    """A wall with so many jobs; returns their ids."""
    fake.more_clouds = [thingsboard()]
    ids = []
    for n in range(1, count + 1):
        asked = {
            "cloud": "thingsboard",
            "group": "g1",
            "name": f"course-{n:02}",
            "network": {"kind": "wifi", "ssid": "HomeNet"},
        }
        job = fake.job(fake.board("esp32", n), "provision", STEPS, request=asked)
        ids.append(fake.at(job.id, "enrol").id)
    await page.goto(f"{files}/#/wall/g1")
    await expect(tally(page)).to_contain_text(f"{count} under way")
    return ids


def offline(fake: FakeAgent, job: str) -> None:
    error = BoardOffline(cloud="ThingsBoard", network="HomeNet", said="no such password")
    report = error.report()
    name = fake.jobs[job].request["name"]
    fields: dict[str, Any] = {"title": report.title, "error": report, "safe": f"{name} is kept."}
    fake.ask(job, "online", RETRY, STOP, network={"kind": "wifi", "ssid": "HomeNet"}, **fields)


async def test_whoever_asks_the_same_later_gets_the_same_answer_once(
    page: Page, fake: FakeAgent, files: str
) -> None:
    jobs = await open_wall(page, fake, files)
    offline(fake, jobs[0])
    card = page.locator(".group-question")
    await expect(card.locator(".safe")).to_have_text("course-01 is kept.")
    await card.get_by_label("Password", exact=True).fill("correct horse")
    offline(fake, jobs[1])
    await expect(card.locator(".who")).to_contain_text("2 boards ask the same")
    await expect(card.locator(".safe")).to_have_text("… is kept.")
    await page.keyboard.press("Enter")
    for job in jobs[:2]:
        fake.at(job, "online")
    await expect(card).to_have_count(0)
    await expect(page.locator("wall-view h1")).to_be_focused()
    offline(fake, jobs[2])
    await expect(tally(page)).to_contain_text("1 needs you")
    fake.at(jobs[2], "online")
    await expect(tally(page)).to_contain_text("3 under way")
    answers = fake.called("jobs.answer")
    assert [call["job"] for call in answers] == jobs
    assert {call["answer"]["password"] for call in answers} == {"correct horse"}
    offline(fake, jobs[2])
    await expect(card.locator(".who")).to_have_text("course-03 asks")


async def test_a_name_is_no_answer_for_several_boards(
    page: Page, fake: FakeAgent, files: str
) -> None:
    jobs = await open_wall(page, fake, files)
    for job in jobs[:2]:
        name = fake.jobs[job].request["name"]
        error = EnrolNameTaken(cloud="ThingsBoard", name=name, profile="p", maybe_done=False)
        fake.ask(job, "enrol", RENAME, STOP, title=error.report().title, error=error.report())
    card = page.locator(".group-question")
    await expect(card.locator(".askers li")).to_have_count(2)
    await expect(card.get_by_role("button", name="Use another name")).to_have_count(0)
    await expect(card).to_contain_text("at each of them")
    fake.end(jobs[1], state=JobState.CANCELLED)
    await expect(card.get_by_role("textbox")).to_have_value("course-01")


async def test_boards_that_do_not_begin_are_told_and_tried_again(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.more_clouds = [thingsboard()]
    boards = [fake.board("esp32", n) for n in range(1, 4)]
    usual = fake._jobs_start
    groups: set[str] = set()

    def start(params: dict[str, Any]) -> Any:
        groups.add(params["group"])
        if params["board"] == boards[1].id and len(fake.called("jobs.start")) < 4:
            raise Refusal("port-busy", "The port is in use.")
        result = usual(params)
        fake.change(result["job"], request={**asked(params), "group": params["group"]})
        return result

    def asked(params: dict[str, Any]) -> dict[str, Any]:
        return {name: params[name] for name in ("cloud", "name") if name in params}

    fake.answer["jobs.start"] = start
    await page.goto(f"{files}/#/many")
    form = page.locator("many-form")
    names = form.get_by_label("Device names")
    await give_network(page, "correct horse")
    for wrong, problem in (
        ("course", "would be the same"),
        ("course-{number}", "is not one of"),
    ):
        await names.fill(wrong)
        await form.get_by_role("button", name="Set up 3 boards").click()
        await expect(form.locator(".field-error").filter(visible=True)).to_contain_text(problem)
        await expect(names).to_be_focused()
    await names.fill("course-{n}")
    await page.keyboard.press("Enter")
    await expect(page.locator(".refused li")).to_contain_text("The port is in use.")
    await expect(tally(page)).to_contain_text("0 of 3 done · 2 under way · 1 did not begin")
    await page.get_by_role("button", name="Try 1 board again").click()
    await expect(tally(page)).to_have_text("0 of 3 done · 3 under way")
    await expect(page.locator(".refused li")).to_have_count(0)
    calls = fake.called("jobs.start")
    assert [call["name"] for call in calls] == ["course-1", "course-2", "course-3", "course-2"]
    assert {call["network"]["password"] for call in calls} == {"correct horse"}
    assert len(groups) == 1


async def test_the_wall_fits_a_telephone_and_leads_there_from_the_list(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await page.set_viewport_size(PHONE)
    jobs = await open_wall(page, fake, files)
    long = "greenhouse-of-the-seventh-year-" * 6
    fake.end(jobs[0], RESULT | {"device": long + "1"})
    error = EnrolNameTaken(cloud="ThingsBoard", name=long, profile="p", maybe_done=False)
    fake.end(jobs[1], state=JobState.FAILED, error=error.report())
    await expect(tally(page)).to_have_text("1 of 3 done · 1 failed · 1 under way")
    await page.get_by_text("Links and QR codes").click()
    await expect(page.get_by_role("link", name=LINK)).to_be_visible()
    assert not await page.evaluate(WIDER_THAN_WINDOW)
    await page.goto(f"{files}/#/many/g1")
    await expect(page.locator("many-form .choosing")).to_contain_text("1 of 3")
    assert not await page.evaluate(WIDER_THAN_WINDOW)
    await page.get_by_role("link", name="Boards", exact=True).click()
    await expect(page.locator(".together")).to_contain_text("1 of 3 done")
    await page.get_by_role("link", name="Boards set up together").click()
    await expect(tally(page)).to_contain_text("1 of 3 done")


async def test_what_is_under_way_is_stopped_only_when_asked_twice(
    page: Page, fake: FakeAgent, files: str
) -> None:
    jobs = await open_wall(page, fake, files)
    fake.end(jobs[0], RESULT)
    await page.get_by_role("button", name="Stop those under way").click()
    await expect(page.get_by_role("button", name="Go on")).to_be_focused()
    assert fake.called("jobs.cancel") == []
    await page.get_by_role("button", name="Stop them all").click()
    for job in jobs[1:]:
        fake.end(job, state=JobState.CANCELLED)
    await expect(tally(page)).to_have_text("1 of 3 done · 2 stopped")
    assert [call["job"] for call in fake.called("jobs.cancel")] == jobs[1:]
