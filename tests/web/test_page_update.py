"""Updating a board to 2.0, and the other ways that write a sketch first: told before they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from playwright.async_api import expect

from agent.boards.board import BoardState, Provisioning
from agent.jobs.fates import fates_of
from agent.jobs.job import JobState, Step
from agent.jobs.which import BoardSays
from tests.web.fake import SILENCE, Refusal
from tests.web.people import row

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from agent.boards.board import Board
    from tests.web.fake import FakeAgent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.slow,
]

NETWORK_LINKS = ["Set up", "Update to provisioning 2.0", "Change network", "Erase network"]


async def open_board(page: Page, files: str, board: Board, part: str = "") -> None:
    await page.goto(f"{files}/#/board/{board.id}{part}")
    await expect(page.locator(".board h1")).to_have_text(board.name)


def links(page: Page) -> Locator:
    return page.locator(".actions a")


def form(page: Page) -> Locator:
    return page.locator("update-form")


async def test_a_board_of_1_0_is_updated_with_two_clicks(
    page: Page, fake: FakeAgent, files: str
) -> None:
    board = fake.old_board()
    await page.goto(files)
    await expect(row(page, "MKR WiFi 1010")).to_contain_text("provisioning 1.0")
    await row(page, "MKR WiFi 1010").click()
    await expect(links(page)).to_have_text(
        ["Update to provisioning 2.0", "Write a sketch…", "Serial monitor"]
    )
    await expect(form(page)).to_contain_text("It runs the sketch of provisioning 1.0")
    await expect(form(page).get_by_label("Device name")).to_have_value("mkr-wifi-1010-0001")
    await form(page).get_by_role("button", name="Update to provisioning 2.0").click()
    await expect(page.locator(".job h1")).to_contain_text("Updating")
    assert fake.called("jobs.start") == [
        {
            "kind": "migrate",
            "board": board.id,
            "attended": True,
            "confirmed": True,
            "cloud": "arduino",
            "name": "mkr-wifi-1010-0001",
        }
    ]


async def test_what_is_lost_kept_and_new_is_seen_before(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_board(page, files, fake.old_board())
    for fate, title in (("lost", "Lost"), ("kept", "Stays"), ("new", "New")):
        group = form(page).locator(f".fate.{fate}")
        await expect(group.locator("h3")).to_have_text(title)
        told = [each.what for each in fates_of("migrate") if each.fate == fate]
        await expect(group.locator("li")).to_have_text([w[0].upper() + w[1:] for w in told])
        await expect(group.locator("li svg")).to_have_count(len(told))
    await expect(form(page).locator(".two-lines")).to_contain_text("Overwrites the sketch")
    await form(page).get_by_text("What exactly?").click()
    await expect(form(page).locator(".stacked")).to_contain_text("upload it again afterwards")


async def test_an_old_device_is_named_and_deleted_only_if_asked(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.old_devices = [{"id": "0f7a", "name": "garage-door"}]
    await open_board(page, files, fake.old_board())
    box = form(page).get_by_label("Delete garage-door afterwards")
    await expect(box).not_to_be_checked()
    await box.check()
    await form(page).locator(".two-lines").click()
    await expect(page.locator(".job h1")).to_be_visible()
    assert fake.called("jobs.start")[0]["delete_old"] is True


async def test_another_way_is_chosen_under_a_quiet_heading(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_board(page, files, fake.old_board())
    ways = form(page).locator(".choices.told label")
    await expect(ways.first).to_be_hidden()
    await form(page).get_by_text("Choose another way").click()
    await expect(ways.locator("bdi")).to_have_text(
        ["Update to provisioning 2.0", "Provisioning 1.0", "Only write the 2.0 sketch"]
    )
    await ways.nth(1).click()
    await expect(form(page).locator("h2")).to_have_text("Set up with provisioning 1.0")
    await expect(form(page)).to_contain_text("You chose it")
    await expect(form(page).locator(".choices").last).not_to_contain_text("No cloud")
    await ways.nth(2).click()
    await expect(form(page).get_by_label("Device name")).to_have_count(0)
    await form(page).get_by_role("button", name="Write the 2.0 sketch").click()
    await expect(page.locator(".job h1")).to_be_visible()
    started = fake.called("jobs.start")[0]
    assert (started["kind"], started["prepare_only"]) == ("migrate", True)
    assert "name" not in started


async def test_a_network_goes_into_the_file_of_1_0_if_the_person_wants_it(
    page: Page, fake: FakeAgent, files: str
) -> None:
    board = fake.board("mkr_1000_wifi", says=BoardSays(answer="text"))
    await open_board(page, files, board)
    await form(page).get_by_text("Put your network into the file").click()
    await form(page).get_by_label("Network name", exact=True).fill("HomeNet")
    password = form(page).get_by_label("Password", exact=True).filter(visible=True)
    await password.fill("correct horse")
    await form(page).get_by_role("button", name="Set up with provisioning 1.0").click()
    await expect(page.locator(".job h1")).to_be_visible()
    started = fake.called("jobs.start")[0]
    assert (started["kind"], started["procedure"]) == ("provision", "provision-1.0")
    assert started["network"] == {"kind": "wifi", "ssid": "HomeNet", "password": "correct horse"}


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("mkr_wan_1310", "Set up for LoRaWAN"),
        ("esp32", "Set up with a secret key"),
        ("mkr_gsm_1400", "Set up with provisioning 1.0"),
    ],
)
async def test_boards_without_2_0_have_their_own_way(
    page: Page, fake: FakeAgent, files: str, model: str, label: str
) -> None:
    await open_board(page, files, fake.board(model, says=BoardSays()))
    await expect(links(page).first).to_have_text(label)
    await expect(form(page).locator("h2")).to_have_text(label)


async def test_a_board_that_cannot_be_written_says_why(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_board(page, files, fake.board("portenta_x8", says=BoardSays()))
    await expect(page.locator(".board .hint")).to_contain_text("cannot write its sketch")
    await expect(form(page)).to_have_count(0)


async def test_a_board_that_does_not_answer_in_2_0_is_offered_the_update(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_board(page, files, fake.board(says=BoardSays(answer="text")))
    await expect(form(page)).to_contain_text("It runs a sketch of its own.")
    await expect(page.locator("board-facts")).to_contain_text("none that speaks provisioning 2.0")
    await expect(page.locator("board-facts error-card")).to_have_count(0)
    await expect(links(page)).to_have_text(
        ["Update to provisioning 2.0", "Write a sketch…", "Serial monitor"]
    )


async def test_a_board_whose_port_is_in_use_keeps_both_ways(
    page: Page, fake: FakeAgent, files: str
) -> None:
    def busy(_params: object) -> None:
        raise Refusal("port-busy", "The port is in use.")

    fake.answer["board.identify"] = busy
    await open_board(page, files, fake.board(says=BoardSays()))
    await expect(page.locator("board-facts error-card")).to_contain_text("The port is in use.")
    await expect(links(page)).to_have_text(
        [*NETWORK_LINKS, "Write a sketch…", "Serial monitor"], use_inner_text=True
    )


async def test_an_agent_that_cannot_decide_is_asked_again(
    page: Page, fake: FakeAgent, files: str
) -> None:
    def fails(_params: object) -> None:
        raise Refusal("cloud-unreachable", "Arduino Cloud does not answer.")

    fake.answer["board.procedure"] = fails
    await open_board(page, files, fake.old_board(), "/update")
    await expect(form(page).locator("error-card")).to_contain_text("does not answer")
    await expect(form(page).locator(".two-lines")).to_be_hidden()
    del fake.answer["board.procedure"]
    await form(page).get_by_role("button", name="Try again").click()
    await expect(form(page).locator(".two-lines")).to_be_visible()


async def test_a_cloud_without_account_is_signed_in_to_first(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.signed_in = False
    await open_board(page, files, fake.old_board())
    await form(page).locator(".two-lines").click()
    await expect(form(page).get_by_label("Client ID")).to_be_focused()
    assert fake.called("jobs.start") == []


@pytest.mark.parametrize(
    ("model", "kind", "address", "where"),
    [
        ("mkr_wifi_1010", "serial", "/dev/ttyACM0", "ttyACM0"),
        ("portenta_h7", "usb", "usb:1-2.3", "1-2.3"),
        ("nano_rp2040_connect", "volume", "/media/me/RPI-RP2", "RPI-RP2"),
    ],
)
async def test_a_board_in_its_bootloader_is_offered_sketches_only(
    page: Page, fake: FakeAgent, files: str, model: str, kind: str, address: str, where: str
) -> None:
    board = fake.loader(model, kind=kind, address=address)
    await page.goto(files)
    item = page.locator(".boards li")
    await expect(item).to_contain_text("in bootloader")
    await expect(item).to_contain_text(f"no sketch runs · simulated {where}")
    await item.click()
    await expect(page.locator(".board .hint")).to_contain_text("no sketch runs on it")
    await expect(links(page)).to_have_text(["Write a sketch…", "Write the provisioning sketch"])
    for part in ("setup", "update", "network", "erase"):
        await page.goto(f"{files}/#/board/{board.id}/{part}")
        await expect(page.locator(".panel > *")).to_have_count(0)
    await links(page).nth(1).click()
    await expect(page.get_by_label("Provisioning sketch 2.0")).to_be_checked()
    await expect(page.get_by_role("button", name="Write provisioning sketch 2.0")).to_be_visible()


async def test_a_bootloader_without_provisioning_has_no_such_sketch(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_board(page, files, fake.loader("wio_terminal"))
    await expect(links(page)).to_have_text(["Write a sketch…"])


async def test_a_board_that_leaves_its_bootloader_is_a_board_again(
    page: Page, fake: FakeAgent, files: str
) -> None:
    board = fake.loader()
    await open_board(page, files, board)
    await expect(links(page)).to_have_count(2)
    fake.says[board.id] = BoardSays(answer="1.0")
    fake.put(msgspec.structs.replace(board, state=BoardState.READY))
    await expect(links(page).first).to_have_text("Update to provisioning 2.0")


async def test_the_sketch_in_a_bootloader_can_be_started(
    page: Page, fake: FakeAgent, files: str
) -> None:
    board = fake.loader()
    await open_board(page, files, board)
    await page.get_by_role("button", name="start it").click()
    await expect(page.locator(".job")).to_be_visible()
    assert fake.called("jobs.start") == [{"kind": "start", "board": board.id, "attended": True}]


async def test_a_board_that_is_slow_to_answer_need_not_be_waited_for(
    page: Page, fake: FakeAgent, files: str
) -> None:
    def never(_params: object) -> object:
        return SILENCE

    # Time passes only as the test says.
    await page.clock.install(time=0)
    await page.clock.pause_at(1)
    fake.answer["board.identify"] = never
    board = fake.board(says=BoardSays())
    await open_board(page, files, board)
    await expect(links(page).first).to_have_text("Set up")
    await expect(links(page).filter(has_text="Update")).to_have_count(0)
    await page.clock.run_for(7_000)
    await expect(links(page).filter(has_text="Update")).to_have_count(1)
    await page.locator("setup-form .hint a").click()
    await expect(form(page)).to_contain_text("What it runs is not known")
    # The session in which the board says nothing is given up for the update.
    reading = fake.job(board, "identify", [Step(id="read", name="Read the board")]).id
    await form(page).locator(".two-lines").click()
    await expect(form(page).locator(".two-lines")).to_be_disabled()
    fake.end(reading, state=JobState.CANCELLED)
    assert fake.called("jobs.cancel") == [{"job": reading}]


async def test_a_board_that_may_be_several_is_named_before_its_way_is_known(
    page: Page, fake: FakeAgent, files: str
) -> None:
    candidates = ["esp32", "esp8266"]
    board = fake.board(
        "unknown", says=BoardSays(), candidates=candidates, provisioning=Provisioning()
    )
    await open_board(page, files, board)
    await expect(page.locator(".board .hint")).to_contain_text("which of several kinds")
    await expect(form(page)).to_have_count(0)
    await links(page).filter(has_text="Set up").click()
    await expect(form(page).locator(".two-lines")).to_be_hidden()
    assert fake.called("board.procedure") == []
    await form(page).get_by_label("ESP8266").check()
    await expect(form(page).locator("h2")).to_have_text("Set up with a secret key")
    await expect(form(page).get_by_label("Device name")).to_have_value("esp8266-generic-0001")
    await form(page).locator(".two-lines").click()
    await expect(page.locator(".job")).to_be_visible()
    assert fake.called("jobs.start")[0]["model"] == "esp8266"
