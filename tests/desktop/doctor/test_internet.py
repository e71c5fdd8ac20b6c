"""Clouds that answer, do not answer, show a wrong certificate, or tell another time: real servers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from agent.clouds.http import Limits
from agent.clouds.route import Routes
from agent.desktop.doctor.internet import CloudAddress, Internet
from agent.settings.config import NetworkConfig
from agent.settings.proxy import ProxyAddress
from tests.desktop.doctor.patient import codes, facts, look
from tests.internet import Authority, RealProxy

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

DAY_S = 86_400
LIMITS = Limits(connect_s=2.0, answer_s=2.0)


class Server:
    """Answers every request with 404 and the time that it believes in."""

    def __init__(self, off_s: float, status: int) -> None:
        self.off_s = off_s
        self.status = status
        self.requests: list[bytes] = []
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            date = formatdate(time.time() + self.off_s, usegmt=True)
            head = f"HTTP/1.1 {self.status} Hm\r\nDate: {date}\r\nContent-Length: 0\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def server(
    context: ssl.SSLContext | None = None, *, off_s: float = 0, status: int = 404
) -> AsyncIterator[Server]:
    one = Server(off_s, status)
    listener = await asyncio.start_server(one.answer, "127.0.0.1", 0, ssl=context)
    one.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield one


def internet(url: str, settings: NetworkConfig | None = None) -> Internet:
    network = settings or NetworkConfig()
    routes = Routes(lambda: network)
    return Internet([CloudAddress("Test Cloud", url)], routes=routes, limits=LIMITS)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca", "Test Authority")


@pytest.fixture
def trusted(authority):
    """Settings under which that authority is trusted."""
    return NetworkConfig(certificates=str(authority.pem))


async def test_any_answer_means_that_the_cloud_can_be_reached(authority, trusted):
    async with server(authority.context("127.0.0.1")) as cloud:
        family = internet(f"https://127.0.0.1:{cloud.port}", trusted)
        assert await codes(family) == ["internet-fine"]
        (request,) = cloud.requests
    assert request.startswith(b"GET / ")
    assert b"uthorization" not in request


async def test_a_clock_that_is_a_year_off_is_told_by_the_answer():
    async with server(off_s=365 * DAY_S) as cloud:
        reached, clock = await look(internet(f"http://127.0.0.1:{cloud.port}"))
    assert reached.finding.code == "internet-fine"
    assert clock.finding.code == "clock"
    assert clock.finding.area == "clock"
    assert clock.finding.level.value == "problem"
    assert "365 days behind" in clock.finding.title


async def test_some_minutes_are_a_warning_and_some_seconds_nothing():
    async with server(off_s=-600) as cloud:
        _, clock = await look(internet(f"http://127.0.0.1:{cloud.port}"))
    assert clock.finding.level.value == "warning"
    assert "10 minutes ahead of" in clock.finding.title
    async with server(off_s=30) as cloud:
        assert await codes(internet(f"http://127.0.0.1:{cloud.port}")) == ["internet-fine"]


@pytest.mark.parametrize(("days", "off_s"), [((-10, -5), -7 * DAY_S), ((5, 10), 7 * DAY_S)])
async def test_certificates_that_look_old_or_new_because_of_the_clock_are_told_as_that(
    authority, trusted, days, off_s
):
    context = authority.context("127.0.0.1", days=days)
    async with server(context, off_s=off_s) as cloud:
        (one,) = await look(internet(f"https://127.0.0.1:{cloud.port}", trusted))
        assert cloud.requests[-1].startswith(b"HEAD / ")
    assert one.finding.code == "clock"
    assert "7 days" in one.finding.title


async def test_a_certificate_that_really_is_old_is_told_as_that(authority, trusted):
    async with server(authority.context("127.0.0.1", days=(-10, -5))) as cloud:
        (one,) = await look(internet(f"https://127.0.0.1:{cloud.port}", trusted))
    assert one.finding.code == "certificate-unknown"
    assert "expired" in facts(one)["reason"]


async def test_a_certificate_that_nobody_here_trusts_is_told_with_its_issuer(authority):
    async with server(authority.context("127.0.0.1")) as cloud:
        (one,) = await look(internet(f"https://127.0.0.1:{cloud.port}"))
    assert one.finding.code == "certificate-unknown"
    assert "Test Authority" in one.finding.meaning
    assert "network.certificates" in one.finding.mend
    assert one.finding.level.value == "problem"


async def test_a_file_of_certificates_in_the_settings_that_is_not_there_is_told(tmp_path):
    settings = NetworkConfig(certificates=str(tmp_path / "none.pem"))
    (one,) = await look(internet("https://cloud.invalid", settings))
    assert one.finding.code == "certificates-unreadable"


async def test_the_proxy_on_the_way_is_named_where_all_is_well(authority, trusted):
    async with server(authority.context("cloud.invalid")) as cloud:
        proxy = RealProxy({"cloud.invalid": cloud.port}, account="ada:MARKER-proxy")
        async with proxy.running():
            address = ProxyAddress(f"http://ada:MARKER-proxy@127.0.0.1:{proxy.port}")
            settings = NetworkConfig(proxy=address, certificates=trusted.certificates)
            (one,) = await look(internet("https://cloud.invalid", settings))
    assert one.finding.code == "internet-fine"
    assert f"through the proxy 127.0.0.1:{proxy.port}" in one.finding.title
    assert "MARKER" not in str(one)


async def test_a_cloud_that_does_not_answer_is_told():
    async with server() as cloud:
        port = cloud.port
    (one,) = await look(internet(f"http://127.0.0.1:{port}"))
    assert one.finding.code == "cloud-unreachable"
    assert one.finding.level.value == "problem"


async def test_a_file_of_certificates_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    async with server() as cloud:
        findings = await look(internet(f"http://127.0.0.1:{cloud.port}"))
    assert [one.finding.code for one in findings] == ["certificate-file", "internet-fine"]
    assert facts(findings[0])["variable"] == "SSL_CERT_FILE"


async def test_a_proxy_that_is_not_there_is_named_without_its_account(monkeypatch):
    async with server() as gone:
        port = gone.port
    monkeypatch.setenv("HTTPS_PROXY", f"http://ada:MARKER-proxy@127.0.0.1:{port}")
    # A name in this domain exists nowhere; the proxy would look it up.
    (one,) = await look(internet("https://cloud.invalid"))
    assert one.finding.code == "proxy-unreachable"
    assert f"127.0.0.1:{port}" in one.finding.title
    assert "MARKER" not in str(one)
    assert "ada" not in str(one.finding)


async def test_a_proxy_that_refuses_is_told_with_its_answer(monkeypatch):
    async with server(status=403) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        (one,) = await look(internet("https://cloud.invalid"))
        assert proxy.requests[0].startswith(b"CONNECT cloud.invalid:443")
    assert one.finding.code == "proxy-refused"
    assert "403" in one.finding.meaning


async def test_a_proxy_that_cannot_be_used_is_told(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    (one,) = await look(internet("https://cloud.invalid"))
    assert one.finding.code == "proxy-unusable"
