"""A command in this process speaks the same language as a page."""

from __future__ import annotations

import asyncio

import pytest

from agent.errors import AgentGone
from tests.bridge.running import Bridge, Client


async def test_calls_and_notifications_travel_without_a_socket(bridge: Bridge) -> None:
    async with bridge.local() as local:
        client = Client(local)
        assert (await client.call("agent.info"))["own"] is True
        await client.call("boards.subscribe")
        board, name = await bridge.board()
        assert (await client.next("boards.changed"))["appeared"][0]["id"] == name
        channel = (await client.call("serial.open", board=name, baud=9600))["channel"]
        await board.write(b"hello")
        assert await client.read(channel, 5) == b"hello"
        await local.send(bytes([channel]) + b"hi")
        assert await board.read(2) == b"hi"
    assert bridge.services.boards.find(name).holder is None


async def test_after_the_end_the_agent_is_gone(bridge: Bridge) -> None:
    local = bridge.local()
    waiting = asyncio.ensure_future(local.receive())
    await local.send('{"jsonrpc":"2.0","id":1,"method":"agent.info"}')
    await waiting
    waiting = asyncio.ensure_future(local.receive())
    await asyncio.sleep(0)
    await local.close()
    await local.close()
    with pytest.raises(AgentGone):
        await waiting
    with pytest.raises(AgentGone):
        await local.send("{}")


async def test_a_command_that_does_not_read_waits_and_loses_no_answer(bridge: Bridge) -> None:
    async with bridge.local() as local:
        for number in range(200):
            await local.send(f'{{"jsonrpc":"2.0","id":{number},"method":"boards.list"}}')
        client = Client(local)
        answers = [await client.take() for _ in range(200)]
        assert {answer["id"] for answer in answers if answer} == set(range(200))
