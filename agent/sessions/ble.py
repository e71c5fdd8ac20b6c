"""Provisioning 2.0 over Bluetooth LE: the same machine, on a link that has no CONNECT packet.

Over serial, control packets begin and end a session on a port that stays open. Over Bluetooth LE the
connection itself does: the subscription begins the session, and hanging up ends it (protocol-v2,
section 3). :class:`Dialogue` translates between the two, so that neither the host machine nor its
conversations know what they run over:

==========================================  =====================================================
what the machine does or hears              what happens
==========================================  =====================================================
sends CONNECT                               connects and subscribes, unless the link is up
sends DISCONNECT                            hangs up
hears DISCONNECT                            the board dropped the link, or it was lost
sends data or NACK                          is written
==========================================  =====================================================
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.errors import PortGone
from agent.links.ble import BleLink
from agent.protocols.v2.frames import Control, encode_control
from agent.sessions.v2 import open_session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.links.link import Link
    from agent.sessions.v2 import V2Session

    Opener = Callable[[], Awaitable[Link]]
    """Connects, subscribes and returns the link; raises :class:`agent.errors.PortError`."""

CONNECT: Final = encode_control(Control.CONNECT)
DISCONNECT: Final = encode_control(Control.DISCONNECT)


async def open_ble_session(
    opener: Opener,
    *,
    known: bool = False,
    observer: Callable[[str], None] | None = None,
) -> V2Session:
    """Connect to a board over Bluetooth LE; returns when it sent its list of networks.

    ``opener`` is used again when the machine starts over; the rest is as for
    :func:`agent.sessions.v2.open_session`. When the board drops the link, as it does once it is
    provisioned, ``wait_ended`` returns; a request that waits then is sent again on a new link.
    """
    dialogue = Dialogue(opener)
    await dialogue.open()
    return await open_session(
        dialogue, known=known, observer=observer, write_bytes=dialogue.write_bytes
    )


class Dialogue:
    """A :class:`agent.links.Link` on which control packets stand for the state of another link."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._link: Link | None = None
        self._latest: Link | None = None
        self._turned = asyncio.Event()
        self._closed = False

    @property
    def address(self) -> str:
        """The port of the present link, or of the last one."""
        return self._latest.address if self._latest is not None else ""

    @property
    def write_bytes(self) -> int | None:
        """How much of a frame reaches the board at once; None: there is no limit."""
        return self._latest.write_bytes if isinstance(self._latest, BleLink) else None

    async def open(self) -> None:
        """Get the first link, so that what cannot be reached is told before a session begins."""
        await self._connect()

    async def receive(self) -> bytes:
        """What the board says; DISCONNECT, once, when the link ended without our doing."""
        while True:
            link = self._link
            if link is None:
                if self._closed:
                    raise PortGone(port=self.address)
                self._turned.clear()
                await self._turned.wait()
                continue
            try:
                return await link.receive()
            except PortGone:
                if self._link is not link:
                    continue  # we hung up ourselves, or there is a new one already
                self._link = None
                await link.close()
                return DISCONNECT

    async def write(self, data: bytes) -> None:
        """Carry out a control packet, or write ``data``; :class:`PortGone` if the link is lost.

        A link that ends while it is written to is reported by :meth:`receive`, as one that ends at
        any other time: the machine then begins anew.
        """
        if data == CONNECT:
            if self._link is None:
                await self._connect()
        elif data == DISCONNECT:
            await self._hang_up()
        elif self._link is not None:
            try:
                await self._link.write(data)
            except PortGone:
                return

    async def close(self) -> None:
        """Hang up for good. May be called more than once; never raises."""
        self._closed = True
        await self._hang_up()
        if self._latest is not None:
            await self._latest.close()  # it may still be under way

    async def _connect(self) -> None:
        if self._closed:
            raise PortGone(port=self.address)
        link = await self._opener()
        if self._closed:
            await link.close()
            raise PortGone(port=link.address)
        self._link = self._latest = link
        self._turned.set()

    async def _hang_up(self) -> None:
        link, self._link = self._link, None
        self._turned.set()
        if link is not None:
            await link.close()
