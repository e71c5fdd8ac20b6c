"""``mooring origins``: the list of pages as people read and change it."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import websockets.asyncio.client as websockets
from websockets.exceptions import ConnectionClosed

from agent.bridge.consent import Asking, RefusedOrigin
from agent.bridge.consent_service import OriginsDocument
from agent.bridge.origins import AllowedOrigin
from agent.bridge.refused_pages import RefusedPage
from agent.bridge.scopes import Scope
from agent.cli.origin_commands import show_origins
from agent.cli.output import Output
from agent.desktop.instance import find_instance
from tests.cli.conftest import running_agent

if TYPE_CHECKING:
    from tests.cli.conftest import Mooring

PAGE = "https://app.example.com"
NOTHING: dict[str, list[Any]] = {"origins": [], "asking": [], "refused": [], "turned_away": []}


async def test_pages_are_allowed_and_revoked(alone: Mooring) -> None:
    await alone.run("origins", "allow", PAGE)
    listed = await alone.run("origins", "--json")
    (entry,) = listed.document["origins"]
    assert entry["url"] == PAGE
    assert entry["may"] == ["boards", "serial", "flash", "provision"]
    narrowed = await alone.run("origins", "allow", PAGE, "--for", "serial", "--json")
    assert narrowed.document["origins"] == [{**entry, "may": ["boards", "serial"]}]
    ended = await alone.run("origins", "revoke", PAGE, "--json")
    assert ended.document == NOTHING | {"jobs": []}


async def test_two_commands_at_once_without_an_agent_both_count(alone: Mooring) -> None:
    other = "https://other.example.com"
    await asyncio.gather(*(alone.run("origins", "allow", url) for url in (PAGE, other)))
    listed = await alone.run("origins", "--json")
    assert {each["url"] for each in listed.document["origins"]} == {PAGE, other}


async def test_an_agent_that_starts_beside_a_command_learns_of_it(alone: Mooring) -> None:
    await alone.run("origins", "allow", PAGE)
    other = "https://other.example.com"
    process, *ended = await asyncio.gather(
        alone.start("run", "--headless", "--json"),
        alone.run("origins", "revoke", PAGE),
        alone.run("origins", "allow", other),
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        assert [each.status for each in ended] == [0, 0]
        listed = await alone.run("origins", "--json")
        assert [each["url"] for each in listed.document["origins"]] == [other]
    finally:
        process.terminate()
        await process.communicate()


async def test_a_page_that_is_mistyped_is_said_not_to_be_on_the_list(alone: Mooring) -> None:
    await alone.run("origins", "allow", PAGE)
    ended = await alone.run("origins", "revoke", "https://app.exmaple.com/")
    assert ended.status == 0
    assert "https://app.exmaple.com was not on the list" in ended.err
    assert PAGE in ended.out
    assert "not on the list" not in (await alone.run("origins", "revoke", PAGE)).err


async def test_an_address_that_no_page_has_is_no_word_about_boards(alone: Mooring) -> None:
    ended = await alone.run("origins", "revoke", "http://app.example.com")
    assert ended.status == 2
    assert "What each page may do is as it was." in ended.err
    assert "Nothing was sent" not in ended.err


async def test_an_unknown_permission_is_wrong_input(alone: Mooring) -> None:
    ended = await alone.run("origins", "allow", PAGE, "--for", "boards,everything")
    assert ended.status == 2
    assert "boards, serial, flash, provision" in ended.err


async def test_a_page_that_asks_is_answered_from_the_command_line(
    alone: Mooring, agent: asyncio.subprocess.Process
) -> None:
    del agent
    async with asks(alone) as page:
        assert json.loads(await page.recv())["state"] == "asking"
        assert "asks" in (await alone.run("origins")).out
        ended = await alone.run("origins", "answer", PAGE + "/", "no")
        assert ended.status == 0
        assert "refused" in ended.out
        assert json.loads(await page.recv())["error"]["code"] == "origin-silenced"
    late = await alone.run("origins", "answer", PAGE, "always")
    assert late.status == 2
    assert "does not ask" in late.err


async def test_an_agent_that_is_killed_while_a_page_asks_comes_back_with_nothing_of_it(
    alone: Mooring,
) -> None:
    process = await alone.start("run", "--headless", "--json")
    assert process.stdout is not None
    await process.stdout.readline()
    async with asks(alone) as page:
        assert json.loads(await page.recv())["state"] == "asking"
        process.kill()
        with pytest.raises(ConnectionClosed):
            await page.recv()
    await process.wait()
    async with running_agent(alone):
        assert (await alone.run("origins", "--json")).document == NOTHING
        async with asks(alone) as page:
            assert json.loads(await page.recv())["state"] == "asking"


def asks(mooring: Mooring) -> websockets.connect:
    """The socket over which the page asks the agent that runs."""
    instance = find_instance(mooring.demo.paths)
    assert instance is not None
    url = f"ws://127.0.0.1:{instance.port}/ask?wants=serial"
    return websockets.connect(url, origin=PAGE, proxy=None)  # type: ignore[arg-type] # a NewType of str


def test_a_long_name_is_cut_where_it_does_not_matter() -> None:
    url = "https://bank.example.com." + "a" * 60 + ("." + "b" * 60) * 2 + ".evil.example:8443"
    asking = Asking(
        ask="1",
        url=url,
        wants=(Scope.BOARDS, Scope.FLASH),
        has=(),
        since=0.0,
        until=120.0,
        quiet=False,
    )
    document = OriginsDocument(
        origins=[AllowedOrigin(url=PAGE, since=0.0, may=(Scope.BOARDS,), once=True)],
        asking=[asking],
        refused=[RefusedOrigin(url="https://no.example.com", until=86_400.0)],
        turned_away=[RefusedPage(url="https://new.example.com", at=60.0)],
    )
    out = io.StringIO()
    show_origins(Output(out=out), document)
    head, first, second, third, fourth = out.getvalue().splitlines()
    assert head.split() == ["PAGE", "STATE", "MAY", "WHEN"]
    assert ".evil.example:8443  asks" in first
    assert "boards, flash" in first
    assert second.split()[:4] == [PAGE, "allowed", "once", "boards"]
    assert third.split()[:3] == ["https://no.example.com", "refused", "until"]
    assert fourth.split()[:5] == ["https://new.example.com", "not", "let", "in", "at"]
