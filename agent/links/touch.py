"""The 1200-baud touch: tells a sketch over its port to restart into its bootloader."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Final

from agent.errors import InputError, PortBusy
from agent.links.failures import port_error
from agent.links.holder import find_holder
from agent.links.serial import TOUCH_BAUD, prepare
from agent.links.stream import CLOSE_LIMIT_S
from agent.links.tcp import open_tcp

if TYPE_CHECKING:
    import serialx

TCP_TOUCH: Final = b"\x00mooring touch 1200\n"
"""What stands for the touch on the socket of a simulated board, which has no rate."""


async def touch(address: str) -> None:
    """Open ``address`` at 1200 baud with DTR low and close it again.

    A sketch with native USB restarts 250 ms later unless somebody opens the port before; the
    bridge of an UNO R4 WiFi restarts its chip at once (flashing, sections 2 and 3). A port that
    vanishes meanwhile is a success. Raises :class:`agent.errors.PortError` when it cannot be
    opened.
    """
    if address.startswith("tcp://"):
        link = await open_tcp(address)
        await link.write(TCP_TOUCH)
        await link.close()
        return
    if "://" in address:
        raise InputError(field="port", problem="is not a serial port")
    await asyncio.to_thread(prepare)
    import serialx

    touching = _Touch()
    try:
        transport, _ = await serialx.create_serial_connection(
            asyncio.get_running_loop(),
            lambda: touching,
            address,
            baudrate=TOUCH_BAUD,
            exclusive=True,
            dtr_on_open=serialx.PinState.LOW,
            close_timeout=CLOSE_LIMIT_S,
        )
    except OSError as error:
        if error.errno == errno.EIO:
            # Hung up after it was opened: a bridge restarts its chip at once.
            return
        failure = port_error(error, address)
        if isinstance(failure, PortBusy):
            failure = port_error(error, address, await asyncio.to_thread(find_holder, address))
        raise failure from error
    await touching.release(transport)


class _Touch(asyncio.Protocol):
    """Waits until the port is closed; what the sketch still says is not of interest."""

    def __init__(self) -> None:
        self._released = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._released.set()

    async def release(self, transport: serialx.BaseSerialTransport) -> None:
        transport.close()
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._released.wait()
        except TimeoutError:
            transport.abort()
