"""How a command asks the agent: JSON-RPC, over a WebSocket or inside this process.

Both transports carry the same messages (docs/bridge.md), so a command does not know which it has.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from agent.errors import (
    AgentGone,
    ErrorReport,
    ExitStatus,
    InternalError,
    MooringError,
    ReportedError,
)
from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Callable


EARLY_MESSAGES = 64
"""Messages of a channel that are kept until somebody listens; a WebSocket hands over 16 at once."""


UPLOAD_BYTES = 64 << 10
"""Of a file in one message, far below the agent's limit of 1 MiB."""


class Transport(Protocol):
    """Carries messages to the agent; what comes back goes to :meth:`Client.receive`."""

    async def send(self, message: str | bytes) -> None:
        """Hand over one message; raises :class:`AgentGone`."""

    async def close(self) -> None:
        """End the connection; may be called again."""


class Client:
    """Calls methods of the agent and listens to its notifications."""

    def __init__(self, transport: Transport, *, alone: bool = False) -> None:
        """``alone``: the agent is inside this process and ends with it."""
        self.alone = alone
        self._transport = transport
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._listeners: dict[str, list[Callable[[Any], None]]] = {}
        self._data: dict[int, Callable[[bytes], None]] = {}
        self._early: dict[int, list[bytes]] = {}
        self._last_id = 0
        self._gone: asyncio.Future[None] | None = None
        self._ended = False

    async def call(self, method: str, **params: object) -> Any:  # noqa: ANN401 - JSON data
        """The result of a method; raises :class:`ReportedError` or :class:`AgentGone`."""
        if self._ended:
            raise AgentGone
        self._last_id = number = self._last_id + 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[number] = answer
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        try:
            await self._transport.send(msgspec.json.encode(request, enc_hook=_reveal).decode())
            return await answer
        finally:
            self._calls.pop(number, None)

    def on(self, method: str, listener: Callable[[Any], None]) -> None:
        """Call ``listener`` with the params of each such notification."""
        self._listeners.setdefault(method, []).append(listener)

    def on_data(self, channel: int, listener: Callable[[bytes], None]) -> None:
        """Call ``listener`` with the serial data of a channel, from its first byte."""
        self._data[channel] = listener
        for data in self._early.pop(channel, ()):
            listener(data)

    async def send_data(self, channel: int, data: bytes) -> None:
        """Send serial data to the board of a channel, or a part of a file."""
        await self._transport.send(bytes((channel,)) + data)

    async def upload(self, name: str, data: bytes) -> int:
        """Send a file for a board; its number, for ``jobs.start``."""
        number: int = (await self.call("flash.offer", name=name, size=len(data)))["image"]
        for at in range(0, len(data), UPLOAD_BYTES):
            await self.send_data(number, data[at : at + UPLOAD_BYTES])
        return number

    async def wait_gone(self) -> None:
        """Raise :class:`AgentGone` when the connection is lost; for use beside other waits."""
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
        if not self._ended:
            await asyncio.shield(self._gone)
        raise AgentGone

    async def close(self) -> None:
        """End the connection."""
        await self._transport.close()

    def receive(self, message: str | bytes) -> None:
        """One message of the agent; called by the transport."""
        if isinstance(message, bytes):
            self._take_data(message[:1], message[1:])
            return
        body = msgspec.json.decode(message)
        if "method" in body:
            for notified in self._listeners.get(body["method"], ()):
                notified(body.get("params"))
            return
        answer = self._calls.get(body.get("id") or 0)
        if answer is None or answer.done():
            return
        if "error" in body:
            answer.set_exception(error_from(body["error"].get("data"), body["error"]))
        else:
            answer.set_result(body.get("result"))

    def _take_data(self, channel: bytes, data: bytes) -> None:
        if not channel:
            return
        listener = self._data.get(channel[0])
        if listener is not None:
            listener(data)
        else:
            # It may overtake the caller of serial.open, who has not said yet who listens.
            early = self._early.setdefault(channel[0], [])
            early.append(data)
            del early[:-EARLY_MESSAGES]

    def lost(self) -> None:
        """The connection ended; called by the transport."""
        self._ended = True
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(AgentGone())
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(type(value))


def error_from(data: object, shown: object = None) -> MooringError:
    """The error that a report in JSON data stands for, with the exit status of its code."""
    try:
        report = msgspec.convert(data, ErrorReport)
    except msgspec.ValidationError:
        return InternalError(kind=f"unreadable error {str(shown)[:200]}")
    return ReportedError(report, exit_status_of(report.code))


def exit_status_of(code: str) -> ExitStatus:
    """Exit status for an error code; a code of a newer agent counts as failed."""
    return _exit_statuses(MooringError).get(code, ExitStatus.FAILED)


def _exit_statuses(root: type[MooringError]) -> dict[str, ExitStatus]:
    found = {root.code: root.exit_status}
    for child in root.__subclasses__():
        found |= _exit_statuses(child)
    return found
