"""``/info``, ``/pause`` and ``/update`` on a real server."""

from __future__ import annotations

from agent.bridge.scopes import ALL
from tests.bridge.running import FOREIGN
from tests.compat.running import VENDOR, Running


async def test_info_is_told_to_programs_too_and_its_length_alone(running: Running) -> None:
    async with running.http() as http:
        answer = await http.get("/info")
        assert (await http.head("/info")).headers["content-length"] == str(len(answer.content))
    assert answer.headers["content-type"] == "application/json"
    assert "access-control-allow-origin" not in answer.headers


async def test_a_page_of_the_vendor_pauses_the_agent_until_the_person_resumes(
    running: Running,
) -> None:
    pause = running.bridge.services.boards.pause
    async with running.http(origin=VENDOR) as http, running.socket() as page:
        answer = await http.post("/pause")
        assert (answer.status_code, answer.content) == (200, b"null")
        assert pause.state.on
        await page.command("list")
        assert await page.find("Ports") == {"Ports": []}
        assert (await http.get("/info")).status_code == 200
    pause.end()


async def test_a_page_that_the_person_allowed_cannot_take_the_boards_from_the_others(
    running: Running,
) -> None:
    running.bridge.services.origins.allow(FOREIGN, ALL)
    async with running.http(origin=FOREIGN) as http:
        answer = await http.post("/pause")
    assert (answer.status_code, answer.reason_phrase) == (403, "Forbidden")
    assert answer.headers["access-control-allow-origin"] == FOREIGN
    assert not running.bridge.services.boards.pause.state.on


async def test_an_update_succeeds_and_nothing_happens(running: Running) -> None:
    async with running.socket() as page, running.http(origin=VENDOR) as http:
        answer = await http.post("/update")
        assert answer.status_code == 200
        assert isinstance(answer.json()["success"], str)
        assert answer.json().keys() == {"success"}
        await page.command("version")
        assert len(await page.messages(6)) == 6
