"""Setting up a board by clicking: the whole job with a real browser, agent, board and cloud."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

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
from tests.web.rig import PASSWORD, networks

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]


async def test_a_wrong_password_is_asked_again_and_the_board_comes_online(
    page: Page, agent: Agent
) -> None:
    await agent.plug()
    await open_page(page, agent)
    await expect(row(page, "UNO R4 WiFi")).to_contain_text("just plugged in")
    await choose_board(page)
    facts = page.locator("board-facts")
    await expect(facts).to_contain_text("provisioning 0.6.2")
    await expect(facts).to_contain_text("0.6.0")
    await expect(facts).to_contain_text("0.5.1")
    await choose_network(page, "HomeNet", "correct hose")
    await sign_in(page, agent)
    await expect(page.get_by_label("Password", exact=True)).to_have_value("correct hose")
    await page.get_by_label("Device name").fill("kitchen-sensor")
    await set_up(page).click()

    asked = question(page)
    await expect(asked).to_contain_text("could not join HomeNet")
    await expect(asked).to_contain_text("password is most likely wrong")
    await expect(row(page, "UNO R4 WiFi")).to_contain_text("needs you")
    password = asked.get_by_label("Password", exact=True)
    await expect(password).to_have_value("correct hose")
    await expect(password).to_be_focused()
    await password.fill(PASSWORD)
    await asked.get_by_role("button", name="Try again").click()

    await expect(page.locator(".online")).to_have_text("Online as kitchen-sensor")
    await expect(page.locator(".steps li")).to_have_count(6)
    assert set(
        await page.locator(".steps li").evaluate_all("(all) => all.map((li) => li.dataset.state)")
    ) == {"done"}
    await expect(row(page, "kitchen-sensor")).to_contain_text("online")
    assert [device.device_name for device in agent.cloud.state.onboardings.values()] == [
        "kitchen-sensor"
    ]

    await page.get_by_role("link", name="Journal").click()
    entry = page.locator(".journal li", has_text="Setting up kitchen-sensor")
    await expect(entry).to_contain_text("done")
    kept = await page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert PASSWORD not in kept


async def test_everything_can_be_done_with_the_keyboard(page: Page, agent: Agent) -> None:
    await agent.plug()
    await open_page(page, agent)
    await expect(row(page, "UNO R4 WiFi")).to_be_visible()

    async def tab_to(selector: str) -> None:
        for _ in range(60):
            if await page.evaluate("(s) => document.activeElement.matches(s)", selector):
                return
            await page.keyboard.press("Tab")
        pytest.fail(f"Tab never reaches {selector}")

    await tab_to(".boards a")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("networks just now")).to_be_visible()
    await tab_to(".networks input")
    await page.keyboard.press("Space")
    await expect(
        page.locator(".networks label", has_text="HomeNet").locator("input")
    ).to_be_checked()
    await page.keyboard.press("ArrowDown")
    await expect(
        page.locator(".networks label", has_text="Office").locator("input")
    ).to_be_checked()
    await page.keyboard.press("ArrowUp")
    await tab_to("input[name=password]")
    await page.keyboard.type("not this one")
    await tab_to(".choices input")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowUp")
    await tab_to("input[name=client_id]")
    await page.keyboard.type(agent.cloud.client_id)
    await tab_to("input[name=client_secret]")
    await page.keyboard.type(agent.cloud.client_secret.reveal())
    await page.keyboard.press("Enter")
    await expect(page.locator("sign-in")).to_have_count(0)
    await tab_to("input[name=name]")
    await page.keyboard.press("Enter")

    await expect(question(page).get_by_label("Password", exact=True)).to_be_focused()
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator(".online")).to_contain_text("Online as uno-r4-wifi")


async def test_another_network_can_be_chosen_when_joining_fails(page: Page, agent: Agent) -> None:
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await choose_network(page, "HomeNet", "wrong password")
    await without_cloud(page)
    await set_up(page).click()
    asked = question(page)
    await asked.get_by_role("button", name="Choose another network").click()
    await choose_network(page, "Office")
    await asked.get_by_role("button", name="Use this network").click()
    await expect(page.locator(".online")).to_have_text("On the network")


async def test_stopping_gives_the_claim_back(page: Page, agent: Agent) -> None:
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await choose_network(page, "HomeNet", "wrong password")
    await sign_in(page, agent)
    await set_up(page).click()
    await question(page).get_by_role("button", name="undo the claim").click()
    await expect(page.locator(".outcome, error-card").first).to_be_visible()
    await expect(page.locator(".steps")).to_contain_text("Undo")
    assert all(onboarding.ended_at for onboarding in agent.cloud.state.onboardings.values())


async def test_a_refused_account_says_so_and_keeps_what_was_typed(page: Page, agent: Agent) -> None:
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await choose_network(page, "HomeNet")
    await page.get_by_label("Client ID").fill(agent.cloud.client_id)
    await page.get_by_label("Client secret", exact=True).fill("not-the-secret")
    await page.get_by_role("button", name="Sign in").click()
    card = page.locator("sign-in error-card")
    await expect(card).to_contain_text("does not accept these account details")
    await expect(card).to_contain_text("cloud-not-authorised")
    await sign_in(page, agent)
    await expect(page.get_by_label("Password", exact=True)).to_have_value(PASSWORD)
    await expect(page.locator(".networks :checked")).to_have_count(1)


async def test_wrong_input_is_shown_at_its_field_before_anything_is_sent(
    page: Page, agent: Agent
) -> None:
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await without_cloud(page)
    await set_up(page).click()
    await expect(page.locator("setup-form error-card")).to_contain_text("Choose a network first")
    await choose_network(page, "HomeNet", "é" * 32)
    await set_up(page).click()
    password = page.get_by_label("Password", exact=True)
    await expect(password).to_be_focused()
    await expect(password).to_have_attribute("aria-invalid", "true")
    await expect(page.locator(".field-error").first).to_have_text(
        "Password: is 64 bytes long; at most 63 fit"
    )
    await password.fill("four")
    await set_up(page).click()
    await expect(page.locator(".field-error").first).to_contain_text("shorter than any Wi-Fi")
    await password.fill(PASSWORD)
    await set_up(page).click()
    await expect(page.locator(".online")).to_have_text("On the network")


async def test_a_network_that_the_board_does_not_see_is_explained_in_place(
    page: Page, agent: Agent
) -> None:
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await page.get_by_text("Another network…").click()
    await page.get_by_label("Network name", exact=True).fill("homenet")
    hint = page.locator(".warnings .hint")
    await expect(hint).to_contain_text("it sees “HomeNet”: upper and lower case differ")


async def test_names_of_networks_are_text_whatever_they_contain(page: Page, agent: Agent) -> None:
    hostile: list[str | bytes] = [
        "<img src=x onerror=alert(1)>",
        "‮drowssap ruoy",
        b"\xff\xfebytes",
        "{{7*7}}'\"",
        "שלום",
    ]
    await agent.plug(world=networks(*hostile))
    await open_page(page, agent)
    await choose_board(page)
    names = page.locator(".networks .ssid")
    await expect(names).to_have_count(5)
    shown = await names.all_inner_texts()
    assert shown[0] == "<img src=x onerror=alert(1)>"
    assert "‮" not in "".join(shown)
    assert await page.locator(".networks img").count() == 0
    assert await page.locator(".networks bdi").count() == 5
    await without_cloud(page)
    await choose_network(page, "bytes")
    await set_up(page).click()
    await expect(page.locator(".online")).to_have_text("On the network")


async def test_the_network_of_a_board_can_be_changed_and_erased(page: Page, agent: Agent) -> None:
    await agent.plug(sketch="application")
    await open_page(page, agent)
    await row(page, "UNO R4 WiFi").click()
    await page.get_by_role("link", name="Change network").click()
    await expect(page.get_by_text("networks just now")).to_be_visible()
    await choose_network(page, "Office")
    await page.get_by_role("button", name="Change network").click()
    await expect(page.locator(".online")).to_have_text("On its new network")
    await page.get_by_role("link", name="Back to the board").click()
    await expect(page.locator(".board .chip")).to_have_text("on its network")
    await page.get_by_role("link", name="Erase network").click()
    form = page.locator("erase-form")
    await expect(form).to_contain_text("The cloud identity and your sketch stay")
    await expect(form.get_by_role("img")).to_be_visible()
    await form.get_by_role("button").click()
    await expect(question(page)).to_contain_text("Connect pin 2 to GND for 3 seconds")
    await expect(question(page).get_by_role("img", name="pin 2")).to_be_visible()


async def test_erasing_over_the_cable_says_before_what_is_lost(page: Page, agent: Agent) -> None:
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await page.get_by_role("link", name="Erase network").click()
    await page.get_by_role("button", name="Erase network and cloud identity").click()
    await expect(page.locator(".online")).to_have_text("The network is erased")


async def test_a_board_that_is_unplugged_and_back_is_shown_as_such(
    page: Page, agent: Agent
) -> None:
    board = await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await choose_network(page, "HomeNet", "typed before")
    await board.command({"unplug": True})
    await expect(page.get_by_role("heading", name="This board is not connected")).to_be_visible()
    await expect(page.locator(".counts")).to_contain_text("0 simulated boards")
    await board.command({"plug": True})
    await expect(page.get_by_text("networks just now")).to_be_visible()
    await expect(
        page.locator(".networks label", has_text="HomeNet").locator("input")
    ).to_be_checked()
    await expect(page.get_by_label("Password", exact=True)).to_have_value("typed before")


async def test_what_the_page_sends_and_says_holds_no_secret_but_the_one_request(
    page: Page, agent: Agent
) -> None:
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(str(data))))
    received: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: received.append(str(data))),
    )
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await choose_network(page, "HomeNet", "marker-of-this-test")
    await without_cloud(page)
    await set_up(page).click()
    await expect(question(page)).to_be_visible()
    assert not [message for message in received if "marker-of-this-test" in message]
    methods = {json.loads(text)["method"] for text in sent if "marker-of-this-test" in text}
    assert methods == {"networks.check", "jobs.start"}
