"""Boards in the air at moments that are hard to reach with simulated ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from playwright.async_api import expect

from agent.boards.board import BoardState
from agent.errors import BluetoothOff, BluetoothStopped
from agent.jobs.guide import guide_of
from agent.jobs.job import Action, Step
from agent.jobs.which import BoardSays
from tests.web.people import question, row

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.web.fake import FakeAgent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.slow,
]

WIDER_THAN_WINDOW = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
LET_GO_S = 8
"""Three seconds to take the wire, three to hold it, and one to spare; one more to look."""
SHOWS = """(state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def open_fake(page: Page, files: str, fake: FakeAgent, place: str = "#/boards") -> None:
    fake.bluetooth = {"scanning": False, "problem": None}
    await page.goto(f"{files}/{place}")
    await expect(page.locator(".counts")).not_to_be_empty()


async def shown(page: Page) -> list[str]:
    """The names in the list."""
    return await page.locator(".boards .name").all_inner_texts()


def facts(**fields: Any) -> dict[str, Any]:
    """What a board says of itself."""
    return {"protocol": "2.0", "sketch_version": "0.6.2", "networks": [], "online": False} | fields


async def test_the_air_is_searched_only_while_the_page_is_seen(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await open_fake(page, files, fake)
    await expect(page.locator(".counts")).to_contain_text("Bluetooth on")
    await page.evaluate(SHOWS, "hidden")
    await expect(page.locator(".counts")).not_to_contain_text("Bluetooth on")
    await page.evaluate(SHOWS, "visible")
    await expect(page.locator(".counts")).to_contain_text("Bluetooth on")
    assert fake.called("boards.subscribe") == [{"ble": True}, {"ble": False}, {"ble": True}]


async def test_an_agent_without_bluetooth_is_not_asked_for_it(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await page.goto(f"{files}/")
    await expect(page.get_by_role("heading", name="No board yet")).to_be_visible()
    assert fake.called("boards.subscribe") == [{}]
    await expect(page.get_by_role("link", name="A board is missing?")).to_be_visible()  # over Wi-Fi
    await expect(page.locator("air-note")).to_be_hidden()


async def test_a_stopped_service_is_one_line_that_goes_by_itself(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await open_fake(page, files, fake)
    fake.radio(BluetoothStopped(detail="x" * 200, action="Run <b>systemctl</b> " + "y" * 80))
    note = page.locator("air-note")
    await expect(note.locator("strong")).to_have_text(
        "The Bluetooth service of this computer is not running."
    )
    await expect(note).to_contain_text("<b>systemctl</b>")
    assert not await page.evaluate(WIDER_THAN_WINDOW)
    await expect(page.locator(".counts")).not_to_contain_text("Bluetooth on")
    fake.radio()
    await expect(note).to_be_hidden()


async def test_a_board_on_a_cable_is_shown_whatever_is_wrong_with_bluetooth(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await open_fake(page, files, fake)
    fake.radio(BluetoothOff(action="Switch it on."))
    fake.board()
    await expect(row(page, "MKR WiFi 1010")).to_be_visible()
    await expect(page.locator("air-note")).to_contain_text("Switch it on.")


async def test_nothing_moves_under_the_pointer(page: Page, files: str, fake: FakeAgent) -> None:
    await page.clock.install()
    await open_fake(page, files, fake)
    near, far = (
        fake.heard(number=1, rssi_dbm=-50, name="near"),
        fake.heard(number=2, rssi_dbm=-80, name="far"),
    )
    await expect(row(page, "far")).to_be_visible()
    await row(page, "far").hover()
    fake.at_signal(near, -90)
    fake.at_signal(far, -40)
    fake.heard(number=3, rssi_dbm=-30, name="new")
    await expect(row(page, "new")).to_be_visible()
    await expect(row(page, "near").locator(".links")).to_have_attribute("title", "−90 dBm")
    await page.clock.run_for(10_000)  # longer than a board has to be nearer
    assert await shown(page) == ["near", "far", "new"]
    await page.mouse.move(0, 0)
    await expect(page.locator(".boards li").first).to_contain_text("new")
    assert await shown(page) == ["new", "far", "near"]


async def test_nothing_moves_where_somebody_is_with_the_keyboard(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await open_fake(page, files, fake)
    fake.heard(number=1, rssi_dbm=-50, name="near")
    await expect(row(page, "near")).to_be_visible()
    await row(page, "near").locator("a").focus()
    fake.heard(number=2, rssi_dbm=-30, name="new")
    await expect(row(page, "new")).to_be_visible()
    assert await shown(page) == ["near", "new"]
    await page.get_by_role("link", name="Journal").focus()
    await expect(page.locator(".boards li").first).to_contain_text("new")


async def test_a_signal_that_changes_is_not_announced(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await open_fake(page, files, fake)
    board = fake.heard(rssi_dbm=-50)
    links = row(page, "UNO R4 WiFi").locator(".links")
    await expect(links.locator(".spoken")).to_have_text("over Bluetooth, signal strong")
    await expect(page.get_by_role("status").filter(has_text="found over Bluetooth")).to_have_count(
        1
    )
    said = await page.locator("[role=status]").all_inner_texts()
    fake.at_signal(board, -95)
    await expect(links.locator(".spoken")).to_have_text("over Bluetooth, signal weak")
    assert await page.locator("[role=status]").all_inner_texts() == said


async def test_what_needs_a_cable_is_not_offered_without_one(
    page: Page, files: str, fake: FakeAgent
) -> None:
    fake.answer["board.identify"] = lambda _: facts()
    await open_fake(page, files, fake)
    board = fake.heard()
    await row(page, "UNO R4 WiFi").click()
    links = page.locator(".actions a")
    await expect(links).to_have_text(["Set up", "Change network", "Erase network"])
    await expect(page.locator(".cable")).to_contain_text("need a cable")
    both = msgspec.structs.replace(board, ports=[*fake.board(number=9).ports, *board.ports])
    fake.put(both)
    await expect(links).to_have_text(
        ["Set up", "Change network", "Erase network", "Write a sketch…", "Serial monitor"]
    )
    await expect(page.locator(".cable")).to_be_hidden()


async def test_an_old_sketch_in_the_air_is_updated_on_a_cable(
    page: Page, files: str, fake: FakeAgent
) -> None:
    fake.answer["board.identify"] = lambda _: facts(sketch_version="0.1.0")
    await open_fake(page, files, fake)
    board = fake.heard()
    fake.says[board.id] = BoardSays(answer="2.0")
    await row(page, "UNO R4 WiFi").click()
    await expect(page.locator(".board .hint")).to_contain_text("Connect it with a cable")
    await expect(page.locator(".actions a")).to_have_text(["Change network", "Erase network"])


async def test_the_chosen_link_goes_with_what_is_asked_of_the_board(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await open_fake(page, files, fake)
    fake.heard(cable=True)
    await row(page, "UNO R4 WiFi").click()
    choice = page.locator("link-choice")
    await expect(choice).to_contain_text("over USB")
    await expect(page.locator("error-card")).to_contain_text("does not answer")
    await choice.get_by_role("button", name="Use Bluetooth instead").click()
    await expect(choice).to_contain_text("over Bluetooth")
    await expect(page.locator("error-card")).to_contain_text("does not answer")
    asked = [call.get("via") for call in fake.called("board.identify")]
    assert asked == [None, "ble"]


async def test_another_board_on_the_cable_is_told_from_the_one_in_the_air(
    page: Page, files: str, fake: FakeAgent
) -> None:
    fake.answer["board.identify"] = lambda _: facts(ble_address="A1:B2:C3:D4:E5:F6")
    await open_fake(page, files, fake)
    board = fake.heard(number=7)
    fake.board("uno_r4_wifi")
    await page.goto(f"{files}/#/board/{board.id}")
    hint = page.locator("same-board")
    await expect(hint).to_contain_text("Is this the one on the cable?")
    await hint.get_by_role("button", name="Check").click()
    await expect(hint).to_contain_text("No, the one on the cable is another board.")
    await expect(hint.get_by_role("button")).to_have_count(0)


async def test_a_job_counts_while_the_person_holds_the_wire(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await page.clock.install()
    await open_fake(page, files, fake)
    board = fake.heard()
    guide = guide_of(fake.catalog.get("uno_r4_wifi"))
    assert guide is not None
    steps = [Step(id="join", name="Join the network")]
    job = fake.job(board, "provision", steps, request={"via": "ble"})
    undo = Action(id="undo", label="Stop and undo the claim")
    fake.ask(job.id, "join", undo, title="The board is not heard any more.", guide=guide.shown)
    await page.goto(f"{files}/#/job/{job.id}")
    await expect(page.locator(".route")).to_contain_text("over Bluetooth")
    await expect(question(page).get_by_role("img", name="pin 2")).to_be_visible()
    status = question(page).get_by_role("status")
    # From here on time passes only as the test says.
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 1"))
    await question(page).get_by_role("button", name="Count for me").click()
    await expect(status).to_have_text("Get ready…")
    await page.clock.run_for(4_000)
    await expect(status).to_have_text("Connect the wire and keep it there…")
    await expect(question(page).locator(".number")).to_contain_text("of 4 s")
    await page.clock.run_for((LET_GO_S - 4) * 1000)
    await expect(status).to_have_text("Let go now.")
    await expect(question(page).get_by_role("button", name="Count again")).to_be_visible()
    await page.clock.resume()
    fake.at(job.id, "join")
    await expect(question(page)).to_have_count(0)


@pytest.mark.parametrize(
    ("said", "links"),
    [("javascript:alert(document.domain)", 0), ("https://lamp.local/<b>", 1)],
)
async def test_the_page_of_a_device_is_a_link_only_if_it_is_one(
    page: Page, files: str, fake: FakeAgent, said: str, links: int
) -> None:
    await open_fake(page, files, fake)
    lamp = fake.heard(None, name="Lamp")
    job = fake.job(lamp, "provision", [Step(id="join", name="Join")], request={"cloud": "none"})
    fake.end(
        job.id,
        {
            "procedure": "improv",
            "redirect": said,
            "device": {"name": "<i>Lamp</i>", "firmware": "WLED"},
        },
    )
    await page.goto(f"{files}/#/job/{job.id}")
    await expect(page.locator(".online")).to_have_text("On the network")
    await expect(page.locator(".outcome dl")).to_contain_text("<i>Lamp</i>")
    await expect(page.locator(".outcome a[rel~=noopener]")).to_have_count(links)
    await expect(page.locator(".outcome a[href^=javascript]")).to_have_count(0)


async def test_a_device_that_does_not_look_for_networks_has_its_network_typed(
    page: Page, files: str, fake: FakeAgent
) -> None:
    fake.answer["board.identify"] = lambda _: facts(
        protocol="improv", scans=False, redirect="javascript:alert(1)", device={"firmware": "WLED"}
    )
    await open_fake(page, files, fake)
    fake.heard(None, name="Lamp", blinks=True)
    await row(page, "Lamp").click()
    await expect(page.get_by_text("does not look for networks")).to_be_visible()
    await expect(page.locator("board-facts")).to_contain_text("WLED")
    await expect(page.locator("board-facts a")).to_have_count(0)
    await page.get_by_role("button", name="Blink").click()
    await expect(page.locator("blink-button")).to_contain_text("look for its light")
    assert fake.called("board.blink") == [{"board": "ble-F412FA000001"}]


async def test_a_board_that_nothing_else_can_set_up_may_be_asked_for_improv(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await open_fake(page, files, fake)
    fake.board("esp32")
    await row(page, "ESP32").click()
    ask = page.get_by_role("button", name="Ask it")
    await expect(ask).to_be_visible()
    assert fake.called("board.identify") == []  # opening its port may restart it
    await ask.click()
    await expect(page.locator("board-facts error-card")).to_contain_text("does not answer")


async def test_every_board_that_may_be_missing_has_a_way_back(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await open_fake(page, files, fake, "#/missing")
    kinds = page.get_by_label("Which board is it?")
    able = [model for model in fake.catalog.models if model.ble_provisioning.capable]
    await expect(kinds.locator("option")).to_have_count(len(able) + 3)
    for model in able:
        await kinds.select_option(model.id)
        await expect(page.locator(".guide")).not_to_be_empty()
        drawn = 1 if model.reconfiguration.available else 0
        await expect(page.locator(".guide .reset-drawing")).to_have_count(drawn)
        await expect(page.locator(".listening")).to_be_visible()
    await kinds.select_option("improv")
    await expect(page.locator(".guide")).to_contain_text("Give it power")
    lamp = fake.heard(None, name="Lamp")
    await expect(page.locator(".come li")).to_contain_text("There it is")
    await kinds.select_option("opta")
    await expect(page.locator(".come li")).to_have_count(0)
    await kinds.select_option("improv")
    await expect(page.locator(".here")).to_contain_text("One of these is heard already: Lamp")
    fake.gone(lamp)
    await expect(page.locator(".here")).to_be_hidden()
    await kinds.select_option("other")
    await expect(page.locator(".listening")).to_be_hidden()


@pytest.mark.parametrize("width", [375, 720], ids=["375 px", "200 % zoom"])
async def test_nothing_in_the_air_makes_the_page_scroll_sideways(
    page: Page, files: str, fake: FakeAgent, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 740})
    await open_fake(page, files, fake)
    fake.answer["board.identify"] = lambda _: facts(
        protocol="improv", device={"name": "W" * 60}, redirect="http://lamp.local/" + "a" * 200
    )
    both = fake.heard(number=1, cable=True, name="W" * 40)
    lamp = fake.heard(None, number=2, name="L" * 40, blinks=True)
    fake.radio(BluetoothOff(action="Switch it on: " + "z" * 80))
    wide = []
    for place in ("boards", f"board/{both.id}", f"board/{lamp.id}", "missing/opta", "missing"):
        await page.goto(f"{files}/#/{place}")
        await expect(page.locator(".boards li")).to_have_count(2)
        if await page.evaluate(WIDER_THAN_WINDOW):
            wide.append(place)
    for number in range(3, 20):
        fake.heard(number=number, name="W" * 40, cable=number % 2 == 0)
    await page.goto(f"{files}/#/boards")
    await expect(page.locator(".boards li")).to_have_count(19)
    if await page.evaluate(WIDER_THAN_WINDOW):
        wide.append("many")
    assert wide == []


async def test_a_list_that_shrinks_a_little_keeps_its_look(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await open_fake(page, files, fake)
    boards = [fake.heard(number=number) for number in range(1, 10)]
    await expect(page.get_by_label("Filter boards")).to_be_visible()
    fake.gone(boards[0])
    await expect(page.locator(".boards li")).to_have_count(8)
    await expect(page.get_by_label("Filter boards")).to_be_visible()
    fake.gone(boards[1])
    fake.gone(boards[2])
    await expect(page.get_by_label("Filter boards")).to_be_hidden()


async def test_a_board_that_has_just_switched_its_bluetooth_off_is_not_asked_again(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await open_fake(page, files, fake)
    board = fake.heard()
    job = fake.job(board, "provision", [Step(id="join", name="Join")], request={"via": "ble"})
    fake.end(job.id, {"device": "kitchen-sensor", "notes": ["Its Bluetooth is off now."]})
    await page.goto(f"{files}/#/job/{job.id}")
    await expect(page.locator(".outcome")).to_contain_text("Its Bluetooth is off now.")
    await page.get_by_role("link", name="Back to the board").click()
    await expect(page.get_by_role("button", name="Read the board")).to_be_visible()
    assert fake.called("board.identify") == []
    await page.goto(f"{files}/#/missing/uno_r4_wifi")
    await expect(page.locator(".listening")).to_be_visible()
    await expect(page.locator(".here")).to_be_hidden()
    fake.gone(board)
    fake.heard()
    await expect(page.locator(".come li")).to_contain_text("There it is")


async def test_boards_of_one_name_can_be_told_apart_while_jobs_run_and_ask(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await open_fake(page, files, fake)
    boards = [fake.heard(number=number) for number in range(1, 3)]
    for board in boards:
        job = fake.job(board, "provision", [Step(id="join", name="Join")])
        fake.ask(job.id, "join", title="The board could not join HomeNet.")
    details = page.locator(".boards .more")
    tails = [port.address[-8:] for board in boards for port in board.ports]
    assert len(set(tails)) == 2
    for number, tail in enumerate(tails):
        await expect(details.nth(number)).to_contain_text(f"{tail} · The board could not join")
    fake.gone(boards[1])
    await expect(details).to_have_text("The board could not join HomeNet.")
    for number in range(2, 31):
        again = fake.heard(number=number)
        fake.at(fake.job(again, "provision", [Step(id="join", name="Join")]).id, "join")
    await expect(page.locator(".boards li")).to_have_count(30)
    await page.get_by_label("Filter boards").fill(tails[1])
    await expect(details).to_have_text(tails[1])
    for width in (1440, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        assert await details.evaluate("(it) => it.scrollWidth <= it.clientWidth"), width


async def test_a_board_that_leaves_while_a_job_has_it_is_said_to_have_been_in_the_air(
    page: Page, files: str, fake: FakeAgent
) -> None:
    await open_fake(page, files, fake)
    board = fake.heard()
    await expect(page.locator(".boards li")).to_have_count(1)
    fake.put(msgspec.structs.replace(board, ports=[], state=BoardState.UNREACHABLE))
    fake.gone(board)
    await expect(page.locator(".boards li")).to_have_count(0)
    await page.goto(f"{files}/#/board/{board.id}")
    heading = page.get_by_role("heading", name="This board is not heard any more")
    await expect(heading).to_be_visible()
