"""What jobs ask while they update a board, and the files with secrets that they end with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from agent.jobs.fates import fates_of
from agent.jobs.job import Action, Choice, Step
from tests.web.fake import HOME, MIGRATE_STEPS, OFFICE, Refusal
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
LORA_STEPS = [
    Step(id="listen", name="Hear the EUI of the modem"),
    Step(id="secrets", name="Make arduino_secrets.h"),
]
SECRETS = '#define SECRET_APP_KEY "marker-of-this-test"\n'
FILES = ["arduino_secrets.h"]


async def open_job(page: Page, fake: FakeAgent, files: str, kind: str = "migrate") -> str:
    """A job of which the page sees every change."""
    steps = MIGRATE_STEPS if kind == "migrate" else LORA_STEPS
    job = fake.job(fake.old_board(), kind, steps).id
    await page.goto(f"{files}/#/job/{job}")
    await expect(page.locator(".steps li")).to_have_count(len(steps))
    return job


def answers(fake: FakeAgent) -> list[object]:
    return [call["answer"] for call in fake.called("jobs.answer")]


async def test_before_anything_is_overwritten_the_job_shows_what_is_lost(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = await open_job(page, fake, files)
    fake.ask(
        job,
        "fetch",
        Action(id="continue", label="Update to provisioning 2.0"),
        STOP,
        title="Update this board to provisioning 2.0?",
        meaning="It runs the sketch of provisioning 1.0.",
        reason="It runs the sketch of provisioning 1.0.",
        fates=list(fates_of("migrate")),
    )
    asked = question(page)
    await expect(asked.locator(".fate")).to_have_count(3)
    await expect(asked.get_by_text("It runs the sketch of provisioning 1.0.")).to_have_count(1)
    # Who confirms has to go there: no key pressed meanwhile says yes.
    await expect(asked).to_be_focused()
    await asked.get_by_role("button", name="Update to provisioning 2.0").click()
    assert answers(fake) == [{"action": "continue"}]


async def test_the_network_is_chosen_in_the_job(page: Page, fake: FakeAgent, files: str) -> None:
    job = await open_job(page, fake, files)
    fake.ask(
        job,
        "check",
        Action(id="network", label="Use this network", needs="network"),
        STOP,
        title="Which network shall the board join?",
        networks=[HOME, OFFICE],
    )
    asked = question(page)
    await expect(asked.locator(".ssid")).to_have_text(["HomeNet", "Office"])
    await expect(asked.get_by_role("radio", name="HomeNet")).to_be_focused()
    await page.keyboard.press("Space")
    await asked.get_by_label("Password", exact=True).fill("correct horse")
    await page.keyboard.press("Enter")
    await expect(page.locator("job-question")).to_be_visible()
    chosen = {"kind": "wifi", "ssid": "HomeNet", "password": "correct horse"}
    assert answers(fake) == [{"action": "network", "network": chosen}]


async def test_a_frequency_plan_is_chosen_and_never_by_accident(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = await open_job(page, fake, files, "provision")
    fake.ask(
        job,
        "listen",
        Action(id="choose", label="Use this plan", needs="choice"),
        STOP,
        title="Which frequency plan?",
        choices=[
            Choice(id="EU_863_870_TTN", label="Europe 863–870 MHz", detail="recommended"),
            Choice(id="US_902_928_FSB_2", label="United States 902–928 MHz"),
        ],
    )
    asked = question(page)
    await expect(asked.get_by_role("group", name="Which frequency plan?").first).to_be_visible()
    await asked.get_by_role("button", name="Use this plan").click()
    await expect(asked.locator(".field-error")).to_have_text("Choose one first.")
    await page.keyboard.press("ArrowDown")
    await asked.get_by_role("button", name="Use this plan").click()
    assert answers(fake) == [{"action": "choose", "choice": "US_902_928_FSB_2"}]


async def test_an_old_device_is_kept_unless_the_person_says_otherwise(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = await open_job(page, fake, files)
    fake.ask(
        job,
        "online",
        Action(id="keep", label="Keep it"),
        Action(id="delete", label="Delete it"),
        title="Delete the old device of this board?",
        old_devices=[{"id": "0f7a0b8e", "name": "garage-door"}],
    )
    asked = question(page)
    await expect(asked.locator(".old-devices")).to_contain_text("garage-door")
    await expect(asked.get_by_role("button", name="Keep it")).to_be_focused()
    await asked.get_by_role("button", name="Delete it").click()
    assert answers(fake) == [{"action": "delete"}]
    old = [{"id": "1", "name": "garage-door"}, {"id": "2", "name": "attic"}]
    fake.end(job, {"device": "kitchen-sensor", "old_devices": old, "deleted": ["1"]})
    outcome = page.locator(".outcome")
    await expect(outcome.locator(".online")).to_have_text("Updated, and online as kitchen-sensor")
    await expect(outcome).to_contain_text("“garage-door” was deleted")
    await expect(outcome).to_contain_text("“attic” is still in your account")


async def test_a_prepared_board_leads_to_its_set_up(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = await open_job(page, fake, files)
    fake.end(job, {"prepared": True, "sketch_version": "0.6.2", "wifi_firmware": "3.0.0"})
    await expect(page.locator(".outcome")).to_contain_text("Ready for provisioning 2.0")
    await expect(page.locator(".outcome dl")).to_contain_text("provisioning 0.6.2")
    await expect(page.get_by_role("link", name="Set it up now")).to_be_visible()


async def test_the_file_with_secrets_is_downloaded_copied_and_shown(
    page: Page, fake: FakeAgent, files: str, tmp_path: Path
) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    fake.files["arduino_secrets.h"] = SECRETS
    job = await open_job(page, fake, files, "provision")
    fake.end(job, {"device": "field-7", "device_id": "0f7a", "eui": "A861", "files": FILES})
    file = page.locator("secret-file")
    await expect(file).to_contain_text("arduino_secrets.h is ready")
    await expect(file).to_contain_text("the key in it is told only once")
    assert "marker-of-this-test" not in await page.content()
    assert fake.called("jobs.file") == []
    async with page.expect_download() as started:
        await file.get_by_role("button", name="Download").click()
    download = await started.value
    await download.save_as(tmp_path / "saved.h")
    assert download.suggested_filename == "arduino_secrets.h"
    assert (tmp_path / "saved.h").read_text(encoding="utf-8") == SECRETS
    await file.get_by_role("button", name="Copy").click()
    await expect(file).to_contain_text("Copied.")
    assert await page.evaluate("navigator.clipboard.readText()") == SECRETS
    await file.get_by_role("button", name="Show").click()
    await expect(file.locator("pre")).to_contain_text("marker-of-this-test")
    await file.get_by_role("button", name="Hide").click()
    assert "marker-of-this-test" not in await page.content()
    assert fake.called("jobs.file") == [{"job": job, "name": "arduino_secrets.h"}]
    kept = await page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "marker-of-this-test" not in kept


async def test_a_file_that_is_no_longer_kept_is_said_so(
    page: Page, fake: FakeAgent, files: str
) -> None:
    job = await open_job(page, fake, files, "provision")
    fake.end(job, {"device": "field-7", "files": FILES})
    await page.locator("secret-file").get_by_role("button", name="Show").click()
    await expect(page.locator("secret-file error-card")).to_contain_text("no longer kept")


async def test_progress_is_drawn_and_not_read_out(page: Page, fake: FakeAgent, files: str) -> None:
    job = await open_job(page, fake, files)
    await page.evaluate(
        """() => {
          window.said = [];
          const region = document.querySelector("mooring-shell > .spoken[aria-live]");
          new MutationObserver((changes) =>
            changes.forEach(({ addedNodes }) => addedNodes.forEach((node) => said.push(node.textContent))),
          ).observe(region, { childList: true });
        }"""
    )
    fake.at(job, "enter")
    for percent in range(0, 101, 5):
        fake.at(job, "write", progress=percent / 100, message=f"Writing · {percent} of 100 kB")
    await expect(page.locator(".steps .share").nth(3)).to_have_text("100 %")
    fake.end(job, {"device": "kitchen-sensor"})
    await expect(page.locator(".online")).to_be_visible()
    said = await page.evaluate("said")
    assert [text.partition(": ")[2] for text in said] == [
        "from here the old sketch is gone.",
        "done.",
    ]


async def test_a_job_that_nobody_knows_leads_to_the_journal(
    page: Page, fake: FakeAgent, files: str
) -> None:
    def unknown(params: dict[str, Any]) -> None:
        raise Refusal("job-unknown", f"There is no job {params['job']}.")

    fake.answer["jobs.get"] = unknown
    await page.goto(f"{files}/#/job/99")
    told = page.locator("job-view error-card")
    await expect(told).to_contain_text("There is no job 99.")
    await expect(page.locator("job-view .chip")).to_be_hidden()
    await told.get_by_role("link", name="Open the journal").click()
    await expect(page.get_by_role("heading", name="Journal")).to_be_visible()
