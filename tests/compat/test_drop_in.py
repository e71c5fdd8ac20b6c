"""The drop-in on a real server: who may ask, routes, bodies, and how it starts and ends."""

from __future__ import annotations

import json

from tests.compat.running import GREETING, VENDOR, Running


async def test_a_page_finds_the_agent_connects_and_gets_the_list(running: Running) -> None:
    async with running.http(origin=VENDOR) as http:
        answer = await http.get("/info")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == VENDOR
    told = answer.json()
    assert told["http"] == running.url
    assert told["ws"] == running.url.replace("http", "ws")
    async with running.socket() as page:
        hello = await page.messages(GREETING)
        assert json.loads(hello[0])["Version"] == told["version"]
        await page.command("list")
        assert await page.message() == "list"
        assert json.loads(await page.message()) == {"Ports": []}


async def test_a_board_is_listed_to_everybody_when_it_comes_and_goes(running: Running) -> None:
    async with running.socket() as page, running.polling() as program:
        board, _ = await running.bridge.board()
        for client in (page, program):
            found = await client.find("Ports")
            assert [port["Name"] for port in found["Ports"]] == [board.address]
        board.unplug()
        for client in (page, program):
            assert await client.find("Ports") == {"Ports": []}
