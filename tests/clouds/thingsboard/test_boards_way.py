"""Whether somebody listens where boards are to connect."""

from __future__ import annotations

import asyncio
import socket

import pytest

from agent.clouds.thingsboard.addresses import Server
from agent.clouds.thingsboard.boards_way import boards_warning


async def test_where_somebody_listens_there_is_nothing_to_say() -> None:
    met = asyncio.Event()

    async def meet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.set()
        writer.close()

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        assert await boards_warning(Server("mqtts", "127.0.0.1", port)) == ""
        await met.wait()


@pytest.mark.parametrize("scheme", ["mqtts", "https"])
async def test_where_nobody_does_it_is_said_with_the_address(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    said = await boards_warning(Server(scheme, "127.0.0.1", port))  # type: ignore[arg-type]  # a word of the list
    assert f"{scheme}://127.0.0.1:{port}" in said
    assert "refused" in said
    assert "board_server" in said


async def test_datagrams_are_not_tried() -> None:
    assert await boards_warning(Server("coaps", "127.0.0.1", 9)) == ""
