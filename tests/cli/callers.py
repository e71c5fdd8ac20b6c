"""Pages and programs that listen to an agent in another process, and keep what they are told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from agent.desktop.instance import Instance


class Caller:
    """One page or program; keeps every byte it was sent."""

    def __init__(self, connection: ClientConnection) -> None:
        self.received: list[str] = []
        self._connection = connection
        self._ids = 0
        self._news = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    async def call(self, method: str, **params: Any) -> Any:
        self._ids += 1
        number = self._ids
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        await self._connection.send(json.dumps(request))
        answer = await self.until(lambda message: message.get("id") == number)
        assert "error" not in answer, answer
        return answer["result"]

    async def until(self, wanted: Any) -> Any:
        async with self._news:
            while True:
                for text in self.received:
                    message = json.loads(text)
                    if wanted(message):
                        return message
                await self._news.wait()

    async def close(self) -> None:
        await self._connection.close()
        await self._reader

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self._connection:
                async with self._news:
                    self.received.append(str(message))
                    self._news.notify_all()


def in_state(job: str, state: str) -> Any:
    """Whether a message says so of a job; for :meth:`Caller.until`."""

    def wanted(message: dict[str, Any]) -> bool:
        params = message.get("params", {})
        return (
            message.get("method") == "job.changed"
            and params["job"] == job
            and params["snapshot"]["state"] == state
        )

    return wanted


async def program(instance: Instance) -> Caller:
    """A program of the user, who sees everything."""
    token = {"Authorization": f"Bearer {instance.token.reveal()}"}
    return Caller(await connect(instance.rpc_url, additional_headers=token, proxy=None))


async def page(instance: Instance, origin: str) -> Caller:
    """A web page of somebody else's."""
    return Caller(await connect(instance.rpc_url, origin=origin, proxy=None))  # type: ignore[arg-type] # a NewType of str


def command_line(pid: int) -> bytes:
    """As everybody on this computer can read it; empty where that is not known."""
    if not sys.platform.startswith("linux"):
        return b""
    return Path(f"/proc/{pid}/cmdline").read_bytes()
