"""What the page shows and asks for boards of nRF Cloud and of Blynk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from playwright.async_api import expect

from agent.errors import WifiOff
from agent.jobs.job import Action, Job
from agent.sessions.session import BoardFacts, ModemFacts
from tests.web.fake import HOME, OFFICE, Refusal
from tests.web.faults import faults_of
from tests.web.own_clouds import (
    BLYNK_RESULT,
    BLYNK_STEPS,
    DEVICE_ID,
    NRF_RESULT,
    NRF_STEPS,
    POINT,
    POINTS,
    TOKEN,
    blynk,
    edgent,
    nrf,
    thingy,
)
from tests.web.people import question

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from agent.boards.board import Board
    from tests.web.fake import FakeAgent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.slow,
]

STOP = Action(id="stop", label="Stop")
SCROLLS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
LINES = f'#define BLYNK_TEMPLATE_ID "TMPLdemo00000"#define BLYNK_AUTH_TOKEN "{TOKEN}"'


@pytest.fixture
def both(fake: FakeAgent) -> FakeAgent:
    """With an account of each, and an agent that hears an access point."""
    fake.more_clouds = [nrf(), blynk()]
    fake.answer["wifi.points"] = lambda _params: {"points": POINTS}
    fake.answer["vault.list"] = lambda _params: {"entries": []}
    fake.answer["board.identify"] = lambda _params: modem(claimed=False)
    return fake


LINK = f"https://nrfcloud.com/#/devices/{DEVICE_ID}"


def modem(*, claimed: bool | None, onboarded: bool | None = None) -> BoardFacts:
    """A Thingy:91 X that was read."""
    said = ModemFacts(
        dialect="shell",
        port="/dev/ttyACM2",
        imei="350457790000019",
        model="nRF9151-LACA",
        firmware="mfw_nrf91x1_2.0.2",
        device_id=DEVICE_ID,
        sim="READY",
        claimed=claimed,
        onboarded=onboarded,
        link=LINK if claimed else "",
    )
    return BoardFacts(protocol="nrf", scans=False, modem=said)


def scans(fake: FakeAgent, board: Board) -> None:
    """The board hears two networks, however often it is asked."""
    usual = fake._jobs_start

    def start(params: dict[str, Any]) -> Any:
        if params["kind"] != "networks":
            return usual(params)
        job = fake.job(board, "networks", [], request={"cloud": "blynk"})
        fake.end(job.id, {"networks": [HOME, OFFICE], "scanned_at": time.time()})
        return {"job": job.id}

    fake.answer["jobs.start"] = start


def started(fake: FakeAgent) -> dict[str, Any]:
    return [call for call in fake.called("jobs.start") if call["kind"] != "networks"][-1]


def blynk_job(fake: FakeAgent, board: Board, /, **fields: Any) -> Job:
    asked = {"cloud": "blynk", "network": {"kind": "wifi", "ssid": "HomeNet"}}
    usual: dict[str, Any] = {"title": "Setting up Thermo-4Y1H", "request": asked}
    return fake.job(board, "provision", BLYNK_STEPS, **(usual | fields))


@pytest.mark.parametrize("width", [1280, 390])
async def test_every_place_can_be_used_without_eyes_and_on_a_telephone(
    page: Page, both: FakeAgent, files: str, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 844})
    modem_board, edge = thingy(both), edgent(both)
    scans(both, edge)
    done = both.job(modem_board, "provision", NRF_STEPS, request={"cloud": "nrf"})
    both.end(done.id, NRF_RESULT)
    hand = blynk_job(both, edge, board="", board_name=POINT)
    code = f"WIFI:T:nopass;S:{POINT};;"
    point = {"name": POINT, "qr": code, "address": "192.168.4.1"}
    both.ask(hand.id, "read", STOP, title=f"Join {POINT}.", access_point=point)
    places = {
        "clouds": "nrf-elsewhere summary",
        "missing": "button:text('Look for boards that open')",
        f"board/{modem_board.id}": "button:text('New keys')",
        f"job/{done.id}": "button:text('Release')",
        f"board/{edge.id}/blynk": ".lights summary",
        f"board/{edge.id}/erase": ".lights summary",
        f"point/{POINT.replace(' ', '%20')}": ".lights summary",
        f"job/{hand.id}": ".lights summary",
    }
    found: dict[str, Any] = {}
    for place, opens in places.items():
        await page.goto(f"{files}/#/{place}")
        await page.locator(opens).first.click()
        found[place] = [*await faults_of(page), *(["scrolls"] * await page.evaluate(SCROLLS))]
    assert {place: faults for place, faults in found.items() if faults} == {}


async def test_a_modem_is_read_and_needs_no_network(
    page: Page, both: FakeAgent, files: str
) -> None:
    board = thingy(both)
    await page.goto(f"{files}/#/board/{board.id}")
    facts = page.locator("board-facts")
    await expect(facts).to_contain_text("mfw_nrf91x1_2.0.2 · IMEI 350457790000019")
    await expect(facts).to_contain_text("not of your team")
    form = page.locator("nrf-form")
    await expect(form.get_by_label("Tags")).to_have_value("nrf-cloud-onboarding")
    await form.get_by_label("Tags").fill("bench, bench , two")
    await form.get_by_role("button", name="Set up").click()
    await expect(page.locator("job-view")).to_be_visible()
    assert started(both) == {
        "kind": "provision",
        "board": board.id,
        "attended": True,
        "cloud": "nrf",
        "tags": ["bench", "two"],
    }
    next_one = thingy(both, 2)
    await page.goto(f"{files}/#/board/{next_one.id}")
    await expect(page.locator("nrf-form").get_by_label("Tags")).to_have_value("bench, two")


async def test_a_board_that_the_team_has_is_a_device_whoever_claimed_it(
    page: Page, both: FakeAgent, files: str
) -> None:
    both.answer["board.identify"] = lambda _params: modem(claimed=True)
    board = thingy(both)
    await page.goto(f"{files}/#/board/{board.id}")
    device = page.locator("cloud-device")
    await expect(device.locator("code")).to_have_text(DEVICE_ID)
    await expect(device.get_by_role("link", name=LINK)).to_have_attribute("href", LINK)
    await expect(device.get_by_role("img", name="QR code of the link")).to_be_visible()
    await expect(page.locator(".actions a").first).to_have_text("In nRF Cloud")
    await expect(page.locator("nrf-form").get_by_label("Tags")).to_be_hidden()
    await device.get_by_role("button", name="Release…").click()
    await expect(device.get_by_role("button", name="See what is lost")).to_be_focused()
    await device.get_by_role("button", name="Back").click()
    await expect(device.get_by_role("button", name="Release…")).to_be_focused()
    await device.get_by_role("button", name="New keys…").click()
    await expect(device).to_contain_text("It is told over the cable")
    await device.get_by_role("button", name="Make new keys").click()
    await expect(page.locator("job-view")).to_be_visible()
    assert started(both) == {
        "kind": "renew",
        "cloud": "nrf",
        "attended": True,
        "board": board.id,
    }


async def test_a_board_that_is_claimed_and_was_never_online_is_set_up_on(
    page: Page, both: FakeAgent, files: str
) -> None:
    both.answer["board.identify"] = lambda _params: modem(claimed=True, onboarded=False)
    await page.goto(f"{files}/#/board/{thingy(both).id}")
    await expect(page.locator("board-facts")).to_contain_text("yours; it has not been online yet")
    await expect(page.locator("nrf-form").get_by_label("Tags")).to_be_visible()
    await expect(page.locator("cloud-device")).to_have_count(0)


def team_device(number: int, **changes: Any) -> dict[str, Any]:
    usual = {
        "id": f"{number:08x}{DEVICE_ID[8:]}",
        "name": "",
        "imei": f"{350000000000000 + number}",
        "claimed": True,
        "onboarded": True,
        "link": "",
        "tags": [],
    }
    return usual | changes


async def test_what_is_not_here_is_claimed_by_its_token_and_tended_as_a_device_of_the_team(
    page: Page, both: FakeAgent, files: str
) -> None:
    job = both.job(thingy(both), "provision", NRF_STEPS, board="", request={"cloud": "nrf"})
    both.answer["jobs.start"] = lambda _params: {"job": job.id}
    await page.goto(f"{files}/#/clouds")
    await page.locator("summary", has_text="claim it by its token").click()
    token = page.get_by_label("Attestation token", exact=True)
    await token.fill("2dn3hQFQUDBCNjMzQ2GAL.0oRDoQEmoQRBIVhAbSGUPA")
    await token.press("Enter")
    await expect(page.locator("job-view")).to_be_visible()
    request = started(both)
    assert (request["board"], request["token"][:4]) == ("", "2dn3")
    assert request["tags"] == ["nrf-cloud-onboarding"]
    await page.goto(f"{files}/#/clouds")
    refused = Refusal("nrf-cloud-key", "nRF Cloud does not accept this API key.")
    own = team_device(0, id=DEVICE_ID, name="Gewächshaus", link=LINK, tags=["site=1"])
    certified = team_device(99, claimed=False, name="by hand")
    many = [own, certified, *(team_device(n, onboarded=False) for n in range(1, 31))]
    answers: list[Any] = [refused, {"devices": many}]

    def devices(_params: dict[str, Any]) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Refusal):
            raise answer
        return answer

    both.answer["nrf.devices"] = devices
    folded = page.locator("summary", has_text="Your team's devices")
    await folded.click()
    await expect(page.locator("nrf-devices error-card")).to_contain_text("this API key")
    await folded.click()
    await folded.click()
    listed = page.locator("nrf-devices")
    await expect(listed).to_contain_text("32 devices, 30 not online yet")
    await expect(listed.locator("li")).to_have_count(20)
    await listed.get_by_role("button", name="Show more").click()
    await expect(listed.locator("li")).to_have_count(32)
    assert not await page.evaluate(SCROLLS)
    await listed.get_by_role("button", name="by hand").click()
    await expect(listed).to_contain_text("without a claim")
    await listed.get_by_label("Search the devices").fill("SITE=1")
    await expect(listed.locator("li")).to_have_count(1)
    await listed.get_by_role("button", name="Gewächshaus").click()
    await expect(listed.get_by_role("link", name=LINK)).to_be_visible()
    await page.get_by_role("button", name="New keys…").click()
    await expect(page.locator("cloud-device")).to_contain_text("over the air")
    await page.get_by_role("button", name="Make new keys").click()
    await expect(page.locator("clouds-view")).to_have_count(0)
    assert (started(both)["name"], started(both)["board"]) == (DEVICE_ID, "")


async def test_a_pasted_token_is_told_by_its_template_and_stands_nowhere_when_it_is_sent(
    page: Page, both: FakeAgent, files: str
) -> None:
    board = edgent(both)
    scans(both, board)
    both.more_clouds = [blynk(client=False)]
    await page.goto(f"{files}/#/board/{board.id}")
    form = page.locator("blynk-form")
    await expect(form).to_contain_text("The board found 2 networks just now.")
    await form.locator(".networks label", has_text="HomeNet").click()
    await form.get_by_role("button", name="Set up").click()
    token = form.get_by_label("Token", exact=True)
    await expect(token).to_be_focused()
    await expect(form.locator(".token .field-error")).to_have_text("Token: is needed")
    await token.fill(LINES)
    await expect(form.locator(".token")).to_contain_text("and the template TMPLdemo00000.")
    answer = both.answer["jobs.start"]
    refusals = [
        Refusal("input", "Wrong.", field="token", problem="must have 32 characters"),
        Refusal("input", "Wrong.", field="template", problem="is another"),
    ]

    def refuse(params: dict[str, Any]) -> Any:
        if refusals:
            raise refusals.pop(0)
        return answer(params)

    both.answer["jobs.start"] = refuse
    await token.press("Enter")
    await expect(form.locator(".token .field-error")).to_contain_text("must have 32 characters")
    await token.press("Enter")
    await expect(form.get_by_label("Template")).to_be_focused()
    await form.get_by_label("Template").fill("TMPLdemo00000")
    await page.keyboard.press("Enter")
    await expect(page.locator("job-view")).to_be_visible()
    request = started(both)
    assert (request["token"], request["template"]) == (LINES, "TMPLdemo00000")
    inputs = await page.evaluate("[...document.querySelectorAll('input')].map((i) => i.value)")
    kept = await page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert TOKEN not in str(inputs) + await page.content() + page.url + kept


async def test_the_likelier_answer_comes_first_and_the_others_ask_for_what_they_need(
    page: Page, both: FakeAgent, files: str
) -> None:
    job = blynk_job(both, edgent(both))
    both.ask(
        job.id,
        "join",
        Action(id="network", label="Choose another network", needs="network"),
        Action(id="retry", label="Try again with this password", needs="password"),
        Action(id="token", label="Use another token", needs="token"),
        STOP,
        title="The board joined the network but did not reach Blynk in time.",
        network={"kind": "wifi", "ssid": "HomeNet"},
        networks=[HOME, OFFICE],
    )
    await page.goto(f"{files}/#/job/{job.id}")
    asked = question(page)
    await expect(asked.locator(".networks label")).to_have_count(3)
    await asked.get_by_role("button", name="Use another token").click()
    token = asked.get_by_label("Token", exact=True)
    await expect(token).to_be_focused()
    await asked.get_by_role("button", name="Back").click()
    await asked.get_by_role("button", name="Try again with this password").click()
    password = asked.get_by_label("Password", exact=True).filter(visible=True)
    await expect(password).to_be_focused()
    await password.fill("correct horse")
    await password.press("Enter")
    await expect(asked.get_by_role("button", name="Try again with this")).to_be_disabled()
    (call,) = both.called("jobs.answer")
    assert call["answer"] == {"action": "retry", "password": "correct horse"}


async def test_lights_blink_unless_somebody_wants_no_motion(
    browser: Browser, page: Page, both: FakeAgent, files: str
) -> None:
    job = blynk_job(both, edgent(both))
    await page.goto(f"{files}/#/job/{job.id}")
    lights = page.locator(".lights")
    await lights.locator("summary").click()
    await expect(lights).to_contain_text("blue, short flashes – It waits for its settings")
    moving = "document.getAnimations().filter((a) => a.effect.target.closest('board-light')).length"
    count = await lights.locator("board-light").count()
    assert await page.evaluate(moving) == count
    await page.emulate_media(reduced_motion="reduce")
    await page.wait_for_function(f"() => {moving} === 0")
    await page.emulate_media(reduced_motion="no-preference")
    await page.wait_for_function(f"() => {moving} === {count}")
    both.end(job.id, BLYNK_RESULT)
    await expect(lights).to_have_count(0)
    await expect(page.locator(".outcome")).to_contain_text("Online as Thermo-4Y1H")


async def test_boards_networks_are_looked_for_only_when_somebody_asks(
    page: Page, both: FakeAgent, files: str
) -> None:
    await page.goto(f"{files}/#/missing")
    look = page.get_by_role("button", name="Look for boards that open a network of their own")
    await expect(look).to_be_visible()
    assert both.called("wifi.points") == []
    report = WifiOff(action="Switch it on.").report()
    refusal = Refusal(report.code, report.title)
    refusal.data = msgspec.to_builtins(report)

    def off(_params: dict[str, Any]) -> Any:
        raise refusal

    usual, both.answer["wifi.points"] = both.answer["wifi.points"], off
    await look.click()
    await expect(page.locator("point-finder error-card")).to_contain_text("Switch it on.")
    both.answer["wifi.points"] = usual
    await page.get_by_role("button", name="Look again").click()
    points = page.locator("point-finder > .points li")
    await expect(points).to_have_count(1)
    await expect(points).to_contain_text("Blynk board")
    await expect(page.locator("point-finder error-card")).to_have_count(0)
    await page.locator("summary", has_text="Other open networks").click()
    await expect(page.get_by_role("link", name="Set up Cafe")).to_be_visible()
    await page.get_by_role("link", name=f"Set up {POINT}").click()
    await expect(page.locator("point-view h1")).to_have_text(POINT)
    form = page.locator("blynk-form")
    await form.get_by_text("Type it now").click()
    await form.get_by_label("Network name").fill("HomeNet")
    await form.locator("summary", has_text="A fixed address").click()
    await form.get_by_label("Address", exact=True).fill("192.168.1.50")
    await form.get_by_label("Netmask", exact=True).fill("255.255.255.0")
    job = blynk_job(both, edgent(both))
    both.answer["jobs.start"] = lambda _params: {"job": job.id}
    await form.get_by_role("button", name="Set up").click()
    await expect(form).to_have_count(0)
    request = started(both)
    assert (request["access_point"], request["board"]) == (POINT, "")
    assert request["network"] == {"kind": "wifi", "ssid": "HomeNet"}
    assert request["address"] == {"ip": "192.168.1.50", "netmask": "255.255.255.0", "gateway": ""}
