"""What only HTTP has: statuses, pages of networks, certificates."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import JSONResponse, Response

from agent.clouds.http import CloudHttp, Limits
from agent.clouds.thingsboard.over_http import LIMITS, HttpCarrier
from agent.errors import CaptivePortal, CertificateUnknown
from agent.protocols.thingsboard.provisioning import (
    NotAsked,
    NotUnderstood,
    Overloaded,
    retry_wait_s,
)
from agent.protocols.thingsboard.replies import Issued
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings import Secret
from agent.settings.credentials import AccessToken
from tests.clouds.thingsboard.small_server import KEY, SECRET, Devices, HttpSide
from tests.internet import Authority, Site, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.clouds.route import Routes
    from tests.clouds.manual_clock import ManualClock

WISH = ProvisionRequest(name="n", key=Secret(KEY), secret=Secret(SECRET))


@pytest.fixture
async def carrier(
    http_side: HttpSide, clock: ManualClock, routes: Routes
) -> AsyncIterator[HttpCarrier]:
    http = CloudHttp(title="TB", base_url=http_side.url, clock=clock, limits=LIMITS, routes=routes)
    yield HttpCarrier(http)
    await http.close()


FAULT = {"status": 500, "message": "null in a field", "errorCode": 2, "timestamp": 1}


@pytest.mark.parametrize(
    ("answer", "maybe_done"),
    [
        (JSONResponse(FAULT, 500), False),
        (Response(status_code=500), True),
        (Response(status_code=503), True),
        (Response("<html>bad gateway</html>", 502), True),
        (Response(status_code=404), False),
        (Response(status_code=413), False),
        (Response(b"x" * 70_000), True),
    ],
)
async def test_a_status_says_whether_something_may_be_done_all_the_same(
    carrier: HttpCarrier, devices: Devices, answer: Response, maybe_done: bool
) -> None:
    devices.instead = [answer]
    outcome = (await carrier.ask(WISH)).outcome
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done is maybe_done


async def test_a_limit_of_the_installation_in_front_is_patience_asked_for(
    carrier: HttpCarrier, devices: Devices
) -> None:
    devices.instead = [Response(status_code=429, headers={"Retry-After": "7"})]
    assert (await carrier.ask(WISH)).outcome == Overloaded("The status is 429.", 7.0)


async def test_a_silence_that_the_server_asked_for_is_kept_by_the_next_request_too(
    carrier: HttpCarrier, devices: Devices
) -> None:
    devices.instead = [Response(status_code=429, headers={"Retry-After": "600"})]
    for _ in range(2):
        outcome = (await carrier.ask(WISH)).outcome
        assert isinstance(outcome, Overloaded)
        assert retry_wait_s(outcome, 1, 0.0) is None  # a person waits a minute, and is told
    assert len(devices.requests) == 1


async def test_a_redirect_on_the_same_server_is_shown_and_not_followed(
    carrier: HttpCarrier, devices: Devices, http_side: HttpSide
) -> None:
    there = f"{http_side.url.replace('http', 'https')}/api/v1/provision"
    for status in (301, 302, 307, 308):
        devices.instead = [Response(status_code=status, headers={"Location": there})]
        outcome = (await carrier.ask(WISH)).outcome
        assert isinstance(outcome, NotUnderstood)
        assert not outcome.maybe_done
        assert there in outcome.detail
    assert len(devices.requests) == 4


async def test_a_second_answer_is_not_the_next_boards(clock: ManualClock, routes: Routes) -> None:
    def said(token: int) -> bytes:
        body = b'{"status":"SUCCESS","credentialsValue":"token-%d"}' % token
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    asked = 0

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"}")
                asked += 1
                writer.write(said(asked) * 2)
                await writer.drain()
        writer.close()

    async with listening(twice) as port:
        url = f"http://127.0.0.1:{port}"
        http = CloudHttp(title="TB", base_url=url, clock=clock, limits=LIMITS, routes=routes)
        outcomes = [(await HttpCarrier(http).ask(WISH)).outcome for _ in range(3)]
        await http.close()
    assert outcomes == [
        Issued(AccessToken(token=Secret(f"token-{number}"))) for number in (1, 2, 3)
    ]


async def test_the_page_of_a_network_is_no_server(carrier: HttpCarrier, devices: Devices) -> None:
    devices.instead = [Response("<html>Sign in</html>", media_type="text/html")]
    asked = await carrier.ask(WISH)
    assert isinstance(asked.outcome, NotAsked)
    assert isinstance(asked.error, CaptivePortal)


async def test_a_server_that_hangs_costs_the_limit(
    http_side: HttpSide, clock: ManualClock, routes: Routes
) -> None:
    site = Site(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{")
    async with site.running():
        url = f"http://127.0.0.1:{site.port}"
        limits = Limits(answer_s=0.2)
        http = CloudHttp(title="TB", base_url=url, clock=clock, limits=limits, routes=routes)
        outcome = (await HttpCarrier(http).ask(WISH)).outcome
        await http.close()
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done


async def test_tls_takes_the_accounts_authority_and_no_other(
    tmp_path: Path, clock: ManualClock, routes: Routes
) -> None:
    ours, other = (Authority(tmp_path / name, name) for name in ("ours", "other"))
    body = b'{"status":"SUCCESS","credentialsValue":"abc"}'
    site = Site(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    results: list[Any] = []
    async with site.running(ours.context("localhost")):
        for authority in (ours, other):
            http = CloudHttp(
                title="TB",
                base_url=f"https://localhost:{site.port}",
                clock=clock,
                limits=LIMITS,
                routes=routes.trusting(authority.pem.read_text()),
            )
            results.append(await HttpCarrier(http).ask(WISH))
            await http.close()
    trusted, unknown = results
    assert isinstance(trusted.outcome, Issued)
    assert isinstance(unknown.outcome, NotAsked)
    assert isinstance(unknown.error, CertificateUnknown)
    assert len([request for request in site.requests if b"POST" in request]) == 1
