"""The vault on the page: what is kept, putting it on a board again, forgetting it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from agent.jobs.fates import Fate
from agent.jobs.job import Action
from tests.web.enrolling import STEPS, entry, thingsboard
from tests.web.fake import Refusal

if TYPE_CHECKING:
    from playwright.async_api import Page

    from agent.clouds.vault_view import VaultEntry
    from tests.web.fake import FakeAgent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.slow,
]


async def open_vault(
    page: Page, fake: FakeAgent, files: str, *entries: VaultEntry, key_in_file: bool = False
) -> list[VaultEntry]:
    """The page with these entries; what is left of them."""
    kept = list(entries)

    def listed(_params: dict[str, Any]) -> Any:
        return {"entries": kept, "key_in_file": key_in_file}

    def forget(params: dict[str, Any]) -> Any:
        kept[:] = [each for each in kept if each.id != params["entry"]]
        return listed(params)

    fake.answer |= {"vault.list": listed, "vault.forget": forget}
    fake.info["capabilities"] = ["restore", "remove"]
    fake.more_clouds = [thingsboard()]
    await page.goto(f"{files}/#/clouds/vault")
    await expect(page.get_by_role("heading", name="Vault")).to_be_focused()
    return kept


async def test_an_empty_vault_says_what_it_is_for_and_follows_what_jobs_do(
    page: Page, fake: FakeAgent, files: str
) -> None:
    kept = await open_vault(page, fake, files)
    vault = page.locator("vault-list")
    await expect(vault).to_contain_text("Nothing is kept yet.")
    await expect(vault.get_by_label("Filter the vault")).to_be_hidden()
    job = fake.job(fake.board(), "provision", STEPS, request={"cloud": "thingsboard"})
    kept.append(entry(1))
    fake.end(job.id, {"device": "greenhouse-1"})
    await expect(page.locator(".vault > li")).to_have_count(1)


async def test_each_entry_says_what_it_is_and_since_when(
    page: Page, fake: FakeAgent, files: str
) -> None:
    entries = [
        entry(1),
        entry(2, state="pending", credentials="", problem="the cloud has not answered yet"),
        entry(3, state="earlier", credentials="certificate"),
        entry(4, state=None, device="", board_name="", server="", problem="its file is damaged"),
        entry(5, state="pending", proven_at=None),
    ]
    await open_vault(page, fake, files, *entries, key_in_file=True)
    rows = page.locator(".vault > li")
    await expect(rows.locator(".chip")).to_have_text(
        ["works", "no answer yet", "earlier", "cannot be read", "not seen yet"]
    )
    await expect(rows.nth(0)).to_contain_text(
        "access token · MKR WiFi 1010 · mqtts://tb.example.com"
    )
    await expect(rows.nth(2)).to_contain_text("The board worked with it before it got newer ones")
    await expect(rows.nth(3)).to_contain_text("Its file is damaged.")
    await expect(rows.nth(3).locator("bdi")).to_have_text("entry 00000004")
    buttons = await rows.evaluate_all("all => all.map(li => li.querySelectorAll('button').length)")
    assert buttons == [3, 2, 3, 1, 3]
    await expect(page.locator("vault-list .hint")).to_contain_text(
        "The key of the vault is in a file"
    )


async def test_an_entry_is_erased_only_after_what_that_means(
    page: Page, fake: FakeAgent, files: str
) -> None:
    kept = await open_vault(page, fake, files, entry(1), entry(2, state="pending"))
    forget = page.get_by_role("button", name="Forget: greenhouse-1")
    await forget.click()
    sure = page.locator(".vault .sure")
    await expect(sure).to_contain_text("The board works with these.")
    await expect(sure.get_by_role("button", name="Keep it")).to_be_focused()
    await sure.get_by_role("button", name="Keep it").click()
    await expect(forget).to_be_focused()
    await forget.click()
    await sure.get_by_role("button", name="Erase it for good").click()
    await expect(page.locator(".vault > li")).to_have_count(1)
    await expect(page.get_by_role("heading", name="Vault")).to_be_focused()
    assert [each.device for each in kept] == ["greenhouse-2"]


async def test_an_entry_goes_on_the_board_that_had_it_or_on_another_one(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_vault(page, fake, files, entry(2), entry(7))
    await page.get_by_role("button", name="Put it on a board again: greenhouse-2").click()
    form = page.locator(".vault .restore")
    await expect(form).to_contain_text("Plug the board in.")
    other, had = fake.board(number=1), fake.board(number=2)
    await expect(form.get_by_role("radio")).to_have_count(2)
    await expect(form.locator("label").first).to_contain_text("had it")
    await expect(form.get_by_role("radio").first).to_be_checked()
    await form.get_by_role("button", name="Put it there").click()
    await expect(page.locator("job-view")).to_be_visible()
    (request,) = fake.called("jobs.start")
    assert (request["kind"], request["board"]) == ("restore", had.id)
    assert request["entry"] == entry(2).id
    await page.goto(f"{files}/#/clouds/vault")
    await page.get_by_role("button", name="Put it on a board again: greenhouse-7").click()
    await form.get_by_role("button", name="Put it there").click()
    await expect(form.locator(".field-error")).to_have_text("Choose a board first.")

    def start(_params: dict[str, Any]) -> Any:
        raise Refusal("vault-unreadable", "The entry cannot be read.")

    fake.answer["jobs.start"] = start
    await form.locator("label", has_text=other.ports[0].address.removeprefix("/dev/")).click()
    await form.get_by_role("button", name="Put it there").click()
    await expect(form.locator("error-card")).to_contain_text("The entry cannot be read.")


async def test_a_full_vault_is_filtered_and_drawn_in_parts(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_vault(page, fake, files, *[entry(number) for number in range(1, 201)])
    rows = page.locator(".vault > li")
    await expect(rows).to_have_count(60)
    await page.get_by_role("button", name="Show more").click()
    await expect(rows).to_have_count(120)
    await page.get_by_label("Filter the vault").fill("greenhouse-199")
    await expect(rows).to_have_count(1)
    await expect(page.locator("vault-list .filter")).to_contain_text("1 of 200 entries")


async def test_the_end_of_a_restored_board_leads_back_here(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_vault(page, fake, files, entry(1))
    job = fake.job(fake.board(), "restore", STEPS, request={"cloud": "thingsboard"})
    await page.goto(f"{files}/#/job/{job.id}")
    fake.end(job.id, state="failed", error=Refusal("vault-stale", "Stale.").data)
    await page.get_by_role("link", name="Back to the vault").click()
    await expect(page.get_by_role("heading", name="Vault")).to_be_focused()


async def test_a_device_is_removed_by_a_job_that_says_what_is_lost(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_vault(page, fake, files, entry(1), entry(2))

    def refuse(_params: dict[str, Any]) -> Any:
        raise Refusal("port-busy", "The port is in use.")

    fake.answer["jobs.start"] = refuse
    remove = page.get_by_role("button", name="Remove the device from ThingsBoard…: greenhouse-1")
    await remove.click()
    item = page.locator(".vault > li", has=remove)
    await expect(item.locator("error-card")).to_contain_text("The port is in use.")

    def start(params: dict[str, Any]) -> Any:
        return {"job": fake.job(fake.board(number=9), params["kind"], STEPS).id}

    fake.answer["jobs.start"] = start
    await remove.click()
    await expect(page.locator("job-view .steps")).to_be_visible()
    (_, request) = fake.called("jobs.start")
    wanted = {"kind": "remove", "board": "", "cloud": "thingsboard", "name": "greenhouse-1"}
    assert request == wanted | {"attended": True}
    (job,) = fake.jobs
    lost = Fate(what="greenhouse-1 in ThingsBoard", fate="lost", detail="All that it ever sent.")
    go_on = Action(id="continue", label="Remove greenhouse-1")
    fake.ask(job, "read", go_on, title="Remove it for good?", fates=[lost])
    asked = page.locator(".ask")
    await expect(asked.get_by_text("All that it ever sent.")).to_be_visible()
    await expect(asked.locator(".fate li")).to_have_text(["greenhouse-1 in ThingsBoard"])
    await expect(asked).to_be_focused()
    await asked.locator("button.danger").click()
    removed = {"device": "greenhouse-1", "deleted": "administrator", "erased": False}
    fake.end(job, removed | {"forgotten": ["1"], "notes": []})
    outcome = page.locator(".outcome")
    await expect(outcome.locator(".online")).to_have_text("Removed for good: greenhouse-1")
    await expect(outcome).to_contain_text("The device and its history are deleted in the cloud.")
    await expect(outcome).to_contain_text("Its entry in the vault is erased.")
    await expect(outcome.get_by_role("link")).to_have_text(["Back to the vault"])
