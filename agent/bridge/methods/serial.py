"""``serial.*``: the serial monitor. Data from the board comes as binary messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.bridge.scopes import Scope

if TYPE_CHECKING:
    from agent.bridge.relay import Relay

BAUD_MAX = 4_000_000
"""Fastest rate of the usual USB-UART bridges; boards with native USB ignore the rate."""
TEXT_CHARS = 64 << 10
"""One ``serial.write``; the caller sends the next part when this one was answered."""


class Open(Params, frozen=True, kw_only=True):
    """Which port, how fast."""

    board: str
    baud: Annotated[int, Meta(ge=50, le=BAUD_MAX)] = 9600


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An open channel."""

    channel: int
    """First byte of each binary message, 1 to 255."""


class Write(Params, frozen=True, kw_only=True):
    """Text for the board."""

    channel: Annotated[int, Meta(ge=1, le=255)]
    text: Annotated[str, Meta(max_length=TEXT_CHARS)]
    """Sent as UTF-8."""


class OneChannel(Params, frozen=True, kw_only=True):
    """A channel."""

    channel: Annotated[int, Meta(ge=1, le=255)]


def methods(relay: Relay) -> list[Method[Any, Any]]:
    """Open, write, close."""

    async def open_serial(call: Call, params: Open) -> Opened:
        channel = await relay.open(call.peer, params.board, params.baud)
        # The number of the channel must arrive before the first data does.
        call.when_answered(channel.stream.release)
        return Opened(channel=channel.number)

    async def write(call: Call, params: Write) -> Nothing:
        await relay.write(call.peer, params.channel, params.text.encode())
        return Nothing()

    async def close(call: Call, params: OneChannel) -> Nothing:
        await relay.close(call.peer, params.channel)
        return Nothing()

    return [
        Method(
            "serial.open",
            "Open the serial port of a board.",
            Open,
            Opened,
            open_serial,
            scope=Scope.SERIAL,
        ),
        Method(
            "serial.write",
            "Send text; answered once the port has taken it.",
            Write,
            Nothing,
            write,
            scope=Scope.SERIAL,
        ),
        Method(
            "serial.close",
            "Close a channel.",
            OneChannel,
            Nothing,
            close,
            scope=Scope.SERIAL,
        ),
    ]
