"""Whom this computer trusts, and who a server is that it does not trust: real TLS."""

from __future__ import annotations

import asyncio
import ssl
import time

import pytest

from agent.clouds.route import CertificateFile, Proxy, Route
from agent.clouds.trust import (
    Stranger,
    client_context,
    issuer_of,
    leads_elsewhere,
    look_at_proxy,
    look_at_stranger,
    parse_date,
)
from agent.errors import CertificatesUnreadable
from agent.settings.proxy import ProxyAddress
from tests.internet import HOST, Authority, RealProxy, Site, of_version_4

LIMIT_S = 30.0


def file(path):
    return CertificateFile(str(path), 0, 0)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca", "Test Authority")


async def test_a_certificate_of_a_file_is_trusted_in_either_form(authority):
    context = authority.context("localhost")
    async with Site().running(context) as site:
        for path in (authority.pem, authority.der):
            tls = client_context((file(path),))
            _, writer = await asyncio.open_connection("localhost", site.port, ssl=tls)
            writer.close()
            await writer.wait_closed()


@pytest.mark.parametrize("content", [None, b"", b"hello", b"-----BEGIN CERTIFICATE-----\nx"])
def test_a_file_without_certificates_is_told(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CertificatesUnreadable):
        client_context((file(path),))


async def test_a_stranger_is_asked_who_it_is_and_told_nothing(authority):
    async with Site(off_s=86_400 * 7).running(authority.context("127.0.0.1")) as site:
        url = f"https://127.0.0.1:{site.port}"
        stranger = await look_at_stranger(url, Route(), limit_s=LIMIT_S)
    assert stranger.issuer == "Test Authority, Example Corporation"
    assert stranger.date_s == pytest.approx(time.time() + 86_400 * 7, abs=60)
    assert not stranger.elsewhere
    assert site.requests[0].startswith(b"HEAD / ")
    assert b"uthorization" not in site.requests[0]


async def test_a_stranger_behind_a_proxy_is_asked_through_it(authority):
    reading = authority.context(HOST)
    async with RealProxy(reads_along=reading, account="ada:MARKER").running() as running:
        proxy = Proxy(ProxyAddress(f"http://ada:MARKER@127.0.0.1:{running.port}"), "a test")
        stranger = await look_at_stranger(f"https://{HOST}", Route(proxy), limit_s=LIMIT_S)
    assert stranger.issuer == "Test Authority, Example Corporation"
    assert b"MARKER" not in b"".join(running.inside)


async def test_the_page_of_a_network_is_known_by_where_it_leads(authority):
    answer = (
        b"HTTP/1.1 302 Found\r\nLocation: http://portal.test/login\r\nContent-Length: 0\r\n\r\n"
    )
    async with Site(answer).running(authority.context("127.0.0.1")) as site:
        url = f"https://127.0.0.1:{site.port}"
        assert (await look_at_stranger(url, Route(), limit_s=LIMIT_S)).elsewhere


async def test_a_proxy_that_is_not_trusted_is_not_told_the_account(authority):
    seen = RealProxy(account="ada:MARKER")
    async with seen.running(authority.context("127.0.0.1")) as running:
        proxy = Proxy(ProxyAddress(f"https://ada:MARKER@127.0.0.1:{running.port}"), "a test")
        assert (await look_at_proxy(proxy, limit_s=LIMIT_S)).issuer.startswith("Test Authority")
        route = Route(proxy)
        assert await look_at_stranger(f"https://{HOST}", route, limit_s=LIMIT_S) == Stranger()
    assert seen.asked == []


async def test_nobody_there_is_nobody():
    async with Site().running() as site:
        port = site.port
    assert await look_at_stranger(f"https://127.0.0.1:{port}", Route(), limit_s=1) == Stranger()
    proxy = Proxy(ProxyAddress(f"https://127.0.0.1:{port}"), "a test")
    assert await look_at_proxy(proxy, limit_s=1) == Stranger()


def test_a_certificate_that_cannot_be_read_has_no_issuer(authority):
    assert issuer_of(None) == ""
    assert issuer_of(b"x") == ""
    odd = of_version_4(authority.pem.read_text())
    assert issuer_of(ssl.PEM_cert_to_DER_cert(odd)) == ""


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("", False),
        ("/login", False),
        ("https://cloud.test/login", False),
        ("https://portal.test/", True),
        ("//portal.test/", True),
        ("https://[x", False),
    ],
)
def test_a_redirect_leads_elsewhere_if_it_names_another_server(location, expected):
    assert leads_elsewhere("https://cloud.test/x", location) is expected


def test_a_date_that_is_none_counts_as_unknown():
    assert parse_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777
    assert parse_date("yesterday") == 0
