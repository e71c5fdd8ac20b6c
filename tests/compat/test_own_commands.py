"""Commands that concern neither ports nor boards, on a real server."""

from __future__ import annotations

import json

import pytest

from agent.compat.own_commands import REFUSED
from tests.compat.running import GREETING, VENDOR, Running

ANSWERS = [
    ("version", '{"Version" : "1.7.1-rc1"} '),
    ("VERSION", '{"Version" : "1.7.1-rc1"} '),
    ("hostname", '{"Hostname" : "unknown-hostname"} '),
    ("list", '{\n\t"Ports": []\n}'),
]


async def test_an_answer_follows_its_echo_and_goes_to_the_asking_page_alone(
    running: Running,
) -> None:
    async with running.socket() as page, running.socket() as other:
        await page.messages(GREETING)
        await other.messages(GREETING)
        for command, answer in ANSWERS:
            await page.command(command)
            assert await page.messages(2) == [command, answer]
        await other.command("hostname")
        assert (await other.messages(2))[0] == "hostname"


@pytest.mark.parametrize("origin", [VENDOR, None])
async def test_what_needs_no_browser_is_refused_and_nothing_happens(
    running: Running, origin: str | None
) -> None:
    async with running.socket(origin) as page:
        await page.messages(GREETING)
        for command in (*REFUSED, "log on", "log off", "RESTART now", "memorystats"):
            await page.command(command)
            answer = await page.find("Error")
            assert isinstance(answer["Error"], str)
            assert "trying to close" not in answer["Error"]
        await page.command("version")
        assert json.loads((await page.messages(2))[1])
    assert running.bridge.quits == 0


async def test_a_name_of_a_command_in_another_case_or_with_more_is_the_command(
    running: Running,
) -> None:
    async with running.socket() as page:
        await page.messages(GREETING)
        await page.command("Listing")
        assert await page.find("Ports") == {"Ports": []}
