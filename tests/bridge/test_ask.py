"""Pages that ask, over real WebSockets, and what people answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.bridge.running import FOREIGN, UNKNOWN, Bridge

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection


async def told(page: ClientConnection) -> dict[str, Any]:
    """The next thing that a page is told."""
    message: dict[str, Any] = json.loads(await page.recv())
    return message


async def end_of(page: ClientConnection) -> int:
    """The code with which its socket is closed."""
    with pytest.raises(ConnectionClosed) as caught:
        await page.recv()
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


async def test_a_page_asks_and_may_do_what_the_person_allowed(bridge: Bridge) -> None:
    own = await bridge.open(own=True)
    await own.call("origins.subscribe")
    async with bridge.ask(UNKNOWN, "serial") as page:
        asking = await told(page)
        (asked,) = (await own.next("origins.changed"))["asking"]
        assert asked["url"] == UNKNOWN
        assert asked["wants"] == ["boards", "serial"]
        assert asked["has"] == []
        assert asked["until"] == asking["until"] > asked["since"]
        with pytest.raises(InvalidStatus):
            await bridge.open(UNKNOWN)
        after = await own.call("origins.answer", ask=asked["ask"], decision="always")
        assert after["asking"] == []
        allowed = {"state": "allowed", "may": ["boards", "serial"], "once": False}
        assert await told(page) == allowed
        assert await end_of(page) == 1000
    allowed_page = await bridge.open(UNKNOWN)
    assert (await allowed_page.call("agent.info"))["may"] == ["boards", "serial"]
    assert await allowed_page.call("boards.list") == {"boards": []}
    error = await allowed_page.fail("flash.offer", name="a.bin", size=3)
    assert error["data"]["code"] == "scope-refused"


async def test_an_allowed_page_is_told_so_at_once(bridge: Bridge) -> None:
    async with bridge.ask(FOREIGN, "boards,serial,flash,provision") as page:
        assert (await told(page))["state"] == "allowed"
        assert await end_of(page) == 1000
