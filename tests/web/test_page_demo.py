"""What a newcomer does: one command, a page, a few clicks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from agent.catalog import Catalog
from agent.simulator.config import BoardConfig, complete
from tests.web.people import choose_network, set_up

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.slow,
    # The demo's board takes its time like a real one: some seconds to scan and to join.
    pytest.mark.timeout(120),
]


async def test_the_demo_ends_with_a_board_that_is_online(page: Page) -> None:
    page.set_default_timeout(60_000)
    environment = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "demo", "--json", "--password-stdin"),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(b"password of this test\n")
        told = json.loads(await process.stdout.readline())
        await page.goto(told["url"])
        # Not the one beside it, which runs provisioning 1.0.
        first = complete(BoardConfig(), Catalog.load()).serial_number
        await page.locator(f'.boards li[data-key$="{first}"]').click()
        await expect(page.get_by_text("networks just now")).to_be_visible()
        await choose_network(page, "HomeNet", "password of this test")
        await expect(page.locator(".choices :checked + span")).to_have_text(
            "Arduino Cloud (simulated)"
        )
        await set_up(page).click()
        await expect(page.locator(".online")).to_contain_text(
            "Online as uno-r4-wifi", timeout=60_000
        )
        await page.get_by_role("link", name="Settings", exact=True).click()
        await expect(page.get_by_text("A demo forgets them when it ends.")).to_be_visible()
    finally:
        process.send_signal(signal.SIGTERM)
        process.stdin.close()
        await process.wait()
