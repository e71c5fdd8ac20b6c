"""The proxy that leads the real names to the simulated cloud."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from agent.simulator.loopback_server import HOST
from agent.simulator.nrf_cloud import SimulatedNrfCloud

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def cloud() -> AsyncIterator[SimulatedNrfCloud]:
    async with SimulatedNrfCloud(tls=True) as running:
        yield running


async def ask(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(data)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_real_name_ends_here_with_a_certificate_for_it(cloud):
    reader, writer = await asyncio.open_connection(HOST, cloud.proxy.port)
    writer.write(b"CONNECT api.nrfcloud.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    context = ssl.create_default_context(cadata=cloud.ca)
    await writer.start_tls(context, server_hostname="api.nrfcloud.com")
    writer.write(b"GET /v1/account HTTP/1.1\r\nHost: api.nrfcloud.com\r\nConnection: close\r\n\r\n")
    assert b"401 Unauthorized" in await reader.read()
    writer.close()
    assert cloud.proxy.asked == ["api.nrfcloud.com:443"]


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"x" * 20_000, b"\r\n\r\n"])
async def test_what_is_no_connect_leads_nowhere(cloud, data):
    answer = await ask(cloud.proxy.port, data)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 405")
    assert cloud.proxy.asked == []


async def test_it_stops_with_connections_open(cloud):
    reader, writer = await asyncio.open_connection(HOST, cloud.proxy.port)
    writer.write(b"CONNECT x:443 HTTP/1.1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await cloud.proxy.stop()
    await cloud.proxy.stop()
    assert await reader.read() == b""
    writer.close()
