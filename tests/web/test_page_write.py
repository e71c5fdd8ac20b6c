"""Writing a sketch: a file or one of the store, refused and insisted on, watched and cancelled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from agent.errors import FlashStopped, ImageRefused
from agent.jobs.job import JobState
from agent.jobs.which import BoardSays
from tests.web.fake import FLASH_STEPS, Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Locator, Page

    from agent.boards.board import Board
    from tests.web.fake import FakeAgent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.slow,
]

SKETCH = bytes(range(256)) * 700
"""Larger than two messages of an upload."""

DROP = """([selector, name, size]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(size)], name));
  const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
  const place = document.querySelector(selector);
  place.dispatchEvent(new DragEvent("dragover", options));
  return place.dispatchEvent(new DragEvent("drop", options));
}"""


async def open_form(page: Page, files: str, board: Board, part: str = "write") -> None:
    await page.goto(f"{files}/#/board/{board.id}/{part}")
    await expect(page.locator("write-form .choices label").first).to_be_visible()


def form(page: Page) -> Locator:
    return page.locator("write-form")


def write(page: Page) -> Locator:
    return form(page).locator("button.two-lines")


def problem(page: Page) -> Locator:
    return form(page).locator(".field-error").filter(visible=True)


async def choose(page: Page, name: str, data: bytes = SKETCH) -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    await form(page).locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]  # a file payload as a plain dict


def refused() -> ImageRefused:
    return ImageRefused(
        name="blink.bin",
        model="Arduino MKR WiFi 1010",
        problem="it was built for another board",
        overridable=True,
    )


async def test_a_chosen_file_is_sent_whole_and_written(
    page: Page, fake: FakeAgent, files: str
) -> None:
    board = fake.old_board()
    await open_form(page, files, board)
    await choose(page, "blink.bin")
    await expect(form(page).locator(".drop")).to_contain_text("blink.bin")
    await expect(form(page).locator(".drop")).to_contain_text("179 kB")
    await expect(write(page)).to_have_text("Write blink.binOverwrites the sketch on the board")
    await write(page).click()
    await expect(page.locator(".job")).to_be_visible()
    assert fake.called("flash.offer") == [{"name": "blink.bin", "size": len(SKETCH)}]
    assert fake.uploads[1] == SKETCH
    assert fake.called("jobs.start") == [
        {"kind": "flash", "board": board.id, "attended": True, "confirmed": True, "image": 1}
    ]


async def test_a_file_can_be_dropped_and_one_that_misses_does_not_replace_the_page(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_form(page, files, fake.old_board())
    assert await page.evaluate(DROP, ["h1", "blink.uf2", 512]) is False
    await expect(form(page).locator(".drop")).to_contain_text("Drop a file here")
    await page.evaluate(DROP, [".drop", "blink.uf2", 512])
    await expect(form(page).locator(".drop")).to_contain_text("blink.uf2")


async def test_the_file_dialog_opens_with_the_keyboard(
    page: Page, fake: FakeAgent, files: str, tmp_path: Path
) -> None:
    (tmp_path / "blink.elf").write_bytes(b"\x7fELF")
    # Dialogs are intercepted from the first listener on, a moment after it was added.
    page.on("filechooser", lambda _dialog: None)
    await open_form(page, files, fake.old_board())
    await form(page).locator("h2").evaluate("(heading) => (heading.tabIndex = -1, heading.focus())")
    await page.keyboard.press("Tab")
    outline = await form(page).locator(".drop").evaluate("(e) => getComputedStyle(e).outlineStyle")
    assert outline == "solid"
    async with page.expect_file_chooser() as opened:
        await page.keyboard.press("Enter")
    await (await opened.value).set_files(tmp_path / "blink.elf")
    await expect(write(page)).to_contain_text("Write blink.elf")


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("photo.png", 10, "is not a sketch"),
        ("blink.bin", 0, "is empty"),
        ("huge.bin", 16 * 1024 * 1024 + 1, "is too large"),
    ],
)
async def test_a_file_that_cannot_be_a_sketch_is_refused_at_once(
    page: Page, fake: FakeAgent, files: str, name: str, size: int, words: str
) -> None:
    await open_form(page, files, fake.old_board())
    await page.evaluate(DROP, [".drop", name, size])
    await expect(form(page).locator("error-card")).to_contain_text(words)
    await choose(page, "blink.bin")
    await expect(form(page).locator("error-card")).to_have_count(0)
    assert fake.called("flash.offer") == []


async def test_without_a_choice_nothing_is_written(page: Page, fake: FakeAgent, files: str) -> None:
    await open_form(page, files, fake.old_board())
    await write(page).click()
    await expect(form(page).locator("error-card")).to_contain_text("Choose a file or a sketch")
    await expect(form(page).locator("input[type=file]")).to_be_focused()
    assert fake.called("jobs.start") == []


async def test_sketches_of_the_store_are_offered_for_this_board_only(
    page: Page, fake: FakeAgent, files: str
) -> None:
    known = {"size": 45_678, "version": None, "fetched_at": time.time() - 7200, "kind": "local"}
    fake.sketches = [
        {"id": "aa" * 32, "name": "mine.bin", "fqbn": "arduino:samd:mkrwifi1010:x=1", **known},
        {"id": "bb" * 32, "name": "other.bin", "fqbn": "arduino:samd:nano_33_iot", **known},
        {"id": "cc" * 32, "name": "p.bin", "fqbn": "arduino:samd:mkrwifi1010"}
        | known
        | {"kind": "provisioning-2.0", "version": "0.6.2"},
    ]
    await open_form(page, files, fake.old_board())
    choices = form(page).locator(".choices label")
    await expect(choices.locator("bdi")).to_have_text(
        ["Provisioning sketch 2.0", "Provisioning sketch 1.0", "mine.bin"]
    )
    await expect(choices.nth(0)).to_contain_text("0.6.2 is on this computer, since 2 h ago")
    await expect(choices.nth(2)).to_contain_text("your file · 46 kB · 2 h ago")
    await choose(page, "blink.bin")
    await choices.nth(2).click()
    await expect(form(page).locator(".drop")).to_contain_text("Drop a file here")
    await write(page).click()
    await expect(page.locator(".job")).to_be_visible()
    assert fake.called("jobs.start")[0]["sketch"] == "aa" * 32


async def test_a_file_for_another_board_is_written_only_by_naming_the_model(
    page: Page, fake: FakeAgent, files: str
) -> None:
    board = fake.old_board()
    await open_form(page, files, board)
    await choose(page, "blink.bin")
    await write(page).click()
    await expect(page.locator(".job")).to_be_visible()
    fake.end("j1", state=JobState.FAILED, error=refused().report())
    await page.get_by_role("link", name="Choose another file, or write it anyway").click()
    await expect(form(page).locator("error-card")).to_contain_text("built for another board")
    await expect(form(page).locator(".drop")).to_contain_text("blink.bin")
    await form(page).get_by_text("I know that it fits").click()
    model = form(page).get_by_label("Model of the board")
    await model.fill("UNO R4 WiFi")
    await write(page).click()
    await expect(problem(page)).to_contain_text("type MKR WiFi 1010")
    await expect(model).to_be_focused()
    await model.fill("mkr wifi 1010")
    await write(page).click()
    await expect(page.locator(".job")).to_be_visible()
    assert [start.get("override") for start in fake.called("jobs.start")] == [None, board.model]


async def test_a_refusal_before_the_job_is_shown_in_place(
    page: Page, fake: FakeAgent, files: str
) -> None:
    def refuse(_params: object) -> None:
        raise Refusal("flash-image", "blink.bin cannot be written.", overridable=True)

    fake.answer["jobs.start"] = refuse
    await open_form(page, files, fake.old_board())
    await choose(page, "blink.bin")
    await write(page).click()
    await expect(form(page).locator("error-card")).to_contain_text("cannot be written")
    await write(page).click()
    await expect(form(page).get_by_label("Model of the board")).to_be_focused()
    # Another file is another matter.
    await choose(page, "other.bin")
    await expect(form(page).get_by_label("Model of the board")).to_be_hidden()


async def test_a_file_that_can_never_fit_offers_no_way_around(
    page: Page, fake: FakeAgent, files: str
) -> None:
    def refuse(_params: object) -> None:
        raise Refusal("flash-image", "blink.bin cannot be written: it is too large.")

    fake.answer["jobs.start"] = refuse
    await open_form(page, files, fake.old_board())
    await choose(page, "blink.bin")
    await write(page).click()
    await expect(form(page).locator("error-card")).to_contain_text("too large")
    await expect(form(page).get_by_label("Model of the board")).to_have_count(0)


async def test_a_file_that_changed_since_it_was_chosen_is_not_sent(
    page: Page, fake: FakeAgent, files: str, tmp_path: Path
) -> None:
    file = tmp_path / "blink.bin"
    file.write_bytes(SKETCH)
    await open_form(page, files, fake.old_board())
    await form(page).locator("input[type=file]").set_input_files(file)
    await expect(write(page)).to_contain_text("blink.bin")
    file.unlink()
    await write(page).click()
    await expect(form(page).locator("error-card")).to_contain_text("cannot be read any more")


async def test_a_board_that_may_be_several_is_named_first(
    page: Page, fake: FakeAgent, files: str
) -> None:
    board = fake.board("unknown", says=BoardSays(), candidates=["esp32", "esp8266"])
    await page.goto(f"{files}/#/board/{board.id}/write")
    await choose(page, "blink.bin")
    await write(page).click()
    await expect(problem(page)).to_contain_text("Say which board it is")
    await form(page).get_by_label("ESP8266").check()
    await write(page).click()
    await expect(page.locator(".job")).to_be_visible()
    assert fake.called("jobs.start")[0]["model"] == "esp8266"


async def test_a_board_in_its_bootloader_has_nothing_to_lose(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_form(page, files, fake.loader())
    await choose(page, "blink.bin")
    await expect(write(page)).to_have_text("Write blink.bin", use_inner_text=True)


async def test_the_job_shows_how_far_it_is_and_where_there_is_no_way_back(
    page: Page, fake: FakeAgent, files: str
) -> None:
    board = fake.old_board()
    job = fake.job(board, "flash", FLASH_STEPS, title="Writing a sketch").id
    await page.goto(f"{files}/#/job/{job}")
    fake.at(job, "fetch")
    line = page.locator(".steps li").nth(1).locator(".no-return")
    await expect(line).to_have_text("From here the old sketch is gone")
    await expect(page.locator(".meaning")).to_contain_text("the board keeps its sketch")
    fake.at(job, "enter", message="From here the old sketch is gone.")
    await expect(page.locator(".meaning")).to_contain_text("The old sketch is gone")
    await expect(page.get_by_text("From here the old sketch is gone", exact=False)).to_have_count(2)
    fake.at(job, "write", progress=0.62, message="Writing · 76 of 123 kB")
    meter = page.get_by_role("progressbar")
    await expect(meter).to_have_attribute("aria-label", "Progress of Write and verify the sketch")
    await expect(page.locator(".steps .share").nth(2)).to_have_text("62 %")
    await expect(page.locator(".steps")).to_contain_text("76 of 123 kB")
    await expect(page.locator(".boards li")).to_contain_text("flashing 62 %")
    result = {"sketch": "blink.bin", "bytes": 12_345, "sha256": "ab" * 32, "notes": ["It is new."]}
    fake.end(job, result)
    outcome = page.locator(".outcome")
    await expect(outcome).to_contain_text("The sketch is on the board")
    await expect(outcome).to_contain_text("12 kB")
    await expect(outcome).to_contain_text("It is new.")
    await page.get_by_role("link", name="Journal").click()
    await expect(page.locator(".journal li")).to_contain_text("blink.bin")


async def test_cancelling_is_asked_for_twice_once_the_old_sketch_is_gone(
    page: Page, fake: FakeAgent, files: str
) -> None:
    board = fake.old_board()
    job = fake.job(board, "flash", FLASH_STEPS, title="Writing a sketch").id
    await page.goto(f"{files}/#/job/{job}")
    fake.at(job, "write", progress=0.1)
    cancel = page.get_by_role("button", name="Cancel")
    await cancel.click()
    await expect(page.get_by_role("button", name="Go on")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(cancel).to_be_focused()
    assert fake.called("jobs.cancel") == []
    await cancel.click()
    await page.get_by_role("button", name="Stop, and leave the board without a sketch").click()
    await expect(page.get_by_role("button", name="Cancelling…")).to_be_visible()
    assert fake.called("jobs.cancel") == [{"job": job}]
    fake.end(job, state=JobState.CANCELLED, error=FlashStopped().report())
    outcome = page.locator(".outcome")
    await expect(outcome).to_contain_text("The old sketch is gone: write one")
    await outcome.get_by_role("link", name="Write a sketch").click()
    await expect(form(page)).to_be_visible()


async def test_before_that_cancelling_is_one_click_and_changes_nothing(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = fake.job(fake.old_board(), "flash", FLASH_STEPS, title="Writing a sketch").id
    await page.goto(f"{files}/#/job/{job}")
    fake.at(job, "fetch")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("button", name="Cancelling…")).to_be_visible()
    fake.end(job, state=JobState.CANCELLED)
    await expect(page.locator(".outcome")).to_contain_text("The board was not changed.")
