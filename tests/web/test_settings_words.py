"""The settings as people read them: groups, controls and values in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.settings.keys import Key, all_keys

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]


async def call(page: Page, name: str, *args: object) -> Any:
    script = "async ([name, args]) => (await import('/lib/settings.js'))[name](...args)"
    return await page.evaluate(script, [name, list(args)])


def setting(key: Key) -> dict[str, Any]:
    shown = {"title": key.title, "meaning": key.meaning, "schema": key.schema}
    return {"key": key.name, "value": key.plain(key.default), "source": "default"} | shown


async def test_every_setting_has_a_control_and_a_place_in_a_group_with_a_title(
    modules: Page,
) -> None:
    keys = [setting(key) for key in all_keys()]
    groups = await call(modules, "groupsOf", keys)
    placed = [each["key"] for group in groups for each in group["settings"]]
    assert sorted(placed) == sorted(each["key"] for each in keys)
    sections = {key.section for key in all_keys()}
    assert [group["title"] for group in groups if group["title"] in sections] == []
    for each in keys:
        shape = await call(modules, "shapeOf", each)
        wanted = {
            bool: {"switch"},
            int: {"integer", "number"},
            float: {"integer", "number"},
            str: {"text", "choice"},
            list: {"texts"},
            dict: {"table"},
        }
        assert shape["type"] in wanted[type(each["value"])], each["key"]
        assert shape["description"].startswith(each["meaning"])


async def test_a_section_of_a_newer_agent_is_a_group_of_its_own(modules: Page) -> None:
    groups = await call(modules, "groupsOf", [{"key": "coffee.strength"}])
    assert [group["title"] for group in groups] == ["coffee"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "on"),
        (False, "off"),
        ("", "empty"),
        (0, "0"),
        ([], "none"),
        (["a", "b"], "a, b"),
        ({}, "none"),
        ({"dfu-util": "/x"}, "dfu-util: /x"),
    ],
)
async def test_values_are_said_in_words(modules: Page, value: object, words: str) -> None:
    assert await call(modules, "valueWords", value) == words


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (5, 5.0, True),
        ("5", 5, False),
        (["a"], ["a"], True),
        (["a", "b"], ["b", "a"], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"b": 1}, False),
        ([], {}, True),
        (None, {}, False),
    ],
)
async def test_values_are_the_same_if_the_file_would_be(
    modules: Page, one: object, other: object, same: bool
) -> None:
    assert await call(modules, "same", one, other) is same
