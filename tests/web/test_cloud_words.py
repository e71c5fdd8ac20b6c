"""What the page says of nRF Cloud and Blynk, and which boards it offers them to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.catalog import Catalog
from tests.web.own_clouds import BLYNK_RESULT, DEVICE_ID, NRF_RESULT, POINTS

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

SERIAL = {"kind": "serial", "address": "/dev/ttyACM0"}
AIR = {"kind": "ble", "address": "ble://A1:B2:C3:D4:E5:F6"}
SETUP, UPDATE, NETWORK = "setup", "update", ["network", "erase"]


async def call(page: Page, module: str, name: str, *args: object) -> Any:
    script = "async ([module, name, args]) => (await import(`/lib/${module}.js`))[name](...args)"
    return await page.evaluate(script, [module, name, list(args)])


def cloud(name: str, *, signed_in: bool = False) -> dict[str, Any]:
    return {
        "id": name,
        "title": name.title(),
        "signed_in": signed_in,
        "needs_account": name != "blynk",
        "account_schema": {"properties": {} if name == "none" else {"key": {}}},
    }


def board(
    model: str | None = None,
    *candidates: str,
    installed: str | None = None,
    supported: tuple[str, ...] = (),
    port: dict[str, Any] = SERIAL,
) -> dict[str, Any]:
    return {
        "id": "b1",
        "name": "a board",
        "model": model,
        "candidates": list(candidates),
        "ports": [port],
        "state": "ready",
        "provisioning": {"supported": list(supported), "installed": installed},
    }


ALL = [cloud("arduino", signed_in=True), *map(cloud, ("none", "thingsboard", "nrf", "blynk"))]


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (board("thingy91x"), ["nrf", "monitor"]),
        (board(None, "nrf9151_dk", "nrf9160_dk"), ["nrf", "monitor"]),
        (board(installed="nrf"), ["nrf", "monitor"]),
        (board(installed="blynk"), ["blynk", *NETWORK, "monitor"]),
        (board(installed="blynk", port=AIR), ["blynk", *NETWORK]),
        (board(None, "esp32", "esp8266"), [UPDATE, "blynk", "write", "monitor"]),
        (board(), ["device", "blynk", "monitor"]),
        (board(None, "rp2040"), [UPDATE, "write", "monitor"]),
        (
            board("uno_r4_wifi", supported=("1.0", "2.0")),
            [SETUP, *NETWORK, "write", "monitor"],
        ),
    ],
)
async def test_a_board_is_offered_the_clouds_that_fit_it(
    modules: Page, given: dict[str, Any], parts: list[str]
) -> None:
    known = {"procedure": "", "clouds": ALL}
    assert await call(modules, "boardparts", "partsOf", given, known) == parts


async def test_a_client_of_blynk_brings_its_form_to_boards_that_can_have_its_firmware(
    modules: Page,
) -> None:
    signed = [*ALL[:4], cloud("blynk", signed_in=True)]
    known = {"procedure": "", "clouds": signed}
    given = board("nano_esp32", supported=("1.0", "2.0"))
    assert "blynk" in await call(modules, "boardparts", "partsOf", given, known)
    opta = board("opta", supported=("1.0", "2.0"))
    assert "blynk" not in await call(modules, "boardparts", "partsOf", opta, known)


async def test_every_board_with_a_modem_of_nordic_has_one_cloud(modules: Page) -> None:
    modems = [
        model.id for model in Catalog.load().models if model.id.startswith(("thingy", "nrf9"))
    ]
    assert modems
    for model in modems:
        assert await call(modules, "clouds", "isNrf", board(model))


async def test_a_token_is_told_by_what_surrounds_it(modules: Page) -> None:
    lines = '#define BLYNK_TEMPLATE_ID "TMPLdemo00000"#define BLYNK_AUTH_TOKEN "secret-0123"'
    said = await call(modules, "clouds", "pastedWords", lines)
    assert "TMPLdemo00000" in said
    assert "secret" not in said
    assert await call(modules, "clouds", "pastedWords", "secret-0123") == ""
    only = '#define BLYNK_TEMPLATE_ID "TMPLdemo00000"'
    assert "no BLYNK_AUTH_TOKEN" in await call(modules, "clouds", "pastedWords", only)
    assert await call(modules, "clouds", "listed", " a, b,,a ,c") == ["a", "b", "c"]


async def test_a_console_is_linked_only_where_it_is_known(modules: Page) -> None:
    async def link(server: str) -> str:
        told: str = await call(modules, "clouds", "consoleLink", {"account": {"server": server}})
        return told

    assert await link("fra1.blynk.cloud") == "https://fra1.blynk.cloud/dashboard/"
    assert await link("http://127.0.0.1:1") == ""
    assert await link("blynk.cloud.example.com") == ""


async def test_a_device_is_that_of_the_newest_job_unless_it_was_removed(modules: Page) -> None:
    def job(kind: str, **result: Any) -> dict[str, Any]:
        given = {"cloud": "nrf"}
        return {
            "board": "b1",
            "kind": kind,
            "state": "done",
            "request": given,
            "result": given | result,
        }

    made, renewed = job("provision", device_id=DEVICE_ID), job("renew", device_id=DEVICE_ID)
    removed = job("remove", device_id=DEVICE_ID)
    for jobs, expected in (
        ([made], DEVICE_ID),
        ([renewed, made], DEVICE_ID),
        ([removed, renewed, made], None),
        ([made, removed, made], DEVICE_ID),
        ([made | {"state": "failed"}], None),
        ([made | {"board": "b2"}], None),
    ):
        found = await call(modules, "clouds", "deviceOf", jobs, "b1", "nrf")
        assert (found or {}).get("device_id") == expected


async def test_each_end_of_a_job_has_its_words(modules: Page) -> None:
    async def done(kind: str, result: dict[str, Any], **changes: Any) -> tuple[str, bool]:
        job = {"kind": kind, "request": {"cloud": result["cloud"]}, "result": result | changes}
        told = await call(modules, "cloudwords", "cloudDone", job)
        return f"{told['words']}{told['name']}", told["seen"]

    assert await done("provision", NRF_RESULT) == ("Online as greenhouse", True)
    assert await done("provision", NRF_RESULT, connected=None) == ("Claimed: greenhouse", False)
    assert await done("renew", NRF_RESULT) == ("New keys for greenhouse", True)
    assert await done("remove", NRF_RESULT, lost=["history"]) == ("Released: greenhouse", True)
    assert await done("provision", BLYNK_RESULT) == ("Online as Thermo-4Y1H", True)
    unseen = ("Has its settings as Thermo-4Y1H", False)
    assert await done("provision", BLYNK_RESULT, connected=None) == unseen
    gone = {"deleted": True, "erased": True, "forgotten": ["905d4b4e"]}
    assert await done("remove", BLYNK_RESULT, **gone) == ("Removed for good: Thermo-4Y1H", True)
    facts = await call(modules, "cloudwords", "cloudFacts", {"request": {}, "result": BLYNK_RESULT})
    assert ["Token", "made by Blynk for this board"] in facts
    assert ["Network", "HomeNet"] in facts


async def test_access_points_have_names_that_can_be_read(modules: Page) -> None:
    assert await call(modules, "points", "pointName", "Blynk Thermo-4Y1H") == "Blynk Thermo-4Y1H"
    assert await call(modules, "points", "pointName", "hex:4b") == "K"
    assert await call(modules, "points", "pointName", "hex:zz") == "hex:zz"
    assert "One network looks" in await call(modules, "points", "foundWords", POINTS)
    other = await call(modules, "points", "foundWords", POINTS[1:])
    assert other.startswith("No network here looks like a board's. 1 other open network")
    assert await call(modules, "points", "strengthDbm", 100) == -50
