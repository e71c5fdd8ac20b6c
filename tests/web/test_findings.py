"""How findings are sorted for people, and which errors lead to the doctor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.settings.keys import all_keys
from tests.test_errors import CODES

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

DOCTOR = Path(__file__).parents[2] / "agent" / "desktop" / "doctor"


async def call(page: Page, name: str, *args: object) -> Any:
    script = "async ([name, args]) => (await import('/lib/findings.js'))[name](...args)"
    return await page.evaluate(script, [name, list(args)])


def areas() -> set[str]:
    """Those of all families."""
    found = (re.search(r'^AREA: Final = "(\w+)"', text, re.MULTILINE) for text in sources())
    return {match[1] for match in found if match}


def sources() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in DOCTOR.glob("*.py")]


async def test_every_area_of_the_doctor_has_a_title(modules: Page) -> None:
    assert len(areas()) > 10
    assert [area for area in areas() if await call(modules, "areaTitle", area) == area] == []


async def test_errors_lead_to_an_area_that_exists(modules: Page) -> None:
    led = {code: await call(modules, "areaOf", code) for code in CODES}
    assert {area for area in led.values() if area} <= areas()
    assert led["port-permission"] == "serial"
    assert led["ble-off"] == "bluetooth"
    assert led["cloud-unreachable"] == "internet"
    assert led["network-join"] == ""


async def test_errors_lead_to_a_setting_that_exists(modules: Page) -> None:
    led = {code: await call(modules, "settingOf", code) for code in CODES}
    assert {key for key in led.values() if key} <= {key.name for key in all_keys()}
    assert led["proxy-account"] == "network.proxy"
    assert led["journal"] == ""


@pytest.mark.parametrize(
    ("mend", "commands", "parts"),
    [
        ("Restart.", [], [{"text": "Restart."}]),
        ("Run: a b", ["a b"], [{"text": "Run: "}, {"command": "a b"}]),
        ("Run: a b.", ["a b"], [{"text": "Run: "}, {"command": "a b"}]),
        (
            "Run: one and two (or three).",
            ["two", "one"],
            [
                {"text": "Run: "},
                {"command": "one"},
                {"text": " and "},
                {"command": "two"},
                {"text": " (or three)."},
            ],
        ),
        ("Nothing of it.", ["other"], [{"text": "Nothing of it."}]),
        ("", [], []),
    ],
)
async def test_commands_stand_apart_from_the_text(
    modules: Page, mend: str, commands: list[str], parts: list[dict[str, str]]
) -> None:
    assert await call(modules, "mendParts", {"mend": mend, "commands": commands}) == parts


async def test_findings_that_say_the_same_are_one_kind(modules: Page) -> None:
    def one(code: str, title: str, meaning: str = "m") -> dict[str, str]:
        return {"code": code, "title": title, "meaning": meaning, "level": "warning"}

    findings = [one("a", "1"), one("b", "2"), one("a", "3"), one("a", "4", "other")]
    kinds = await call(modules, "kindsOf", findings)
    assert [[kind["first"]["title"], len(kind["more"])] for kind in kinds] == [
        ["1", 1],
        ["2", 0],
        ["4", 0],
    ]


async def test_the_sum_of_findings_is_said_in_words(modules: Page) -> None:
    def levels(*names: str) -> list[dict[str, str]]:
        return [{"level": name} for name in names]

    assert await call(modules, "summaryOf", levels("fine")) == ""
    assert await call(modules, "summaryOf", levels("problem", "fine")) == "1 problem"
    both = levels("warning", "problem", "warning")
    assert await call(modules, "summaryOf", both) == "1 problem and 2 warnings"
