"""The HTTP client against real servers on loopback."""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from agent.clouds.http import Answer, CloudHttp, Limits, Request, detail_of
from agent.clouds.pacing import Rate
from agent.errors import (
    CertificateUnknown,
    CloudAnswer,
    ProxyAccount,
    ProxyUnusable,
    QuotaReached,
    ServiceFault,
    Unreachable,
)
from agent.settings import Secret
from agent.simulator.loopback_server import LoopbackServer
from tests.internet import Authority, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from starlette.requests import Request as Received

    from tests.clouds.manual_clock import ManualClock

MARKER = "MARKER-8d1f"
GET = Request("GET", "/x", repeatable=True)
POST = Request("POST", "/x", json={"key": MARKER})


@asynccontextmanager
async def serving(
    clock: ManualClock,
    answer: Callable[[Received], Any],
    *,
    limits: Limits | None = None,
    rate: Rate | None = None,
) -> AsyncIterator[tuple[CloudHttp, LoopbackServer]]:
    async def endpoint(request: Received) -> Response:
        made = answer(request)
        result: Response = await made if asyncio.iscoroutine(made) else made
        return result

    methods = ["GET", "POST", "DELETE"]
    server = LoopbackServer(Starlette(routes=[Route("/{rest:path}", endpoint, methods=methods)]))
    await server.start()
    url = f"http://127.0.0.1:{server.port}"
    http = CloudHttp(title="Test Cloud", base_url=url, clock=clock, limits=limits, rate=rate)
    try:
        yield http, server
    finally:
        await http.close()
        await server.stop()


def in_turn(*answers: Response) -> Callable[[Received], Response]:
    """Each request gets the next answer; the last one stays."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def status(code: int, text: str = "", **headers: str) -> Response:
    renamed = {name.replace("_", "-"): value for name, value in headers.items()}
    return PlainTextResponse(text, code, headers=renamed)


async def test_a_request_arrives_as_it_was_meant(clock: ManualClock) -> None:
    seen: list[tuple[str, str, dict[str, str], bytes]] = []

    async def keep(request: Received) -> Response:
        body = await request.body()
        seen.append((request.method, str(request.url), dict(request.headers), body))
        return status(200, "fine")

    async with serving(clock, keep) as (http, _):
        query = {"fqbn": "a:b:c d&e"}
        answer = await http.send(
            Request("POST", "/x/y", query=query, json={"name": "Küche"}, headers={"X-Own": "1"})
        )
        await http.send(Request("POST", "/token", form={"secret": "a&b=ü"}))
    assert answer == Answer(200, b"fine")
    method, url, headers, body = seen[0]
    assert (method, body) == ("POST", '{"name":"Küche"}'.encode())
    assert url.endswith("/x/y?fqbn=a%3Ab%3Ac+d%26e")
    assert headers["content-type"] == "application/json"
    assert headers["x-own"] == "1"
    assert seen[1][2]["content-type"] == "application/x-www-form-urlencoded"
    assert seen[1][3] == b"secret=a%26b%3D%C3%BC"


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
async def test_an_overload_that_ends_is_waited_for(clock: ManualClock, code: int) -> None:
    async with serving(clock, in_turn(status(code), status(code), status(200, "ok"))) as (http, _):
        assert (await http.send(GET)).body == b"ok"
    assert clock.slept == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize(("code", "error"), [(429, QuotaReached), (503, ServiceFault)])
async def test_an_overload_that_stays_is_reported_after_the_last_attempt(
    clock: ManualClock, code: int, error: type[Exception]
) -> None:
    asked: list[str] = []

    def refuse(request: Received) -> Response:
        asked.append(request.method)
        return status(code, "request limit reached")

    async with serving(clock, refuse) as (http, _):
        with pytest.raises(error) as caught:
            await http.send(GET)
    assert len(asked) == 5
    assert clock.slept == pytest.approx([1.0, 2.0, 4.0, 8.0])
    assert "request limit reached" in caught.value.report().meaning  # type: ignore[attr-defined]  # both have it


async def test_a_service_that_answered_with_a_fault_sends_nobody_to_the_internet_connection(
    clock: ManualClock,
) -> None:
    async with serving(clock, in_turn(status(502, "bad gateway"))) as (http, _):
        with pytest.raises(ServiceFault) as caught:
            await http.send(POST)
    told = caught.value.report()
    assert (told.code, caught.value.facts["sent"]) == ("cloud-fault", True)
    assert "502. bad gateway" in told.meaning
    assert "connection" not in told.remedy
    assert "again in some minutes" in told.remedy


async def test_retry_after_goes_before_the_steps(clock: ManualClock) -> None:
    answers = in_turn(status(429, Retry_After="7"), status(503, Retry_After="3"), status(200))
    async with serving(clock, answers) as (http, _):
        await http.send(GET)
    assert clock.slept == pytest.approx([7.0, 3.0])


async def test_a_limit_that_lasts_too_long_is_reported_at_once_and_obeyed(
    clock: ManualClock,
) -> None:
    asked: list[str] = []

    def refuse(request: Received) -> Response:
        asked.append(request.method)
        return status(429, Retry_After="300")

    async with serving(clock, refuse) as (http, _):
        for _ in range(2):
            with pytest.raises(QuotaReached) as caught:
                await http.send(GET)
    assert (len(asked), clock.slept) == (1, [])
    assert "300 s" in caught.value.report().meaning


async def test_others_wait_too_while_the_cloud_asks_for_silence(clock: ManualClock) -> None:
    async with serving(clock, in_turn(status(429, Retry_After="5"), status(200))) as (http, _):
        with pytest.raises(QuotaReached):
            await http.send(POST)
        await http.send(GET)
    assert clock.slept == pytest.approx([5.0])


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_a_post_is_never_repeated_by_itself(clock: ManualClock, code: int) -> None:
    asked: list[str] = []

    def refuse(request: Received) -> Response:
        asked.append(request.method)
        return status(code)

    async with serving(clock, refuse) as (http, _):
        with pytest.raises((QuotaReached, Unreachable)):
            await http.send(POST)
    assert asked == ["POST"]


@pytest.mark.parametrize("code", [200, 204, 301, 302, 307, 400, 401, 403, 404, 409, 412])
async def test_every_other_answer_is_handed_up_and_no_redirect_is_followed(
    clock: ManualClock, code: int
) -> None:
    asked: list[str] = []

    def answer(request: Received) -> Response:
        asked.append(str(request.url))
        return Response(status_code=code, headers={"Location": "/elsewhere"})

    async with serving(clock, answer) as (http, _):
        assert (await http.send(GET)).status == code
    assert len(asked) == 1


async def test_requests_are_spread_and_all_are_served(clock: ManualClock) -> None:
    async with serving(clock, in_turn(status(200))) as (http, _):
        answers = await asyncio.gather(*(http.send(GET) for _ in range(12)))
    assert all(answer.ok for answer in answers)
    # Seven wait behind a burst of five, a fifth of a second each.
    assert len(clock.slept) == 7
    assert sum(clock.slept) == pytest.approx(1.4)


async def test_more_requests_than_fit_in_the_queue_are_refused_not_kept(
    clock: ManualClock,
) -> None:
    async with serving(clock, in_turn(status(200)), rate=Rate(per_s=0.01, burst=1)) as (http, _):
        await http.send(GET)
        await http.send(GET)
        clock.now -= 100.0  # as if it had been asked at the same moment
        with pytest.raises(QuotaReached):
            await http.send(GET)


async def test_a_lost_connection_is_tried_again_only_for_requests_that_may_be(
    clock: ManualClock,
) -> None:
    async with serving(clock, in_turn(status(200))) as (http, server):
        server.down = True
        with pytest.raises(Unreachable) as caught:
            await http.send(POST)
        assert caught.value.facts["sent"] is True
        assert clock.slept == []
        with pytest.raises(Unreachable):
            await http.send(GET)
        assert clock.slept == pytest.approx([1.0, 2.0, 4.0, 8.0])
        server.down = False
        assert (await http.send(GET)).ok


async def test_nobody_listening_is_told_as_such_and_surely_nothing_was_sent(
    clock: ManualClock,
) -> None:
    async with serving(clock, in_turn(status(200))) as (http, server):
        await server.stop()
        with pytest.raises(Unreachable) as caught:
            await http.send(GET)
    assert caught.value.facts["sent"] is False
    assert re.match(r"No connection to 127\.0\.0\.1:\d+: ", caught.value.report().meaning)
    assert clock.slept == pytest.approx([1.0, 2.0])


async def test_a_cloud_that_never_answers_is_left_after_the_limit(clock: ManualClock) -> None:
    waiting = asyncio.Event()

    async def hang(_: Received) -> Response:
        await waiting.wait()
        return status(200)

    async with serving(clock, hang, limits=Limits(answer_s=0.1)) as (http, _):
        with pytest.raises(Unreachable) as caught:
            await http.send(POST)
    assert caught.value.facts["sent"] is True
    assert "0.1 s" in caught.value.report().meaning


async def test_a_cloud_that_trickles_is_left_after_the_same_limit(clock: ManualClock) -> None:
    async def trickle(_: Received) -> Response:
        async def drops() -> AsyncIterator[bytes]:
            while True:
                yield b"."
                await asyncio.sleep(0.02)

        return StreamingResponse(drops())

    async with serving(clock, trickle, limits=Limits(answer_s=0.2)) as (http, _):
        with pytest.raises(Unreachable):
            await http.send(POST)


async def test_an_answer_without_end_is_cut_off(clock: ManualClock) -> None:
    async def flood(_: Received) -> Response:
        async def blocks() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0)

        return StreamingResponse(blocks())

    async with serving(clock, flood, limits=Limits(body=1_000_000)) as (http, _):
        with pytest.raises(CloudAnswer) as caught:
            await http.send(GET)
    assert "1000000 bytes" in caught.value.report().meaning


async def test_a_compressed_answer_is_not_unpacked(clock: ManualClock) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)

    def answer(_: Received) -> Response:
        return Response(bomb, headers={"Content-Encoding": "gzip"})

    async with serving(clock, answer) as (http, _):
        with pytest.raises(CloudAnswer):
            await http.send(GET)


async def test_what_a_cloud_says_is_cleaned_and_gives_no_secret_away(clock: ManualClock) -> None:
    def repeat(_: Received) -> Response:
        return status(503, f"\x1b[31mtoken\r\n {MARKER} is   wrong\u202e" + "y" * 5000)

    async with serving(clock, repeat) as (http, _):
        with pytest.raises(Unreachable) as caught:
            await http.send(Request("POST", "/x", secrets=(Secret(MARKER),)))
    meaning = caught.value.report().meaning
    assert MARKER not in meaning
    assert "token *** is wrong" in meaning
    assert meaning.isprintable()
    assert len(meaning) < 300


async def test_the_page_of_a_gateway_is_not_shown(clock: ManualClock) -> None:
    async with serving(clock, in_turn(status(502, "<html><h1>Bad gateway"))) as (http, _):
        with pytest.raises(Unreachable) as caught:
            await http.send(POST)
    assert "<" not in caught.value.report().meaning


async def test_nothing_secret_reaches_any_log(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    request = Request(
        "POST",
        "/x",
        json={"key": MARKER},
        headers={"Authorization": f"Bearer {MARKER}"},
        secrets=(Secret(MARKER),),
    )
    form = Request("POST", "/x", form={"client_secret": MARKER})
    async with serving(clock, in_turn(status(200), status(401), status(503))) as (http, server):
        await http.send(request)
        await http.send(form)
        with pytest.raises(Unreachable) as caught:
            await http.send(request)
        server.down = True
        with pytest.raises(Unreachable) as lost:
            await http.send(request)
    assert any(record.name.startswith("http") for record in caplog.records)
    assert MARKER not in caplog.text
    assert MARKER not in repr((request, form, caught.value.report(), lost.value.report()))


def test_secrets_are_taken_out_before_a_text_is_cut() -> None:
    text = "x" * 190 + MARKER
    assert MARKER[:5] not in detail_of(text, [Secret(MARKER), Secret()])


async def test_the_systems_proxy_is_not_asked_for_this_computer(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(clock, in_turn(status(200))) as (http, _):
        assert (await http.send(GET)).ok


async def test_the_systems_proxy_is_asked_for_other_computers(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://user:{MARKER}@127.0.0.1:{port}")
    http = CloudHttp(title="Test Cloud", base_url="https://cloud.test", clock=clock)
    async with server:
        with pytest.raises(Unreachable) as caught:
            await http.send(POST)
    await http.close()
    assert asked[0].startswith(b"CONNECT cloud.test:443")
    assert "the environment (HTTPS_PROXY)" in caught.value.report().meaning
    assert isinstance(caught.value, ProxyAccount)
    assert caught.value.facts["sent"] is False
    assert MARKER not in repr(caught.value.report())


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://127.0.0.1:9",
        "socks://127.0.0.1:9/",
        f"https5://user:{MARKER}@proxy.test",
        f"http://user:{MARKER}/x@proxy.test",
    ],
)
async def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    for name in ("ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    http = CloudHttp(title="Test Cloud", base_url="https://cloud.test", clock=clock)
    with pytest.raises(Unreachable) as caught:
        await http.send(GET)
    await http.close()
    assert isinstance(caught.value, ProxyUnusable)
    assert caught.value.facts["sent"] is False
    assert caught.value.__cause__ is None
    assert MARKER not in repr(caught.value.report())


async def test_a_certificate_that_nobody_vouches_for_is_refused_once(
    clock: ManualClock, tmp_path: Path
) -> None:
    context = Authority(tmp_path, "Nobody").context("127.0.0.1")
    async with Site().running(context) as site:
        url = f"https://127.0.0.1:{site.port}"
        http = CloudHttp(title="Test Cloud", base_url=url, clock=clock)
        with pytest.raises(CertificateUnknown) as caught:
            await http.send(GET)
        await http.close()
    assert "“Nobody, Example Corporation”" in caught.value.report().meaning
    assert (caught.value.facts["sent"], clock.slept) == (False, [])


@pytest.mark.system("linux")  # the others ask their own store, not a file of OpenSSL
async def test_a_certificate_that_the_system_trusts_is_accepted(
    clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path, "Test Authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
    async with Site().running(authority.context("127.0.0.1")) as site:
        url = f"https://127.0.0.1:{site.port}"
        http = CloudHttp(title="Test Cloud", base_url=url, clock=clock)
        assert (await http.send(GET)).ok
        await http.close()
