"""Notifications, as the program that shows them on Linux meets them: over a real bus."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from agent.desktop.tray.item import Action, OpenPage
from agent.desktop.tray.news import Notice, Withdraw
from agent.desktop.tray.notify import ICON_SIZE, WAITING_LIMIT
from agent.desktop.tray.status_notifier import StatusNotifier
from tests.desktop.tray.panel import panel
from tests.desktop.tray.shower import shower

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.needs("dbus")

NOTICE = Notice(key="job:1", title="Setting up a & b needs you", body="a < b", place=("job", "1"))


@pytest.fixture
def chosen() -> asyncio.Queue[Action]:
    return asyncio.Queue()


@pytest.fixture
async def host(bus: str, chosen: asyncio.Queue[Action]) -> AsyncIterator[StatusNotifier]:
    """The tray, once it is on the bus."""
    made = StatusNotifier(address=bus)
    task = asyncio.create_task(made.run(chosen.put_nowait))
    async with panel(bus) as here:
        await here.registered()
    yield made
    task.cancel()
    await asyncio.wait({task})


async def test_a_notice_is_shown_with_its_icon_and_the_name_to_silence_it_by(bus, host):
    async with shower(bus, "actions", "body") as here:
        host.tell(NOTICE)
        program, before, _, title, body, actions, hints, expires = (await here.next()).body
    assert (program, before, title, body) == ("Mooring", 0, NOTICE.title, "a < b")
    assert actions == ["default", "Open Mooring"]
    assert expires == -1
    assert hints["urgency"].value == 1
    assert hints["desktop-entry"].value == "mooring"
    assert len(hints["image-data"].value[-1]) == ICON_SIZE * ICON_SIZE * 4


async def test_a_text_is_masked_where_it_would_be_taken_for_markup(bus, host):
    async with shower(bus, "body-markup") as here:
        host.tell(NOTICE)
        shown = (await here.next()).body
    # The title never is markup.
    assert (shown[3], shown[4]) == (NOTICE.title, "a &lt; b")


async def test_good_to_know_is_less_urgent(bus, host):
    async with shower(bus) as here:
        host.tell(Notice(key="a", title="A board", low=True))
        assert (await here.next()).body[6]["urgency"].value == 0


async def test_a_click_leads_to_its_place(bus, host, chosen):
    async with shower(bus) as here:
        host.tell(NOTICE)
        await here.next()
        await here.signal("ActionInvoked", "us", 77, "default")
        await here.signal("ActionInvoked", "us", 1, "default")
        assert await asyncio.wait_for(chosen.get(), 15) == OpenPage(("job", "1"))
        assert chosen.empty()


async def test_a_later_notice_of_the_same_thing_takes_the_place(bus, host):
    async with shower(bus) as here:
        for before in (0, 1):
            host.tell(NOTICE)
            assert (await here.next()).body[1] == before


async def test_a_notice_that_is_no_longer_true_is_taken_back_if_it_is_still_there(bus, host):
    async with shower(bus) as here:
        host.tell(NOTICE)
        await here.next()
        host.tell(Withdraw("job:1"))
        gone = await here.next()
        assert (gone.member, gone.body) == ("CloseNotification", [1])
        host.tell(Withdraw("job:1"))
        host.tell(Notice(key="b", title="B"))
        assert (await here.next()).member == "Notify"


async def test_a_notice_that_a_person_closed_is_forgotten(bus, host, chosen):
    async with shower(bus) as here:
        host.tell(NOTICE)
        await here.next()
        await here.signal("NotificationClosed", "uu", 1, 2)
        await here.signal("ActionInvoked", "us", 1, "default")
        host.tell(Withdraw("job:1"))
        host.tell(Notice(key="b", title="B"))
        assert (await here.next()).member == "Notify"
        assert chosen.empty()


async def test_where_nothing_shows_notifications_there_is_one_line(bus, host, caplog):
    caplog.set_level(logging.INFO, "agent")
    for _ in range(3):
        host.tell(NOTICE)
    async with panel(bus) as here:
        # The item still answers, so those three are behind us.
        await here.registered()
        await here.menu()
    host.tell(NOTICE)
    async with shower(bus) as later:
        host.tell(Notice(key="b", title="B"))
        while (await later.next()).body[3] != "B":
            pass
    assert caplog.text.count("no notifications on this desktop") == 1


async def test_a_flood_is_cut_to_the_latest(bus, host):
    async with shower(bus) as here:
        for number in range(WAITING_LIMIT * 3):
            host.tell(Notice(key=str(number), title=str(number)))
        shown = [(await here.next()).body[3] for _ in range(WAITING_LIMIT)]
    assert shown == [str(number) for number in range(WAITING_LIMIT * 2, WAITING_LIMIT * 3)]
