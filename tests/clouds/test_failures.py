"""Why nothing came back, told apart: real proxies, real certificates, real refusals."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager

import httpx
import pytest

from agent.clouds.failures import Failure, Trail
from agent.clouds.http import CloudHttp, Limits, Request
from agent.clouds.route import Route, Routes
from agent.clouds.system_proxy import SystemProxy
from agent.errors import (
    CaptivePortal,
    CertificatesUnreadable,
    CertificateUnknown,
    ClockOff,
    NameUnknown,
    ProxyAccount,
    ProxyRefused,
    ProxyUnreachable,
    Unreachable,
)
from agent.settings.config import NetworkConfig
from agent.settings.proxy import ProxyAddress
from tests.internet import HOST, OK_ANSWER, Authority, RealProxy, Site, listening

MARKER = "MARKER-proxy-4711"
DAY_S = 86_400
GET = Request("GET", "/x", repeatable=True)
LIMITS = Limits(connect_s=5.0, answer_s=5.0)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca", "Test Authority")


@pytest.fixture
def company(tmp_path):
    return Authority(tmp_path / "company", "Example Corporation Proxy")


@pytest.fixture
def settings(authority):
    """What counts now; the authority of the clouds is trusted."""
    return [NetworkConfig(certificates=str(authority.pem))]


@pytest.fixture
async def http(settings, clock):
    made = CloudHttp(
        title="Test Cloud",
        base_url=f"https://{HOST}",
        clock=clock,
        limits=LIMITS,
        routes=Routes(lambda: settings[0], system=SystemProxy),
    )
    yield made
    await made.close()


@asynccontextmanager
async def proxied(settings, proxy, *, account="", context=None, host="127.0.0.1"):
    async with proxy.running(context) as running:
        scheme = "https" if context else "http"
        address = ProxyAddress(f"{scheme}://{account}{host}:{running.port}")
        settings[0] = NetworkConfig(proxy=address, certificates=settings[0].certificates)
        yield running


async def failed(http, request=GET):
    with pytest.raises(Unreachable) as caught:
        await http.send(request)
    report = caught.value.report()
    assert MARKER not in repr(report)
    assert "?" not in report.title + report.meaning + report.remedy
    return caught.value


async def test_a_request_goes_through_the_proxy_and_says_nothing_to_it(http, settings, authority):
    async with (
        Site().running(authority.context(HOST)) as site,
        proxied(settings, RealProxy({HOST: site.port})) as proxy,
    ):
        request = Request("GET", "/x", headers={"Authorization": f"Bearer {MARKER}"})
        assert (await http.send(request)).body == b"{}"
        await http.send(request)
    assert proxy.asked[0].startswith(f"CONNECT {HOST}:443 ".encode())
    assert MARKER.encode() not in b"".join(proxy.asked)
    assert (proxy.tunnels, len(site.requests)) == (1, 2)


async def test_a_proxy_gets_its_account_and_nobody_else_sees_it(http, settings, authority, caplog):
    caplog.set_level(logging.DEBUG)
    async with Site().running(authority.context(HOST)) as site:
        wants = RealProxy({HOST: site.port}, account=f"ada:{MARKER}@x")
        async with proxied(settings, wants, account=f"ada:{MARKER}%40x@") as proxy:
            assert (await http.send(GET)).ok
    assert proxy.tunnels == 1
    assert b"roxy-" not in b"".join(site.requests)
    assert caplog.records
    assert MARKER not in caplog.text


@pytest.mark.parametrize(
    ("account", "said"), [("", "wants a name"), (f"ada:{MARKER}@", "does not accept the name")]
)
async def test_a_proxy_that_wants_another_account_is_told_once(
    http, settings, account, said, clock
):
    wants = RealProxy(account="ada:other", schemes=("Negotiate", "NTLM", 'Basic realm="\x1b[1m"'))
    async with proxied(settings, wants, account=account) as proxy:
        error = await failed(http)
    assert isinstance(error, ProxyAccount)
    assert (error.facts["sent"], clock.slept, len(proxy.asked)) == (False, [], 1)
    report = error.report()
    assert said in report.meaning
    assert "it takes: Negotiate, NTLM, Basic" in report.meaning
    assert "network.proxy in the settings says so" in report.meaning
    assert "name:password@" in report.remedy


async def test_a_proxy_that_forbids_is_told_with_its_answer(http, settings):
    async with proxied(settings, RealProxy(status="403 Not on our list")):
        error = await failed(http)
    assert isinstance(error, ProxyRefused)
    assert "403 Not on our list" in error.report().meaning
    assert f"{HOST}, port 443" in error.report().remedy


async def test_a_proxy_that_is_not_there_is_told_as_that(http, settings):
    async with proxied(settings, RealProxy(), account=f"ada:{MARKER}@") as proxy:
        port = proxy.port
    error = await failed(http)
    assert isinstance(error, ProxyUnreachable)
    assert f"127.0.0.1:{port}" in error.report().title
    assert "no connection" in error.report().meaning
    assert error.facts["sent"] is False


async def test_a_proxy_that_says_nothing_is_left_after_the_limit(settings, clock):
    async def silent(reader, _writer):
        await reader.read()

    async with listening(silent) as port:
        settings[0] = NetworkConfig(proxy=ProxyAddress(f"http://127.0.0.1:{port}"))
        http = CloudHttp(
            title="Test Cloud",
            base_url=f"https://{HOST}",
            clock=clock,
            limits=Limits(connect_s=5.0, answer_s=0.2),
            routes=Routes(lambda: settings[0], system=SystemProxy),
        )
        error = await failed(http, Request("POST", "/x"))
        await http.close()
    assert isinstance(error, ProxyUnreachable)
    assert "says nothing" in error.report().meaning
    assert error.facts["sent"] is False


async def test_what_is_no_proxy_is_told_as_that(http, settings):
    async def greet(_reader, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()
        writer.close()

    async with listening(greet) as port:
        settings[0] = NetworkConfig(proxy=ProxyAddress(f"http://127.0.0.1:{port}"))
        error = await failed(http)
    assert isinstance(error, ProxyUnreachable)
    assert "as a proxy" in error.report().meaning


async def test_a_proxy_that_speaks_no_tls_is_told_as_that(http, settings):
    async def refuse(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with listening(refuse) as port:
        settings[0] = NetworkConfig(proxy=ProxyAddress(f"https://127.0.0.1:{port}"))
        error = await failed(http)
    assert isinstance(error, ProxyUnreachable)
    assert "http://" in error.report().meaning


async def test_a_proxy_with_tls_is_used_if_it_is_trusted(http, settings, authority, company):
    async with Site().running(authority.context(HOST)) as site:
        proxy = RealProxy({HOST: site.port})
        tls = authority.context("127.0.0.1")
        async with proxied(settings, proxy, context=tls):
            assert (await http.send(GET)).ok
        stranger = RealProxy(account=f"ada:{MARKER}")
        tls = company.context("127.0.0.1")
        async with proxied(settings, stranger, account=f"ada:{MARKER}@", context=tls) as running:
            error = await failed(http)
            assert running.asked == []
    assert isinstance(error, CertificateUnknown)
    assert error.report().title.endswith(f"the proxy 127.0.0.1:{running.port}.")
    assert "“Example Corporation Proxy, Example Corporation”" in error.report().meaning


async def test_a_proxy_that_reads_along_is_named_until_its_certificate_is_given(
    http, settings, company, clock, tmp_path
):
    reading = RealProxy(reads_along=company.context(HOST))
    async with proxied(settings, reading) as proxy:
        error = await failed(http, Request("POST", "/x", headers={"Authorization": MARKER}))
        assert MARKER.encode() not in b"".join(proxy.inside)
        assert isinstance(error, CertificateUnknown)
        report = error.report()
        assert "Example Corporation Proxy" in report.meaning
        assert "network.certificates" in report.remedy
        assert "account" not in report.remedy
        assert clock.slept == []
        # The person does what the remedy says, while everything runs.
        settings[0] = NetworkConfig(proxy=settings[0].proxy, certificates=str(company.der))
        assert (await http.send(GET)).body == b"{}"


async def test_a_file_without_certificates_stops_everything_with_its_name(http, settings, tmp_path):
    file = tmp_path / "empty.pem"
    file.write_bytes(b"no certificate")
    settings[0] = NetworkConfig(certificates=str(file))
    error = await failed(http)
    assert isinstance(error, CertificatesUnreadable)
    assert "empty.pem" in error.report().title


async def test_a_clock_that_is_off_is_told_apart_from_a_certificate_that_is_old(
    http, settings, authority
):
    context = authority.context(HOST, days=(-20, -10))
    for off_s, kind in ((-15 * DAY_S, ClockOff), (0, CertificateUnknown)):
        async with (
            Site(off_s=off_s).running(context) as site,
            proxied(settings, RealProxy({HOST: site.port})),
        ):
            error = await failed(http)
        assert isinstance(error, kind)
    assert "expired" in error.report().meaning


async def test_a_network_that_wants_a_sign_in_is_known_by_its_certificate_and_redirect(
    http, settings, company
):
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://portal.test/\r\nContent-Length: 0\r\n\r\n"
    async with (
        Site(answer).running(company.context("portal.test")) as site,
        proxied(settings, RealProxy({HOST: site.port})),
    ):
        error = await failed(http)
    assert isinstance(error, CaptivePortal)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n\r\n<!DOCTYPE html>Hello",
        b"HTTP/1.1 302 Found\r\nLocation: http://portal.test/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 511 Sign In\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_a_page_in_the_place_of_data_is_the_networks_and_is_not_asked_for_again(
    http, settings, authority, answer, clock
):
    async with (
        Site(answer).running(authority.context(HOST)) as site,
        proxied(settings, RealProxy({HOST: site.port})),
    ):
        error = await failed(http)
        assert isinstance(error, CaptivePortal)
        assert (len(site.requests), clock.slept) == (1, [])
        assert "sign in" in error.report().remedy
        if b"511" not in answer:
            either = Request("GET", "/x", page=True, leads_on=True)
            assert (await http.send(either)).status in {200, 302}


async def test_a_change_of_the_settings_counts_from_the_next_request(http, settings, authority):
    async with (
        Site().running(authority.context(HOST)) as site,
        proxied(settings, RealProxy({HOST: site.port})) as first,
    ):
        assert (await http.send(GET)).ok
        async with proxied(settings, RealProxy({HOST: site.port})) as second:
            assert (await http.send(GET)).ok
    assert (first.tunnels, second.tunnels) == (1, 1)


async def test_a_request_under_way_ends_on_its_own_route(http, settings, authority):
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await go_on.wait()
        writer.write(OK_ANSWER)
        await writer.drain()
        writer.close()

    async with (
        listening(slow, authority.context(HOST)) as port,
        proxied(settings, RealProxy({HOST: port})) as first,
    ):
        waiting = asyncio.create_task(http.send(GET))
        await asked.wait()
        async with proxied(settings, RealProxy({HOST: port})) as second:
            go_on.set()
            assert (await http.send(GET)).ok
        assert (await waiting).ok
    assert (first.tunnels, second.tunnels) == (1, 1)


async def test_a_name_that_nobody_knows_is_told_as_that():
    # A real refusal of the resolver that needs no network: a service that does not exist.
    with pytest.raises(socket.gaierror) as refused:
        socket.getaddrinfo("127.0.0.1", "no such service")
    lost = httpx.ConnectError("no")
    lost.__cause__ = refused.value
    trail = Trail()
    await trail("connection.connect_tcp.started", {})
    failure = Failure(cloud="Test Cloud", url=f"https://{HOST}", route=Route(), trail=trail)
    error = await failure.explain(lost, connect_s=1, answer_s=1)
    assert isinstance(error, NameUnknown)
    assert HOST in error.report().meaning
    assert "network.proxy" in error.report().remedy
    assert error.facts["sent"] is False
