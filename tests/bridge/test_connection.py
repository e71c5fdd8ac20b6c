"""A peer served through two functions, as a command in this process is."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from agent.bridge import limits
from agent.bridge.connection import DEFECT, GONE, REVOKED, SLOW, Close, Connection
from agent.bridge.outbox import Notification
from agent.bridge.peer import Peer
from agent.bridge.rpc import Call, Dispatcher, Method, Nothing

if TYPE_CHECKING:
    import pytest


class Line:
    """Both ends of a connection: queues in place of a socket."""

    def __init__(self) -> None:
        self.finished = asyncio.Event()
        self.begun = asyncio.Event()
        self.cancelled = False
        self.data: list[bytes] = []
        self.peer = Peer(origin=None, own=True)
        self.connection = Connection(
            self._dispatcher(), self.peer, lambda _peer, data: self.data.append(data)
        )
        self.to_agent: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.from_agent: asyncio.Queue[str | bytes] = asyncio.Queue(1)
        self.serving = asyncio.ensure_future(
            self.connection.serve(self.to_agent.get, self.from_agent.put)
        )

    def _dispatcher(self) -> Dispatcher:
        async def quick(_call: Call, _params: Nothing) -> Nothing:
            return Nothing()

        async def long(_call: Call, _params: Nothing) -> Nothing:
            self.begun.set()
            try:
                await self.finished.wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise
            return Nothing()

        async def big(_call: Call, _params: Nothing) -> str:
            return "x" * (limits.ANSWER_BYTES // 4)

        dispatcher = Dispatcher()
        for name, run, result in (
            ("quick", quick, Nothing),
            ("long", long, Nothing),
            ("big", big, str),
        ):
            dispatcher.add(Method(name, "", Nothing, result, run))
        return dispatcher

    async def ask(self, method: str, identity: int = 1) -> None:
        await self.to_agent.put(json.dumps({"jsonrpc": "2.0", "id": identity, "method": method}))

    async def answer(self) -> Any:
        return json.loads(await self.from_agent.get())


async def test_a_long_call_does_not_hold_up_a_short_one() -> None:
    line = Line()
    await line.ask("long", 1)
    await line.ask("quick", 2)
    assert (await line.answer())["id"] == 2
    line.finished.set()
    assert (await line.answer())["id"] == 1
    await line.to_agent.put(None)
    assert await line.serving == GONE


async def test_leaving_cancels_what_runs_and_gives_up_what_is_held() -> None:
    line = Line()
    given_up: list[str] = []
    line.peer.hold("a", lambda: given_up.append("a"))
    await line.ask("long")
    await line.begun.wait()
    await line.to_agent.put(None)
    assert await line.serving == GONE
    assert line.cancelled
    assert given_up == ["a"]


async def test_it_can_be_ended_from_this_side_once() -> None:
    line = Line()
    line.connection.close(REVOKED)
    line.connection.close(GONE)
    assert await line.serving == REVOKED


async def test_a_peer_that_reads_no_answers_is_closed_while_it_still_sends() -> None:
    line = Line()
    for number in range(8):
        await line.ask("big", number)
    assert await line.serving == SLOW


async def test_binary_messages_are_handed_on() -> None:
    line = Line()
    await line.to_agent.put(b"\x01data")
    await line.ask("quick")
    await line.answer()
    assert line.data == [b"\x01data"]
    line.connection.close(GONE)
    await line.serving


async def test_a_transport_that_breaks_is_a_peer_that_left() -> None:
    async def broken(_message: str | bytes) -> None:
        raise ConnectionResetError

    peer = Peer(origin=None, own=True)
    connection = Connection(Dispatcher(), peer, lambda _peer, _data: None)
    receive: asyncio.Queue[str | bytes | None] = asyncio.Queue()
    serving = asyncio.ensure_future(connection.serve(receive.get, broken))
    peer.outbox.post(b"{}")
    assert await serving == GONE


async def test_a_defect_ends_the_connection_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    line.peer.outbox.notify(Notification("broken", object()), key="k")
    outcome: Close = await line.serving
    assert outcome == DEFECT
    assert "serving a program of this user failed" in caplog.text
