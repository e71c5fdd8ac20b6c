"""The page behind a device's link: what a person may see, and nothing else."""

from __future__ import annotations

import asyncio

import httpx

from agent.simulator.thingsboard_credentials import token_credentials
from tests.simulator.moored_boards import TOKEN, board, settings, thingsboard


async def fetch(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url)


async def test_a_device_is_shown_as_it_connects_without_its_secrets():
    from agent.links.open import open_link
    from agent.sessions.console import BAUD, open_console
    from tests.simulator.moored_boards import put

    async with thingsboard() as (server, device), board("esp32", "console") as plugged:
        url = f"{server.addresses['http']}/entities/devices/{device.id}"
        shown = await fetch(url)
        assert shown.status_code == 200
        assert "not connected" in shown.text
        assert "never" in shown.text
        assert plugged.address is not None
        delivery = await open_console(await open_link(plugged.address, BAUD))
        try:
            assert await put(delivery, settings(server)) == "connected"
        finally:
            await delivery.close()
        async with asyncio.timeout(30):
            while "simulated&quot;: true" not in (shown := await fetch(url)).text:
                await asyncio.sleep(0.01)
        assert "not connected" not in shown.text
        assert "prepared boards" in shown.text
        assert TOKEN not in shown.text
        assert server.check.secret.reveal() not in shown.text


async def test_names_and_telemetry_are_text_and_no_part_of_the_page():
    async with thingsboard() as (server, _):
        wild = server.prepare("<script>alert(1)</script>\u202e")
        server.state.replace_credentials(wild, token_credentials("other"))
        wild.telemetry.append((0.0, {"<b>": "\x1b[31m" + "x" * 500}))
        shown = await fetch(f"{server.addresses['http']}/entities/devices/{wild.id}")
        assert "<script>" not in shown.text
        assert "<b>" not in shown.text
        assert "\u202e" not in shown.text
        assert "x" * 300 not in shown.text


async def test_a_device_that_is_not_there_is_said():
    async with thingsboard() as (server, _):
        shown = await fetch(f"{server.addresses['http']}/entities/devices/unknown")
        assert shown.status_code == 404
        assert "no such device" in shown.text
