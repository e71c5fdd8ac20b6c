"""A command's client: answers, errors, notifications and the end of the agent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.bridge.connection import RESTART, Connection
from agent.bridge.outbox import Notification
from agent.bridge.peer import Peer
from agent.bridge.rpc import Call, Dispatcher, Method, Nothing, Params
from agent.cli.client import error_from, exit_status_of
from agent.cli.connect import inside_client
from agent.errors import (
    AgentGone,
    ExitStatus,
    InternalError,
    PortBusy,
    ReportedError,
    UnknownBoard,
)
from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.cli.client import Client


class Text(Params, frozen=True, kw_only=True):
    text: str


class Password(Params, frozen=True, kw_only=True):
    password: Secret


class Inside:
    """An agent with a few methods, served as a real one is."""

    def __init__(self) -> None:
        self.peer = Peer(origin=None, own=True)
        self.data: list[bytes] = []
        self.heard: list[str] = []
        dispatcher = Dispatcher()
        for method in (
            Method("echo", "The text again.", Text, dict, self._echo),
            Method("sign", "Takes a secret.", Password, Nothing, self._sign),
            Method("busy", "Fails.", Nothing, Nothing, self._busy),
            Method("never", "Does not answer.", Nothing, Nothing, self._never),
        ):
            dispatcher.add(method)
        self.connection = Connection(dispatcher, self.peer, lambda _, data: self.data.append(data))

    async def _echo(self, _call: Call, params: Text) -> dict[str, str]:
        return {"text": params.text}

    async def _sign(self, _call: Call, params: Password) -> Nothing:
        self.heard.append(params.password.reveal())
        return Nothing()

    async def _busy(self, _call: Call, _params: Nothing) -> Nothing:
        raise PortBusy(port="COM3", holder="job 7")

    async def _never(self, _call: Call, _params: Nothing) -> Nothing:
        await asyncio.get_running_loop().create_future()
        return Nothing()


@pytest.fixture
async def agent() -> Inside:
    return Inside()


@pytest.fixture
async def client(agent: Inside) -> AsyncIterator[Client]:
    async with inside_client(agent.connection) as client:
        yield client


async def test_a_call_returns_its_result(client):
    assert await client.call("echo", text="café 家") == {"text": "café 家"}


async def test_calls_side_by_side_get_their_own_answers(client):
    answers = await asyncio.gather(*(client.call("echo", text=str(n)) for n in range(20)))
    assert [answer["text"] for answer in answers] == [str(n) for n in range(20)]


async def test_a_secret_arrives_as_its_text(client, agent):
    await client.call("sign", password=Secret("hunter2hunter2"))
    assert agent.heard == ["hunter2hunter2"]


async def test_an_error_keeps_its_report_and_exit_status(client):
    with pytest.raises(ReportedError) as caught:
        await client.call("busy")
    assert caught.value.report() == PortBusy(port="COM3", holder="job 7").report()
    assert caught.value.reported_exit_status is ExitStatus.NO_ACCESS


async def test_an_unknown_method_is_an_error_not_a_hang(client):
    with pytest.raises(ReportedError, match=r"nothing\.like\.this"):
        await client.call("nothing.like.this")


async def test_notifications_reach_those_who_listen(client, agent):
    heard: asyncio.Queue[object] = asyncio.Queue()
    client.on("boards.changed", heard.put_nowait)
    agent.peer.outbox.notify(Notification("boards.changed", {"vanished": ["x"]}), key="b")
    agent.peer.outbox.notify(Notification("something.else", {}), key="e")
    assert await heard.get() == {"vanished": ["x"]}


async def test_serial_data_goes_both_ways(client, agent):
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    client.on_data(3, heard.put_nowait)
    stream = agent.peer.outbox.open_stream(3)
    stream.release()
    stream.offer(b"\x00\xffhello")
    assert await heard.get() == b"\x00\xffhello"
    await client.send_data(3, b"to the board")
    await client.call("echo", text="")
    assert agent.data == [b"\x03to the board"]


async def test_serial_data_that_overtakes_its_listener_is_not_lost(client):
    client.receive(b"\x05first ")
    client.receive(b"\x05words")
    client.receive(b"")
    heard: list[bytes] = []
    client.on_data(5, heard.append)
    assert heard == [b"first ", b"words"]


async def test_the_end_of_the_agent_ends_what_waits_for_it(client, agent):
    waiting = asyncio.ensure_future(client.call("never"))
    gone = asyncio.ensure_future(client.wait_gone())
    await client.call("echo", text="the other one was sent before")
    agent.connection.close(RESTART)
    for ended in (waiting, gone):
        with pytest.raises(AgentGone):
            await ended
    with pytest.raises(AgentGone):
        await client.call("echo", text="late")
    with pytest.raises(AgentGone):
        await client.wait_gone()


async def test_a_message_to_an_agent_that_has_ended_does_not_wait_for_room(client, agent):
    agent.connection.close(RESTART)
    with pytest.raises(AgentGone):
        await client.wait_gone()
    for _ in range(100):  # more than there is room for
        with pytest.raises(AgentGone):
            await client.send_data(3, b"into the void")


def test_an_error_that_is_no_report_is_a_defect_and_not_a_crash():
    assert isinstance(error_from(None), InternalError)
    assert isinstance(error_from({"code": 7}, {"message": "x"}), InternalError)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (UnknownBoard.code, ExitStatus.NO_BOARD),
        ("input", ExitStatus.USAGE),
        ("network-join", ExitStatus.FAILED),
        ("a-code-of-a-newer-agent", ExitStatus.FAILED),
    ],
)
def test_the_exit_status_follows_from_the_code(code, status):
    assert exit_status_of(code) is status
