"""QR codes, module by module as an encoder that is not ours makes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

CODES = json.loads(
    (Path(__file__).parents[1] / "vectors" / "qr-codes.json").read_text(encoding="utf-8")
)["codes"]


async def code_of(page: Page, text: str) -> Any:
    return await page.evaluate(
        "async (text) => (await import('/lib/qr.js')).qrCode(text)",
        text,
    )


@pytest.mark.parametrize("expected", CODES, ids=lambda code: f"version-{code['version']}")
async def test_a_text_becomes_the_modules_of_the_standard(
    modules: Page, expected: dict[str, Any]
) -> None:
    made = await code_of(modules, expected["text"])
    assert (made["version"], made["mask"]) == (expected["version"], expected["mask"])
    rows = [format(int("".join("01"[dark] for dark in row), 2), "x") for row in made["rows"]]
    assert rows == expected["rows"]


async def test_a_text_that_does_not_fit_has_no_code(modules: Page) -> None:
    assert await code_of(modules, "y" * 412) is not None
    assert await code_of(modules, "y" * 413) is None
