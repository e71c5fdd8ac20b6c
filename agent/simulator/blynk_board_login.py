"""How a simulated board logs in at a server over MQTT 5, and stays until it is cut.

``login`` is what simulated boards take: a token and a template in, empty or a reason out, in the words
that boards use (cloud-blynk, section 3). A board in the same process as a simulated cloud may use that
one's ``login`` instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, Final

from agent.protocols.blynk.mqtt_login import (
    LoggedIn,
    Login,
    NotNow,
    TokenRefused,
    info_packet,
)
from agent.protocols.mqtt import V5, Disconnect, PacketDecoder, PingReq, Publish, encode
from agent.settings import Secret
from agent.simulator.blynk_cloud_mqtt import RECONFIGURE_TOPIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.protocols.blynk.mqtt_login import Outcome

CONNECT_LIMIT_S: Final = 50.0
"""As a board's own (cloud-blynk, section 2.2)."""
PING_EVERY_S: Final = 20.0
READ_BYTES: Final = 4096


class BoardLogin:
    """One board's connection; another login replaces it."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        limit_s: float = CONNECT_LIMIT_S,
        reconfigure: Callable[[], None] | None = None,
        lost: Callable[[], None] | None = None,
        version: str = "1.0.0",
    ) -> None:
        """``reconfigure``: the cloud wants it back at its access point. ``lost``: it was cut."""
        self._where = (host, port)
        self._tls = tls
        self._limit_s = limit_s
        self._reconfigure = reconfigure
        self._lost = lost
        self._version = version
        self._writer: asyncio.StreamWriter | None = None
        self._staying: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether it is logged in."""
        return self._staying is not None and not self._staying.done()

    async def login(self, token: str, template: str) -> str:
        """Log in and stay; empty, or why not (``auth_failed``, ``timeout``, …)."""
        await self.close()
        host, port = self._where
        try:
            async with asyncio.timeout(self._limit_s):
                reader, writer = await asyncio.open_connection(host, port, ssl=self._tls)
                try:
                    outcome = await _decide(reader, writer, token)
                except BaseException:
                    writer.transport.abort()
                    raise
        except TimeoutError:
            return "timeout"
        except ssl.SSLCertVerificationError:
            return "invalid_certificate"
        except OSError as error:
            return "dns_failed" if type(error).__name__ == "gaierror" else "timeout"
        match outcome:
            case LoggedIn():
                writer.write(info_packet(template, self._version))
                self._writer = writer
                self._staying = asyncio.create_task(self._stay(reader, writer))
                return ""
            case TokenRefused():
                writer.transport.abort()
                return "auth_failed"
            case NotNow():
                writer.transport.abort()
                return "generic"

    async def close(self) -> None:
        """Log out; again does nothing."""
        writer, staying = self._writer, self._staying
        self._writer = self._staying = None
        if staying is not None:
            staying.cancel()
            await asyncio.wait([staying])
        if writer is not None:
            with contextlib.suppress(OSError, RuntimeError):
                writer.write(encode(Disconnect(), V5))
                writer.close()

    async def _stay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = PacketDecoder(V5)
        with contextlib.suppress(OSError):
            while True:
                try:
                    async with asyncio.timeout(PING_EVERY_S):
                        data = await reader.read(READ_BYTES)
                except TimeoutError:
                    writer.write(encode(PingReq(), V5))
                    continue
                if not data:
                    break
                for packet in decoder.feed(data):
                    if isinstance(packet, Publish) and packet.topic == RECONFIGURE_TOPIC:
                        _call(self._reconfigure)
        writer.transport.abort()
        _call(self._lost)


async def _decide(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str
) -> Outcome:
    login = Login(Secret(token), "simulated-board")
    writer.write(login.hello())
    outcome: Outcome | None = None
    while outcome is None:
        data = await reader.read(READ_BYTES)
        outcome = login.feed(data) if data else login.closed()
    return outcome


def _call(what: Callable[[], None] | None) -> None:
    if what is not None:
        what()
