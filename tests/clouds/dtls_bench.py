"""A server with DTLS, and a network between it and us that can be told what to do."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from agent.clouds.dtls import DtlsClient
from agent.clouds.route import Route
from agent.simulator.coap_server import CoapAnswer, CoapRequest
from agent.simulator.coaps_server import CoapsServer
from agent.simulator.thingsboard_tls import Certificates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

CONTENT = 0x45


class Bench:
    """What a server was asked, and how to reach it."""

    def __init__(self, certificates: Certificates) -> None:
        self.certificates = certificates
        self.asked: list[CoapRequest] = []
        self.reply = b"{}"
        self.known: list[tuple[bytes, ...]] = []
        self.knows = True
        self.server = CoapsServer(self._answer, certificate=certificates.file, knows=self._is_known)

    @property
    def port(self) -> int:
        return self.server.port

    def client(self, own: Any = None, limit_s: float = 15.0) -> DtlsClient:
        return DtlsClient(Route(authorities=self.certificates.ca_pem), own, limit_s=limit_s)

    def _answer(self, request: CoapRequest) -> CoapAnswer:
        self.asked.append(request)
        return CoapAnswer(CONTENT, self.reply)

    def _is_known(self, chain: tuple[bytes, ...]) -> bool:
        self.known.append(chain)
        return self.knows


@contextlib.asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    made = Bench(Certificates(time.time))
    await made.server.start()
    try:
        yield made
    finally:
        await made.server.stop()
        made.certificates.close()


class _Side(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[bytes, Any], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._heard(data, address)


class Relay:
    """Carries datagrams; ``fate(to_server, number, data)`` gives what becomes of each."""

    def __init__(self, port: int, fate: Callable[[bool, int, bytes], list[bytes]]) -> None:
        self._server = ("127.0.0.1", port)
        self._fate = fate
        self._counts = {True: 0, False: 0}
        self._client: Any = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        loop = asyncio.get_running_loop()
        self._near, _ = await loop.create_datagram_endpoint(
            lambda: _Side(self._from_client), ("127.0.0.1", 0)
        )
        self._far, _ = await loop.create_datagram_endpoint(
            lambda: _Side(self._from_server), remote_addr=self._server
        )
        try:
            yield self._near.get_extra_info("sockname")[1]
        finally:
            self._near.close()
            self._far.close()

    def _from_client(self, data: bytes, address: Any) -> None:
        self._client = address
        for each in self._of(True, data):
            self._far.sendto(each)

    def _from_server(self, data: bytes, _: Any) -> None:
        for each in self._of(False, data):
            self._near.sendto(each, self._client)

    def _of(self, to_server: bool, data: bytes) -> list[bytes]:
        number = self._counts[to_server]
        self._counts[to_server] += 1
        return self._fate(to_server, number, data)
