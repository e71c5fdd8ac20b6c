"""What the page shows and asks where a cloud gives credentials to a board."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from agent.errors import EnrolNameTaken, EnrolUsedUp
from agent.jobs.job import Action, Choice, JobState
from tests.web.enrolling import LINK, RESULT, open_enrolment, text_file, thingsboard
from tests.web.fake import SILENCE, Refusal
from tests.web.people import question

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.fake import FakeAgent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.slow,
]

STOP = Action(id="stop", label="Stop")
RENAME = Action(id="name", label="Use another name", needs="name")
REPLACE = Action(id="replace", label="Give it new ones; those that it has now stop at once")
TAKEN = EnrolNameTaken(cloud="ThingsBoard", name="greenhouse", profile="boards", maybe_done=False)


def answers(fake: FakeAgent) -> list[dict[str, Any]]:
    return [call["answer"] for call in fake.called("jobs.answer")]


def started(fake: FakeAgent) -> dict[str, Any]:
    (request,) = fake.called("jobs.start")
    return request


async def open_form(page: Page, fake: FakeAgent, files: str, **cloud: bool) -> None:
    fake.more_clouds = [thingsboard(**cloud)]
    board = fake.board()
    await page.goto(f"{files}/#/board/{board.id}/device")
    await expect(page.locator("enrol-form h2")).to_have_text("Set up with ThingsBoard")


# the account


async def test_three_fields_come_first_and_a_wrong_one_is_shown_where_it_is(
    page: Page, fake: FakeAgent, files: str
) -> None:
    refusals = [
        Refusal("input", "Wrong.", field="server", problem="needs https or mqtts"),
        Refusal("input", "Wrong.", field="ca", problem="is no certificate"),
    ]

    def login(_params: dict[str, Any]) -> Any:
        raise refusals.pop(0)

    fake.answer["clouds.login"] = login
    await open_form(page, fake, files, signed_in=False)
    form = page.locator("sign-in")
    shown = (
        await form.locator("input").filter(visible=True).evaluate_all("all => all.map(i => i.name)")
    )
    assert shown == ["server", "provision_key", "provision_secret"]
    await expect(page.get_by_role("button", name="Set up", exact=True)).to_be_hidden()
    await form.get_by_role("button", name="Sign in").click()
    await expect(form.locator(".field-error").first).to_have_text("Server: is needed")
    await form.get_by_label("Server", exact=True).fill("http://tb.example.com")
    await form.get_by_label("Provision device key").fill("key")
    await form.get_by_label("Provision device secret", exact=True).fill("secret")
    await page.keyboard.press("Enter")
    await expect(form.locator(".field-error").first).to_have_text("Server: needs https or mqtts")
    await expect(form.get_by_label("Server", exact=True)).to_be_focused()
    await page.keyboard.press("Enter")
    authority = form.get_by_label("Authority")
    await expect(authority).to_be_focused()
    await expect(authority).to_have_attribute("aria-invalid", "true")


async def test_a_long_authority_comes_from_a_file_and_nothing_else_does(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_form(page, fake, files, signed_in=False)
    form = page.locator("sign-in")
    await form.get_by_text("An authority of your own").click()
    pick = form.locator("input[type=file]")
    error = form.locator(".multiline .field-error")
    text = "-----BEGIN CERTIFICATE-----\n" + "MIIB" * 2000 + "\n-----END CERTIFICATE-----\n"
    for name, data, problem in (
        ("ca.der", b"\x30\x82\x01\x00\xff", "is not a text file"),
        ("film.pem", b"x" * 70_000, "at most"),
    ):
        await pick.set_input_files(files=[text_file(name, data)])
        await expect(error).to_contain_text(problem)
    await pick.set_input_files(files=[text_file("ca.pem", text.encode())])
    await expect(error).to_be_hidden()
    await expect(form.locator("text-file")).to_contain_text("ca.pem: 3 lines.")
    assert await form.get_by_label("Authority").input_value() == text
    width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0


# the form


async def test_what_is_chosen_is_asked_for_and_what_is_not_is_left_out(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_form(page, fake, files)
    form = page.locator("enrol-form")
    await expect(form.locator(".look")).to_contain_text("The profile decides")
    await expect(form).to_contain_text("Left empty: mkr-wifi-1010-… with the hardware id")
    await form.get_by_text("Leave its network as it is").click()
    await form.get_by_role("button", name="Set up").click()
    await expect(page.locator("job-view")).to_be_visible()
    board = next(iter(fake.boards))
    assert started(fake) == {
        "kind": "provision",
        "board": board,
        "attended": True,
        "cloud": "thingsboard",
        "credentials": "access_token",
    }


async def test_the_next_board_gets_the_same_with_two_clicks(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_form(page, fake, files)
    form = page.locator("enrol-form")
    await form.get_by_label("Device name").fill("greenhouse")
    await form.get_by_label("Network name").fill("HomeNet")
    password = form.get_by_label("Password", exact=True).filter(visible=True)
    await password.fill("correct horse")
    await form.locator(".choices-made summary").click()
    await form.get_by_text("Certificate (X.509)").click()
    await form.get_by_text("Serial console of the sketch").click()
    await expect(form.locator(".choices-made summary")).to_have_text(
        "Certificate (X.509) · Serial console of the sketch"
    )
    await form.get_by_role("button", name="Set up").click()
    await expect(page.locator("job-view")).to_be_visible()
    request = started(fake)
    assert request["network"] == {"kind": "wifi", "ssid": "HomeNet", "password": "correct horse"}
    wanted = {"name": "greenhouse", "credentials": "certificate", "delivery": "console"}
    assert {key: request[key] for key in wanted} == wanted
    other = fake.board(number=2)
    await page.goto(f"{files}/#/board/{other.id}")
    await expect(form.get_by_label("Network name")).to_have_value("HomeNet")
    await expect(password).to_have_value("correct horse")
    await expect(form.get_by_label("Device name")).to_have_value("")
    await expect(form.locator(".choices-made summary")).to_contain_text("Serial console")


async def test_the_usual_form_leads_here_where_there_is_a_cable(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.more_clouds = [thingsboard(signed_in=False)]
    fake.bluetooth = {"scanning": True, "problem": None}
    board, heard = fake.board("uno_r4_wifi"), fake.heard(number=2)
    await page.goto(f"{files}/#/board/{heard.id}/setup")
    await expect(page.locator("cloud-picker label")).to_have_count(2)
    await expect(page.locator(".elsewhere")).to_have_count(0)
    await page.goto(f"{files}/#/board/{board.id}/setup")
    await page.get_by_role("link", name="a form of its own").click()
    await expect(page.locator("enrol-form sign-in")).to_be_visible()


async def test_a_name_is_looked_up_and_explained(page: Page, fake: FakeAgent, files: str) -> None:
    found = {"name": "greenhouse", "strategy": "create", "profile": "", "ours": True}
    fake.answer["clouds.device"] = lambda params: {
        "device": found if params["name"] == "greenhouse" else None
    }
    profile = {"name": "prepared boards", "strategy": "prepared"}
    fake.answer["clouds.profile"] = lambda _params: {"profile": profile}
    await open_form(page, fake, files)
    name, look = page.get_by_label("Device name"), page.locator(".look")
    await expect(look).to_contain_text("Your profile prepared boards takes devices that were")
    await name.fill("greenhouse")
    await expect(look).to_contain_text("the server refuses it")
    await name.fill("greenhouse-2")
    await expect(look).to_contain_text("Nobody has the name greenhouse-2 yet. Your profile")
    assert len(fake.called("clouds.profile")) == 1


async def test_without_an_administrator_nobody_looks_a_name_up(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_form(page, fake, files, administrator=False)
    await page.get_by_label("Device name").fill("greenhouse")
    await expect(page.locator(".look")).to_contain_text("The profile decides")
    assert fake.called("clouds.device") == []


async def test_a_name_that_the_cloud_cannot_take_is_shown_at_its_field(
    page: Page, fake: FakeAgent, files: str
) -> None:
    def start(_params: dict[str, Any]) -> Any:
        raise Refusal("input", "Wrong.", field="name", problem="is 300 characters long")

    fake.answer["jobs.start"] = start
    await open_form(page, fake, files)
    await page.get_by_label("Device name").fill("x" * 300)
    await page.get_by_text("Leave its network as it is").click()
    await page.get_by_role("button", name="Set up", exact=True).click()
    await expect(page.get_by_label("Device name")).to_be_focused()
    await expect(page.locator(".field-error").first).to_contain_text("is 300 characters long")


# what a job asks


async def test_new_credentials_are_given_only_after_what_that_costs(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = await open_enrolment(page, fake, files)
    mine = Action(id="administrator", label="It is this board")
    fake.ask(job, "enrol", mine, REPLACE, RENAME, STOP, title="Taken.", error=TAKEN.report())
    asked = question(page)
    await expect(asked.get_by_role("button", name="It is this board")).to_be_focused()
    await asked.get_by_role("button", name="Give it new ones").click()
    await expect(asked).to_contain_text("whatever connects with them is cut off")
    await expect(asked.get_by_role("button", name="Back")).to_be_focused()
    assert answers(fake) == []
    await asked.get_by_role("button", name="Back").click()
    await asked.get_by_role("button", name="Give it new ones").click()
    await asked.locator(".danger").click()
    assert answers(fake) == [{"action": "replace"}]


async def test_a_name_is_asked_where_it_is_the_nearest_way_out(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = await open_enrolment(page, fake, files)
    again = Action(id="retry", label="Ask again")
    fake.ask(job, "enrol", again, RENAME, STOP, title="Taken.", error=TAKEN.report())
    name = question(page).get_by_label("Device name")
    await expect(name).to_be_focused()
    await expect(name).to_have_value("greenhouse")
    await name.fill("   ")
    await page.keyboard.press("Enter")
    await expect(question(page).locator(".field-error")).to_have_text("Device name: is needed")
    await name.fill("greenhouse 2")
    await page.keyboard.press("Enter")
    await expect(question(page).get_by_role("button", name="Use another name")).to_be_disabled()
    assert answers(fake) == [{"action": "name", "name": "greenhouse 2"}]

    # Where something else mends more, it comes first.
    used_up = EnrolUsedUp(cloud="ThingsBoard", name="greenhouse", state="x", maybe_done=False)
    again = Action(id="retry", label="Done: ask again")
    fake.ask(job, "enrol", again, RENAME, STOP, title="Used up.", error=used_up.report())
    asked = question(page)
    await expect(asked.get_by_role("button", name="Done: ask again")).to_be_focused()
    await asked.get_by_role("button", name="Use another name").click()
    await expect(asked.get_by_label("Device name")).to_be_focused()
    await asked.get_by_role("button", name="Back").click()
    await asked.get_by_role("button", name="Done: ask again").click()
    assert answers(fake)[1:] == [{"action": "retry"}]


async def test_a_way_to_the_board_is_chosen_and_a_network_is_typed(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = await open_enrolment(page, fake, files)
    choose = Action(id="choice", label="Use this way", needs="choice")
    ways = [
        Choice(id="nvs", label="Settings area of the chip (NVS)", detail="The sketch stays."),
        Choice(id="header", label="Header file for the sketch"),
    ]
    fake.ask(job, "read", choose, STOP, title="How?", choices=ways)
    await question(page).get_by_text("Header file for the sketch").click()
    await question(page).get_by_role("button", name="Use this way").click()
    assert answers(fake) == [{"action": "choice", "choice": "header"}]

    give = Action(id="network", label="Give it another network", needs="network")
    network = {"kind": "wifi", "ssid": "HomeNet"}
    fake.ask(job, "online", give, STOP, title="It does not get there.", network=network)
    asked = question(page)
    await expect(asked.get_by_label("Network name")).to_have_value("HomeNet")
    await asked.get_by_label("Network name").fill("Office")
    await asked.get_by_label("Password", exact=True).filter(visible=True).fill("correct horse")
    await asked.get_by_role("button", name="Give it another network").click()
    chosen = {"kind": "wifi", "ssid": "Office", "password": "correct horse"}
    assert answers(fake)[1:] == [{"action": "network", "network": chosen}]


# how it ended


async def test_the_end_says_who_has_seen_it_and_leads_to_the_device(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = await open_enrolment(page, fake, files)
    fake.end(job, RESULT | {"connected": "server"})
    outcome = page.locator(".outcome")
    await expect(outcome.locator(".online")).to_have_text("Connected as greenhouse")
    await expect(outcome).to_contain_text("The server has seen it.")
    link = outcome.get_by_role("link", name=LINK)
    assert await link.get_attribute("rel") == "noopener noreferrer"
    await expect(outcome.get_by_role("img", name="QR code of the link")).to_be_visible()
    await expect(outcome).to_contain_text("The sketch on the board answered, and goes on running.")
    await expect(outcome.get_by_role("link", name="entry 905d4b4e")).to_be_visible()


async def test_a_board_that_nobody_has_seen_is_not_called_connected(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.more_clouds = [thingsboard(administrator=False)]
    job = await open_enrolment(page, fake, files)
    unseen: dict[str, Any] = {"connected": None, "link": "javascript:alert(1)"}
    fake.end(job, RESULT | unseen)
    outcome = page.locator(".outcome.unseen")
    await expect(outcome.locator(".online")).to_have_text("Has its settings as greenhouse")
    await expect(outcome).to_contain_text("Nobody has seen it connected yet.")
    await expect(outcome).to_contain_text("With an administrator in the account")
    assert await page.locator(".outcome a[href^=javascript], qr-code").count() == 0
    await expect(page.locator(".boards .chip")).to_have_text("not seen yet")


async def test_an_end_that_is_known_before_the_clouds_is_told_whole(
    page: Page, fake: FakeAgent, files: str
) -> None:
    server = thingsboard(administrator=False)
    fake.answer["clouds.list"] = lambda _params: SILENCE
    job = await open_enrolment(page, fake, files)
    fake.end(job, RESULT | {"connected": None, "link": None})
    outcome = page.locator(".outcome.unseen")
    await expect(outcome).to_contain_text("Nobody has seen it connected yet.")
    fake.reply("clouds.list", {"clouds": [server]})
    await expect(outcome).to_contain_text("With an administrator in the account")


async def test_an_image_is_saved_as_its_bytes(
    page: Page, fake: FakeAgent, files: str, tmp_path: Path
) -> None:
    data = bytes(range(256)) * 80
    fake.files["mooring_nvs.b64"] = base64.b64encode(data).decode()
    job = await open_enrolment(page, fake, files)
    fake.end(job, RESULT | {"delivery": "image", "files": ["mooring_nvs.b64"], "connected": None})
    file = page.locator("secret-file")
    await expect(file).to_contain_text("mooring_nvs.bin is ready")
    await expect(file.get_by_role("button")).to_have_text(["Download"])
    async with page.expect_download() as begun:
        await file.get_by_role("button", name="Download").click()
    download = await begun.value
    assert download.suggested_filename == "mooring_nvs.bin"
    await download.save_as(tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == data
    await expect(page.locator(".boards .chip")).to_have_text("registered")


async def test_a_job_that_was_stopped_leads_back_to_its_form(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = await open_enrolment(page, fake, files)
    fake.end(job, state=JobState.CANCELLED)
    await expect(page.locator(".outcome")).to_contain_text("Nothing was changed, neither")
    await page.get_by_role("link", name="Start again").click()
    await expect(page.locator("enrol-form")).to_be_visible()


async def test_a_job_for_a_file_without_a_board_leads_to_no_board(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = await open_enrolment(page, fake, files)
    fake.end(job, state=JobState.CANCELLED, board="")
    await expect(page.locator(".outcome")).to_contain_text("Nothing was changed, neither")
    await expect(page.locator(".outcome").get_by_role("link")).to_have_count(0)
