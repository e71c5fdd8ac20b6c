"""Clouds that answer, do not answer, show a wrong certificate, or tell another time: real servers."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import os
import ssl
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent.clouds.http import Limits
from agent.desktop.doctor.internet import CloudAddress, Internet, proxy_for
from tests.desktop.doctor.patient import codes, facts, look

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

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


def certificate(folder: Path, *, from_day: float = -1, to_day: float = 1) -> ssl.SSLContext:
    """A server's certificate that is its own authority, ``cert.pem`` in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test Cloud")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .issuer_name(name)
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now + datetime.timedelta(days=from_day))
        .not_valid_after(now + datetime.timedelta(days=to_day))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def internet(url: str) -> Internet:
    return Internet([CloudAddress("Test Cloud", url)], limits=LIMITS)


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """This computer trusts what is in ``cert.pem`` of the folder."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    return tmp_path


async def test_any_answer_means_that_the_cloud_can_be_reached(trusted):
    async with server(certificate(trusted)) as cloud:
        family = internet(f"https://127.0.0.1:{cloud.port}")
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
    trusted, days, off_s
):
    context = certificate(trusted, from_day=days[0], to_day=days[1])
    async with server(context, off_s=off_s) as cloud:
        (one,) = await look(internet(f"https://127.0.0.1:{cloud.port}"))
        assert cloud.requests[-1].startswith(b"HEAD / ")
    assert one.finding.code == "clock"
    assert "7 days" in one.finding.title


async def test_a_certificate_that_really_is_old_is_told_as_that(trusted):
    async with server(certificate(trusted, from_day=-10, to_day=-5)) as cloud:
        (one,) = await look(internet(f"https://127.0.0.1:{cloud.port}"))
    assert one.finding.code == "certificate"
    assert "expired" in facts(one)["reason"]


async def test_a_certificate_that_nobody_here_trusts_is_told_with_the_reason(tmp_path):
    async with server(certificate(tmp_path)) as cloud:
        (one,) = await look(internet(f"https://127.0.0.1:{cloud.port}"))
    assert one.finding.code == "certificate"
    assert "self-signed" in facts(one)["reason"]
    assert one.finding.level.value == "problem"


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
    assert one.finding.code == "proxy"
    assert f"127.0.0.1:{port}" in one.finding.title
    assert "MARKER" not in str(one)
    assert "ada" not in str(one.finding)


async def test_a_proxy_that_refuses_is_told_with_its_answer(monkeypatch):
    async with server(status=403) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        (one,) = await look(internet("https://cloud.invalid"))
        assert proxy.requests[0].startswith(b"CONNECT cloud.invalid:443")
    assert one.finding.code == "proxy"
    assert "403" in one.finding.meaning


async def test_a_proxy_that_cannot_be_used_is_told(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    (one,) = await look(internet("https://cloud.invalid"))
    assert one.finding.code == "proxy"


def test_the_proxy_of_an_address_is_the_one_that_the_system_names(monkeypatch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    assert proxy_for("https://cloud.invalid") == ""
    monkeypatch.setenv("HTTPS_PROXY", "http://u:p@proxy.invalid:3128/")
    assert proxy_for("https://cloud.invalid") == "proxy.invalid:3128"
    assert proxy_for("http://cloud.invalid") == ""
    assert proxy_for("https://127.0.0.1:5") == ""
    monkeypatch.setenv("NO_PROXY", "cloud.invalid")
    assert proxy_for("https://cloud.invalid") == ""
