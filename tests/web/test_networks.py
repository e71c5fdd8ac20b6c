"""Network options and settings as the page handles them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.settings.network import parse_network

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]


def option(name: str, rssi: int, data: bytes | None = None) -> dict[str, Any]:
    raw = name.encode() if data is None else data
    return {"ssid": name, "ssid_hex": raw.hex(), "rssi_dbm": rssi}


async def call(page: Page, name: str, *args: object) -> Any:
    script = """async ([name, args]) => (await import("/lib/networks.js"))[name](...args)"""
    return await page.evaluate(script, [name, list(args)])


async def test_each_name_is_listed_once_strongest_first(modules: Page) -> None:
    seen = [option("far", -80), option("home", -70), option("home", -45), option("", -30)]
    assert await call(modules, "merged", seen) == [option("home", -45), option("far", -80)]


async def test_a_name_that_is_shown_as_it_is_travels_as_text(modules: Page) -> None:
    setting = await call(modules, "wifiSetting", option("Café 🧀", -50), "secret123")
    assert setting == {"kind": "wifi", "ssid": "Café 🧀", "password": "secret123"}


@pytest.mark.parametrize("data", [b"caf\xe9", b"a\xe2\x80\xaeb", b"\x01\x02"])
async def test_a_name_that_is_shown_cleaned_travels_as_bytes(modules: Page, data: bytes) -> None:
    setting = await call(modules, "wifiSetting", option("shown", -50, data), "")
    assert parse_network(setting).ssid_bytes == data  # type: ignore[union-attr]  # it is Wi-Fi


async def test_only_kinds_that_the_model_accepts_are_offered(modules: Page) -> None:
    every = ["wifi", "ethernet", "gsm", "nb", "catm1", "cellular", "lora"]
    assert await call(modules, "kindsFor", {"networks": ["ethernet", "wifi"]}, every) == [
        "wifi",
        "ethernet",
    ]
    assert await call(modules, "kindsFor", {"connectivity": ["lora", "ble"]}, every) == ["lora"]
    assert await call(modules, "kindsFor", None, every) == every
