"""What the page says of clouds that give credentials to boards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pytest

from agent.clouds.enrolment import ProfileStrategy
from agent.clouds.thingsboard.devices import device_schema
from agent.jobs.enrol_effects import WayKind

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]


async def call(page: Page, module: str, name: str, *args: object) -> Any:
    script = "async ([module, name, args]) => (await import(`/lib/${module}.js`))[name](...args)"
    return await page.evaluate(script, [module, name, list(args)])


@pytest.mark.parametrize(
    ("device", "words", "good"),
    [
        (None, "Nobody has the name greenhouse yet", True),
        ({"strategy": "create"}, "the server refuses it", False),
        ({"strategy": "prepared"}, "gives its credentials once, to this board", True),
        ({"strategy": "prepared", "used_up": True}, "whether the administrator frees it", False),
        ({"strategy": "prepared", "ours": False}, "not the profile of your key", False),
        ({"strategy": "chain"}, "chain of certificates", False),
        ({"strategy": "off"}, "provisioning is switched off", False),
    ],
)
async def test_a_name_is_explained_by_the_strategy_of_its_profile(
    modules: Page, device: dict[str, Any] | None, words: str, *, good: bool
) -> None:
    known = {"name": "greenhouse", "profile": "boards", "ours": True, "used_up": False}
    found = None if device is None else known | device
    said = await call(modules, "enrol", "lookWords", found, "greenhouse")
    assert words in said["text"]
    assert said["good"] is good


@pytest.mark.parametrize(
    ("strategy", "words", "good"),
    [
        ("create", "Your profile boards makes it.", True),
        ("prepared", "takes only devices that were prepared there", False),
        ("off", "provisioning is switched off", False),
    ],
)
async def test_a_name_that_is_free_is_explained_by_the_profile_of_the_account(
    modules: Page, strategy: str, words: str, *, good: bool
) -> None:
    profile = {"name": "boards", "strategy": strategy}
    said = await call(modules, "enrol", "lookWords", None, "greenhouse", profile)
    assert words in said["text"]
    assert said["good"] is good


async def test_every_strategy_has_its_sentence(modules: Page) -> None:
    strategies = get_args(ProfileStrategy)
    assert strategies
    for strategy in strategies:
        device = {"strategy": strategy, "profile": "", "ours": True, "used_up": False}
        said = await call(modules, "enrol", "lookWords", device, "greenhouse")
        assert "greenhouse" in said["text"]
        profile = {"name": "boards", "strategy": strategy}
        free = await call(modules, "enrol", "lookWords", None, "greenhouse", profile)
        told = await call(modules, "enrol", "profileWords", profile, "as the schema says")
        assert told == "as the schema says" or "boards" in told
        assert "undefined" not in said["text"] + free["text"] + told
    assert await call(modules, "enrol", "profileWords", None, "nobody knows") == "nobody knows"


async def test_every_way_to_a_board_and_kind_of_credentials_has_words(modules: Page) -> None:
    for way in get_args(WayKind):
        assert await call(modules, "enrol", "deliveryName", way)
    assert await call(modules, "enrol", "deliveryName", "auto") == ""
    choices = await call(modules, "enrol", "credentialChoices", device_schema())
    assert [choice["id"] for choice in choices] == ["access_token", "mqtt_basic", "certificate"]
    assert all(choice["detail"] for choice in choices)


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("https://127.0.0.1:8080/x", True),
        ("http://[::1]/x", True),
        ("https://localhost/x", True),
        ("https://localhost.example.com/x", False),
        ("https://10.0.0.7/x", False),
    ],
)
async def test_an_address_of_this_computer_is_known(
    modules: Page, address: str, *, here: bool
) -> None:
    assert await call(modules, "weblink", "isHere", address) is here
