"""The settings on the page: a form that loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.web.fake import SILENCE, Refusal
from tests.web.faults import faults_of

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.web.fake import FakeAgent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]


async def open_settings(page: Page, files: str, key: str = "") -> None:
    await page.goto(f"{files}/#/settings/{key}")
    await expect(page.locator(".group").first).to_be_visible()
    if not key:
        await page.locator(".group").evaluate_all("(all) => all.forEach((d) => (d.open = true))")


def row(page: Page, key: str) -> Locator:
    return page.locator(f'[data-setting="{key}"]')


def box(page: Page, key: str) -> Locator:
    return row(page, key).locator("input, select").first


def bar(page: Page) -> Locator:
    return page.locator(".save-bar")


def button(page: Page, name: str) -> Locator:
    return page.locator("settings-form").get_by_role("button", name=name, exact=True)


async def test_each_kind_of_setting_has_its_control_and_is_saved_as_its_type(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_settings(page, files)
    await expect(bar(page)).to_be_hidden()
    await box(page, "desktop.notifications").uncheck()
    await box(page, "bluetooth.scan").select_option("always")
    await button(page, "Add a line to Ports to leave alone").click()
    await page.keyboard.type(" COM7 ")
    await button(page, "Add a line to Ports to leave alone").click()
    await box(page, "arduino.requests_per_s").fill("2,5")
    await button(page, "Add a line to Flashing programs").click()
    await page.keyboard.type("dfu-util")
    await page.keyboard.press("Tab")
    await page.keyboard.type("/opt/dfu-util")
    await box(page, "bridge.first_port").fill("9000")
    await expect(bar(page)).to_contain_text("6 changes not saved.")
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("6 changes saved.")
    assert fake.called("settings.set") == [
        {
            "values": {
                "desktop.notifications": False,
                "bluetooth.scan": "always",
                "ports.ignore": ["COM7"],
                "arduino.requests_per_s": 2.5,
                "flash.tools": {"dfu-util": "/opt/dfu-util"},
                "bridge.first_port": 9000,
            }
        }
    ]


async def test_a_change_can_be_taken_back_after_it_was_saved(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.settings.take({"bridge.first_port": 9000})
    await open_settings(page, files)
    await box(page, "bridge.first_port").fill("9100")
    await box(page, "log.level").select_option("debug")
    await box(page, "bridge.first_port").press("Enter")
    await expect(bar(page)).to_contain_text("2 changes saved.")
    await button(page, "Undo").click()
    await expect(bar(page)).to_contain_text("Taken back.")
    await expect(box(page, "bridge.first_port")).to_have_value("9000")
    await expect(box(page, "log.level")).to_have_value("info")
    back = {"bridge.first_port": 9000, "log.level": None}
    assert fake.called("settings.set")[-1] == {"values": back}
    await expect(button(page, "Undo")).to_be_hidden()


async def test_what_is_not_shown_whole_cannot_be_written_again_by_undo(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.settings.find("network.proxy").update(value="http://***@proxy:3128", source="file")
    await open_settings(page, files)
    await box(page, "log.level").select_option("debug")
    await button(page, "Save").click()
    await expect(button(page, "Undo")).to_be_visible()
    await box(page, "network.proxy").fill("none")
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("Saved.")
    assert fake.called("settings.set")[-1] == {"values": {"network.proxy": "none"}}
    await expect(button(page, "Undo")).to_be_hidden()


async def test_a_setting_goes_back_to_its_default(page: Page, fake: FakeAgent, files: str) -> None:
    fake.settings.take({"bridge.first_port": 9000})
    await open_settings(page, files)
    first = row(page, "bridge.first_port")
    await expect(first).to_contain_text("Default: 8991")
    await expect(first).to_contain_text("Counts after a restart of the agent.")
    await button(page, "Back to default: First port").click()
    await expect(box(page, "bridge.first_port")).to_have_value("8991")
    await expect(box(page, "bridge.first_port")).to_be_focused()
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("Saved.")
    assert fake.called("settings.set") == [{"values": {"bridge.first_port": None}}]
    await expect(first).not_to_contain_text("Default")


async def test_what_waits_for_a_restart_is_told_with_how_to_do_that(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_settings(page, files, "bridge.first_port")
    await expect(box(page, "bridge.first_port")).to_be_focused()
    await box(page, "bridge.first_port").fill("9000")
    await page.keyboard.press("Enter")
    await expect(row(page, "bridge.first_port")).to_contain_text("Saved; waits for a restart.")
    hint = page.locator("settings-form .hint")
    await expect(hint).to_contain_text("Waiting for a restart of the agent: First port.")
    await hint.get_by_role("button", name="Stop it here").click()
    await expect(page.get_by_role("button", name="Stop the agent…")).to_be_focused()


async def test_what_the_environment_says_is_locked_with_the_reason(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.settings.find("log.level").update(source="environment", variable="MOORING_LOG")
    fake.settings.find("ports.ignore").update(source="environment", value=["COM1"])
    await open_settings(page, files)
    await expect(box(page, "log.level")).to_be_disabled()
    await expect(box(page, "ports.ignore")).to_be_disabled()
    await expect(row(page, "log.level")).to_contain_text(
        "Set by the environment variable MOORING_LOG, so it cannot be changed here."
    )
    await expect(button(page, "Back to default: Ports to leave alone")).to_have_count(0)


@pytest.mark.parametrize(
    ("key", "typed", "said"),
    [
        ("bridge.first_port", "80", "First port: is at least 1024"),
        ("bridge.first_port", "", "First port: is needed"),
        ("bridge.first_port", "9000.5", "First port: is a whole number"),
        ("arduino.requests_per_s", "0", "Requests per second: is more than 0"),
        ("arduino.requests_per_s", "many", "Requests per second: is a number"),
    ],
)
async def test_a_value_that_does_not_fit_is_told_at_its_field_before_it_is_sent(
    page: Page, fake: FakeAgent, files: str, key: str, typed: str, said: str
) -> None:
    await open_settings(page, files)
    await box(page, key).fill(typed)
    await button(page, "Save").click()
    await expect(row(page, key).locator(".field-error")).to_have_text(said)
    await expect(box(page, key)).to_be_focused()
    assert await box(page, key).get_attribute("aria-invalid") == "true"
    assert fake.called("settings.set") == []


async def test_what_the_agent_refuses_is_told_at_the_field(
    page: Page, fake: FakeAgent, files: str
) -> None:
    def refuse(_params: dict[str, Any]) -> Any:
        facts = {"field": "ports.ignore", "problem": "COM7 is no port"}
        raise Refusal("setting-refused", "No.", **facts)

    fake.answer["settings.set"] = refuse
    fake.settings.find("ports.ignore")["value"] = ["COM7"]
    await open_settings(page, files)
    await box(page, "log.level").select_option("debug")
    await page.locator(".group").evaluate_all("(all) => all.forEach((d) => (d.open = false))")
    await button(page, "Save").click()
    await expect(row(page, "ports.ignore")).to_contain_text("COM7 is no port")
    await expect(box(page, "ports.ignore")).to_be_focused()
    await expect(bar(page)).to_contain_text("1 change not saved.")


async def test_another_error_stays_beside_what_was_typed(
    page: Page, fake: FakeAgent, files: str
) -> None:
    def refuse(_params: dict[str, Any]) -> Any:
        raise Refusal("settings-failed", "The settings cannot be written.")

    fake.answer["settings.set"] = refuse
    await open_settings(page, files)
    await box(page, "log.level").select_option("debug")
    await button(page, "Save").click()
    await expect(page.locator("settings-form error-card")).to_contain_text("cannot be written")
    await expect(box(page, "log.level")).to_have_value("debug")
    del fake.answer["settings.set"]
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("Saved.")
    await expect(page.locator("settings-form error-card")).to_have_count(0)


async def test_changes_are_kept_while_the_person_looks_elsewhere_and_can_be_discarded(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_settings(page, files)
    await box(page, "bridge.first_port").fill("not yet a num")
    await page.get_by_role("link", name="Journal", exact=True).click()
    await page.get_by_role("link", name="Settings", exact=True).click()
    await expect(box(page, "bridge.first_port")).to_have_value("not yet a num")
    await expect(bar(page)).to_contain_text("1 change not saved.")
    await button(page, "Discard").click()
    await expect(box(page, "bridge.first_port")).to_have_value("8991")
    await expect(bar(page)).to_be_hidden()


async def test_what_was_changed_elsewhere_is_told_and_what_was_typed_stays(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_settings(page, files)
    await box(page, "bridge.first_port").fill("9100")
    await button(page, "Add a line to Ports to leave alone").click()
    fake.settings.take({"bridge.first_port": 9000, "log.level": "debug"})
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(box(page, "log.level")).to_have_value("debug")
    first = row(page, "bridge.first_port")
    await expect(first).to_contain_text("Meanwhile it was changed elsewhere, to: 9000")
    await expect(box(page, "bridge.first_port")).to_have_value("9100")
    await expect(box(page, "ports.ignore")).to_be_focused()


async def test_what_is_typed_while_something_is_saved_is_not_lost(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.answer["settings.set"] = lambda _params: SILENCE
    await open_settings(page, files)
    await box(page, "bridge.first_port").fill("9000")
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("Saving…")
    await box(page, "bridge.first_port").fill("9001")
    fake.reply("settings.set", fake.settings.take({"bridge.first_port": 9000}))
    await expect(bar(page)).to_contain_text("1 change not saved.")
    await expect(box(page, "bridge.first_port")).to_have_value("9001")


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_connection_that_breaks_while_something_is_saved_leaves_no_doubt(
    page: Page, fake: FakeAgent, files: str, arrived: bool
) -> None:
    def never_answers(params: dict[str, Any]) -> Any:
        if arrived:
            fake.settings.take(params["values"])
        return SILENCE

    fake.answer["settings.set"] = never_answers
    await open_settings(page, files)
    await box(page, "bridge.first_port").fill("9000")
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("Saving…")
    await fake.drop()
    if arrived:
        await expect(bar(page)).to_contain_text("That was saved.")
    else:
        await expect(bar(page)).to_contain_text("That was not saved.")
        del fake.answer["settings.set"]
        await button(page, "Save").click()
        await expect(bar(page)).to_contain_text("Saved.")
    await expect(box(page, "bridge.first_port")).to_have_value("9000")


async def test_a_file_that_cannot_be_used_is_mended_first(
    page: Page, fake: FakeAgent, files: str
) -> None:
    words = {"title": "Line 3 is no TOML.", "meaning": "Nothing counts.", "remedy": "Mend line 3."}
    problem = {"code": "settings-broken", "retryable": False} | words
    fake.settings.problem = problem
    await open_settings(page, files)
    await expect(page.locator("settings-form error-card")).to_contain_text("Mend line 3.")
    await expect(box(page, "log.level")).to_be_disabled()
    fake.becomes(notices=[problem])
    await page.get_by_role("button", name="Look again").click()
    await expect(page.locator("settings-form error-card")).to_have_count(0)
    await expect(page.locator("settings-form .hint")).to_contain_text("the message at the top")
    fake.settings.problem = None
    await page.get_by_role("button", name="Look again").click()
    await expect(box(page, "log.level")).to_be_enabled()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark"), (640, "light")])
async def test_everything_has_a_name_and_a_place(
    page: Page, fake: FakeAgent, files: str, width: int, scheme: Any
) -> None:
    await page.set_viewport_size({"width": width, "height": 700})
    await page.emulate_media(color_scheme=scheme)
    long = "/home/" + "a-very-long-name-without-any-gap" * 6
    fake.settings.take(
        {"ports.ignore": [long], "flash.tools": {"dfu-util": long}, "bridge.first_port": 9000}
    )
    fake.settings.find("log.level").update(source="environment", variable="M" * 60)
    fake.settings.find("ports.ignore")["default"] = [long, long]
    await open_settings(page, files)
    await box(page, "bridge.first_port").fill("80")
    await button(page, "Save").click()
    await page.get_by_role("button", name="Make a report").click()
    await expect(page.get_by_role("button", name="Download")).to_be_visible()
    assert await faults_of(page) == []
    root = "document.documentElement"
    assert not await page.evaluate(f"{root}.scrollWidth > {root}.clientWidth")


async def test_a_report_is_made_shown_copied_and_saved(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await open_settings(page, files)
    await page.get_by_role("button", name="Make a report").click()
    await expect(page.get_by_role("region", name="The report")).to_contain_text("nothing else")
    await page.get_by_role("button", name="Copy", exact=True).click()
    await expect(page.locator("help-section")).to_contain_text("Copied.")
    assert await page.evaluate("navigator.clipboard.readText()") == "Mooring 0\nnothing else\n"
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Download").click()
    download = await waiting.value
    assert download.suggested_filename == "mooring-report-2026.txt"
    assert (await download.path()).read_text() == "Mooring 0\nnothing else\n"


async def test_the_agent_is_paused_and_resumed_in_the_settings(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await open_settings(page, files)
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.locator("agent-notices")).to_contain_text("Mooring is paused.")
    await page.locator("stop-agent").get_by_role("button", name="Resume").click()
    await expect(page.locator("agent-notices")).not_to_contain_text("Mooring is paused.")
    assert [len(fake.called(f"agent.{name}")) for name in ("pause", "resume")] == [1, 1]


async def test_a_table_of_many_names_has_lines_for_those_that_are_given_and_offers_the_others(
    page: Page, fake: FakeAgent, files: str
) -> None:
    names = [f"key_{number}" for number in range(20)]
    table = {"type": "object", "propertyNames": {"enum": names}, "examples": [{"key_1": "one"}]}
    fake.settings.find("flash.tools").update(schema=table, value={"key_3": "three"}, source="file")
    await open_settings(page, files)
    inputs = row(page, "flash.tools").locator("input")
    await expect(inputs).to_have_count(2)
    await button(page, "Add a line to Flashing programs").click()
    await page.keyboard.type("key_7")
    await page.keyboard.press("Tab")
    await page.keyboard.type("seven")
    offered = "(input) => [...input.list.options].map((option) => option.value)"
    assert await inputs.nth(2).evaluate(offered) == names
    assert await faults_of(page) == []
    await button(page, "Save").click()
    await expect(bar(page)).to_contain_text("Saved.")
    values = {"flash.tools": {"key_3": "three", "key_7": "seven"}}
    assert fake.called("settings.set") == [{"values": values}]
