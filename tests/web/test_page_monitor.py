"""The serial monitor: what a board says is shown as it is, whatever it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.web.people import open_page
from tests.web.rig import PlainBoard, plain_boards

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]


@pytest.fixture
def board(agent: Agent) -> Iterator[PlainBoard]:
    """A board that says what the test says."""
    with plain_boards(agent.ports, 1, vid=0x1209, pid=1, product="Talker") as boards:
        yield boards[0]


async def open_monitor(page: Page, agent: Agent, board: PlainBoard) -> None:
    await open_page(page, agent)
    await page.locator(".boards a").click()
    await page.get_by_role("link", name="Serial monitor").click()
    await board.opened()
    await expect(page.locator(".monitor-status")).to_contain_text("Open")


async def test_text_is_shown_as_text_and_control_characters_are_visible(
    page: Page, agent: Agent, board: PlainBoard
) -> None:
    await open_monitor(page, agent, board)
    await board.send(b"21.5 \xc2")
    await board.send(b"\xb0C\r\n\x1b[31m<b>red</b>\r\n\xe2\x80\xaetxt\n")
    log = page.get_by_role("log")
    await expect(log).to_contain_text("21.5 °C")
    await expect(log).to_contain_text("⟨ESC⟩[31m<b>red</b>")
    await expect(log).to_contain_text("⟨U+202E⟩txt")
    assert await log.locator("b").count() == 0


async def test_a_line_is_sent_with_the_chosen_end(
    page: Page, agent: Agent, board: PlainBoard
) -> None:
    await open_monitor(page, agent, board)
    line = page.get_by_label("Send a line")
    await line.fill("hello °")
    await line.press("Enter")
    assert await board.receive(9) == "hello °\n".encode()
    await expect(line).to_have_value("")
    await page.get_by_label("Line end").select_option("Both")
    await line.fill("x")
    await page.get_by_role("button", name="Send").click()
    assert await board.receive(3) == b"x\r\n"


async def test_pausing_keeps_the_picture_and_loses_nothing(
    page: Page, agent: Agent, board: PlainBoard
) -> None:
    await open_monitor(page, agent, board)
    log = page.get_by_role("log")
    await board.send(b"before\n")
    await expect(log).to_contain_text("before")
    await page.get_by_role("button", name="Pause").click()
    await board.send(b"meanwhile\n")
    await expect(page.locator(".monitor-status")).to_contain_text("17 bytes received")
    await expect(log).not_to_contain_text("meanwhile")
    await page.get_by_role("button", name="Go on").click()
    await expect(log).to_contain_text("meanwhile")


async def test_only_the_newest_text_is_kept_and_the_page_says_so(
    page: Page, agent: Agent, board: PlainBoard
) -> None:
    await open_monitor(page, agent, board)
    lines = b"".join(b"line %06d of a talkative board\n" % number for number in range(20_000))
    await board.send(lines)
    await expect(page.get_by_role("log")).to_contain_text("line 019999")
    await expect(page.locator(".monitor-status")).to_contain_text("no longer kept")
    shown = await page.get_by_role("log").evaluate("(log) => log.textContent.length")
    assert shown <= 400_000


async def test_the_log_can_be_saved(
    page: Page, agent: Agent, board: PlainBoard, tmp_path: Path
) -> None:
    await open_monitor(page, agent, board)
    await board.send(b"one\r\ntwo\r\n")
    await expect(page.get_by_role("log")).to_contain_text("two")
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Save log").click()
    download = await started.value
    await download.save_as(tmp_path / "saved.log")
    assert (tmp_path / "saved.log").read_text(encoding="utf-8") == "one\ntwo\n"
    assert download.suggested_filename.endswith(".log")


async def test_leaving_releases_the_port(page: Page, agent: Agent, board: PlainBoard) -> None:
    await open_monitor(page, agent, board)
    await expect(page.locator(".board .chip")).to_have_text("in use")
    await page.get_by_role("button", name="Close port").click()
    assert await board.receive(1) == b""
    await page.get_by_role("button", name="Open port").click()
    await board.opened()
    await page.get_by_role("link", name="Journal").click()
    assert await board.receive(1) == b""


async def test_a_board_that_comes_back_is_opened_again(
    page: Page, agent: Agent, board: PlainBoard
) -> None:
    await open_monitor(page, agent, board)
    board.unplug()
    await expect(page.locator(".monitor-status")).to_contain_text("Waiting for the board")
    board.plug()
    await board.opened()
    await board.send(b"back\n")
    await expect(page.get_by_role("log")).to_contain_text("back")


async def test_a_port_in_use_names_who_uses_it(page: Page, agent: Agent, board: PlainBoard) -> None:
    await open_monitor(page, agent, board)
    await page.get_by_role("button", name="Close port").click()
    assert await board.receive(1) == b""
    other = await page.context.browser.new_page()  # type: ignore[union-attr]  # launched, not attached
    try:
        await open_page(other, agent)
        await other.evaluate(
            """async () => {
              const { Mooring } = await import("/mooring.js");
              const agent = new Mooring({ origins: [location.origin] });
              await agent.connect();
              const { boards } = await agent.call("boards.list");
              window.held = agent.call("board.identify", { board: boards[0].id }).catch(() => {});
            }"""
        )
        await board.opened()
        await expect(page.locator(".boards li")).to_contain_text("reading")
        await page.get_by_role("button", name="Open port").click()
        await expect(page.locator(".monitor error-card")).to_contain_text("in use by")
    finally:
        await other.close()
