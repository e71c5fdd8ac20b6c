"""The icon on Linux, as panels meet it: over a real bus."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from typing import TYPE_CHECKING

import pytest
from dbus_fast.errors import DBusError

from agent.desktop.tray.host import Shown
from agent.desktop.tray.icons import SIZES
from agent.desktop.tray.item import Action, CancelJob, OpenPage
from agent.desktop.tray.menu import View, build_menu
from agent.desktop.tray.news import Notice
from agent.desktop.tray.state import IconState
from agent.desktop.tray.status_notifier import StatusNotifier
from agent.simulator.ble_bus import PrivateBus
from tests.desktop.tray.panel import ITEM, Panel, panel
from tests.desktop.tray.samples import board, job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.needs("dbus")

VIEW = View(boards=(board(1, name="kitchen_1"), board(2, name="cellar")), jobs=(job(),))
SHOWN = Shown(IconState.WORKING, "1 job <running>", build_menu(VIEW))
RETRY_S = 0.05


class Clicks:
    """What was chosen, in order."""

    def __init__(self) -> None:
        self._actions: asyncio.Queue[Action] = asyncio.Queue()

    def __call__(self, action: Action) -> None:
        self._actions.put_nowait(action)

    async def next(self) -> Action:
        return await asyncio.wait_for(self._actions.get(), 15)

    @property
    def none(self) -> bool:
        return self._actions.empty()


@contextlib.asynccontextmanager
async def shown(address: str | None, clicks: Clicks | None = None) -> AsyncIterator[StatusNotifier]:
    """The host on this bus, until the context ends."""
    host = StatusNotifier(address=address, retry_s=RETRY_S)
    host.show(SHOWN)
    task = asyncio.create_task(host.run(clicks or Clicks()))
    try:
        yield host
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled(), task.exception()


async def said(caplog: pytest.LogCaptureFixture, text: str, times: int = 1) -> None:
    """Wait for a line in the log."""
    async with asyncio.timeout(15):
        while caplog.text.count(text) < times:
            await asyncio.sleep(0.01)


@pytest.fixture
async def met(bus: str) -> AsyncIterator[tuple[StatusNotifier, Panel, Clicks]]:
    """A host and a panel that have met."""
    clicks = Clicks()
    async with panel(bus) as here, shown(bus, clicks) as host:
        await here.registered()
        yield host, here, clicks


async def test_it_registers_under_the_name_that_the_specification_gives(met):
    _, here, _ = met
    assert here.items[0][1] == f"{ITEM}-{os.getpid()}-1"


async def test_a_panel_finds_everything_it_draws(met):
    _, here, _ = met
    found = await here.properties()
    assert found["Title"] == "Mooring"
    assert found["Status"] == "Active"
    assert found["ItemIsMenu"] is True
    assert found["Menu"] == "/MenuBar"
    assert list(found["ToolTip"][2:]) == ["Mooring", "1 job &lt;running&gt;"]
    assert [(width, height, len(pixels)) for width, height, pixels in found["IconPixmap"]] == [
        (size, size, size * size * 4) for size in SIZES
    ]
    assert (await here.properties(item=False))["Version"] == 3
    labels = [line.label for line in await here.menu() if line.label]
    assert labels == [
        "Open Mooring",
        "kitchen_1 – being set up 38%",
        "cellar – ready",
        "Setting up sensor-1 – 38%",
        "Quit Mooring",
    ]


@pytest.mark.parametrize("group", [True, False], ids=["EventGroup", "Event"])
async def test_a_click_arrives_whichever_way_the_panel_sends_it(met, group):
    _, here, clicks = met
    await here.click("Setting up", "Cancel", group=group)
    assert await clicks.next() == CancelJob("1")


async def test_a_panel_without_menus_gets_the_page(met):
    _, here, clicks = met
    for member in ("Activate", "SecondaryActivate"):
        await here.ask(member, "ii", (10, 10), item=True)
        assert await clicks.next() == OpenPage()
    await here.ask("Scroll", "is", (1, "vertical"), item=True)
    await here.ask("ContextMenu", "ii", (10, 10), item=True)
    assert clicks.none


async def test_the_panel_hears_of_each_change(met):
    host, here, _ = met
    host.show(Shown(IconState.ASKING, "needs you", build_menu(View())))
    status = await here.signal("NewStatus")
    assert status.body == ["NeedsAttention"]
    found = await here.properties()
    assert (found["Status"], found["ToolTip"][3]) == ("NeedsAttention", "needs you")
    assert found["AttentionIconPixmap"] == found["IconPixmap"]
    await here.wait_line("No board")


async def test_what_stays_the_same_is_not_told(met):
    host, here, _ = met
    host.show(SHOWN)
    host.show(Shown(SHOWN.icon, "other words", SHOWN.menu))
    await here.signal("NewToolTip")
    assert not here.signals


async def test_progress_changes_words_and_never_the_layout(met):
    host, here, _ = met
    further = View(boards=VIEW.boards, jobs=(job(steps=[]),))
    host.show(Shown(SHOWN.icon, SHOWN.line, build_menu(further)))
    await here.signal("LayoutUpdated")  # the line that names the step has gone
    again = View(boards=VIEW.boards, jobs=(job(steps=[], title="Erasing"),))
    host.show(Shown(SHOWN.icon, SHOWN.line, build_menu(again)))
    assert (await here.signal("ItemsPropertiesUpdated")).body[0][0][1]["label"].value == "Erasing"


async def test_what_a_panel_asks_wrongly_is_refused_and_does_no_harm(met):
    _, here, clicks = met
    for member, signature, body in (
        ("Event", "i", [1]),
        ("GetLayout", "iias", [999, -1, []]),
        ("NoSuchMethod", "", []),
    ):
        with pytest.raises(DBusError):
            await here.ask(member, signature, body)
    await here.click("Open Mooring")
    assert await clicks.next() == OpenPage()


async def test_the_icon_appears_when_a_panel_does(bus, caplog):
    caplog.set_level(logging.INFO, "agent")
    async with shown(bus):
        await said(caplog, "no place for an icon now")
        async with panel(bus) as here:
            await here.registered()
            await here.line("cellar")


async def test_the_icon_is_there_again_after_the_panel_crashed(bus, caplog):
    caplog.set_level(logging.INFO, "agent")
    clicks = Clicks()
    async with shown(bus, clicks):
        for time in (1, 2, 3):
            async with panel(bus) as here:
                await here.registered()
                await here.click("Open Mooring")
                assert await clicks.next() == OpenPage()
            await said(caplog, "no place for an icon now", time)
    # One line for each change, however often it was tried.
    assert len(caplog.records) <= 7


async def test_without_a_session_bus_there_is_one_line_and_then_an_icon(caplog, tmp_path):
    caplog.set_level(logging.INFO, "agent")
    address = f"unix:path={tmp_path / 'socket'}"
    async with shown(address) as host:
        await said(caplog, "no session bus")
        host.tell(Notice(key="a", title="Lost"))
        await asyncio.sleep(RETRY_S * 4)
        assert len(caplog.records) == 1
        async with PrivateBus() as late:
            tmp_path.joinpath("socket").symlink_to(late.address.split("=")[1].split(",")[0])
            async with panel(late.address) as here:
                await here.registered()
                await here.line("cellar")


async def test_the_bus_of_a_login_is_found_without_its_variable(bus, monkeypatch, tmp_path):
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.joinpath("bus").symlink_to(bus.split("=")[1].split(",")[0])
    async with panel(bus) as here, shown(None):
        await here.registered()


async def test_an_environment_without_any_session_is_no_error(caplog, monkeypatch):
    caplog.set_level(logging.INFO, "agent")
    for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    host = StatusNotifier(retry_s=RETRY_S)
    task = asyncio.create_task(host.run(Clicks()))
    await said(caplog, "no session bus")
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_the_icon_comes_back_with_the_session_bus(caplog, tmp_path):
    caplog.set_level(logging.INFO, "agent")
    link = tmp_path / "socket"
    async with contextlib.AsyncExitStack() as stack:
        async with PrivateBus() as first:
            link.symlink_to(first.address.split("=")[1].split(",")[0])
            await stack.enter_async_context(shown(f"unix:path={link}"))
            async with panel(first.address) as here:
                await here.registered()
        await said(caplog, "no session bus")
        link.unlink()
        second = await stack.enter_async_context(PrivateBus())
        link.symlink_to(second.address.split("=")[1].split(",")[0])
        async with panel(second.address) as here:
            await here.registered()


async def test_a_bus_that_never_answers_is_left_alone_at_the_end():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        async with shown(f"tcp:host=127.0.0.1,port={port}"):
            connection, _ = await asyncio.to_thread(silent.accept)
        connection.close()


async def test_a_watcher_that_refuses_costs_one_line(bus, caplog):
    caplog.set_level(logging.INFO, "agent")
    async with panel(bus) as here:
        here.refuses = True
        async with shown(bus):
            await said(caplog, "the desktop took no icon")
