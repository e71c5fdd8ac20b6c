"""libcoap's server, which nobody here wrote, is asked by our client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
from typing import TYPE_CHECKING

import aiocoap
import pytest

from agent.clouds.thingsboard.addresses import Server
from agent.clouds.thingsboard.over_coap import CoapCarrier, exchange
from agent.errors import Unreachable
from agent.protocols.thingsboard.provisioning import NotUnderstood
from agent.protocols.thingsboard.replies import Issued, Refused, StoredCertificate
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings import Secret
from agent.settings.credentials import AccessToken
from tests.clouds.thingsboard.small_server import KEY, SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.needs("libcoap")
NAMES = ("coap-server-notls", "coap-server", "coap-server-openssl", "coap-server-gnutls")
ECHO = ("-d", "10", "-e")
"""It takes what is posted to any path, and says it again."""


class Echoed(ProvisionRequest):
    """Asks with what it wants to hear."""

    wanted = b""

    def encode(self) -> bytes:
        return self.wanted


@contextlib.asynccontextmanager
async def libcoap(*words: str, host: str = "127.0.0.1") -> AsyncIterator[tuple[CoapCarrier, str]]:
    """Our client of a server that listens, and its address."""
    program = next(filter(None, map(shutil.which, NAMES)))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        program, "-A", host, "-p", str(port), *words, stderr=asyncio.subprocess.DEVNULL
    )
    server = Server("coap", host, port)
    carrier = CoapCarrier(server, title="TB")
    try:
        while True:  # it does not say when it listens
            with contextlib.suppress(Unreachable):
                await carrier.knows("x")
                break
        yield carrier, server.url
    finally:
        process.terminate()
        await process.wait()


def wish(name: str = "n") -> ProvisionRequest:
    return ProvisionRequest(name=name, key=Secret(KEY), secret=Secret(SECRET))


def echoed(reply: dict[str, str]) -> Echoed:
    request = Echoed(name="n", key=Secret(KEY), secret=Secret(SECRET))
    object.__setattr__(request, "wanted", json.dumps(reply).encode())
    return request


@pytest.mark.parametrize("length", [1, 3000], ids=["one datagram", "in blocks"])
async def test_it_understands_the_request_and_says_that_it_has_no_such_thing(length: int) -> None:
    async with libcoap() as (carrier, _):
        outcome = (await carrier.ask(wish("n" * length))).outcome
    assert isinstance(outcome, NotUnderstood)
    assert outcome.detail.startswith("The status is 4.0")
    assert not outcome.maybe_done


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_what_it_says_is_read_whole_in_one_datagram_and_in_blocks(host: str) -> None:
    text = "MIIB" + "A" * 5000
    success = {"status": "SUCCESS", "credentialsType": "X509_CERTIFICATE"}
    async with libcoap(*ECHO, host=host) as (carrier, _):
        short = echoed({"status": "SUCCESS", "credentialsValue": "abc"})
        assert (await carrier.ask(short)).outcome == Issued(AccessToken(token=Secret("abc")))
        long = echoed({**success, "credentialsValue": text})
        assert (await carrier.ask(long)).outcome == Issued(StoredCertificate(text))
        refused = (await carrier.ask(echoed({"status": "FAILURE"}))).outcome
        assert isinstance(refused, Refused)
        # It has taken the request, and what it says is no decision.
        outcome = (await carrier.ask(wish())).outcome
        assert isinstance(outcome, NotUnderstood)
        assert outcome.maybe_done


async def test_a_token_with_attributes_is_known() -> None:
    async with libcoap(*ECHO) as (carrier, url):
        message = aiocoap.Message(code=aiocoap.PUT, uri=url, payload=b'{"client":{}}')
        message.opt.uri_path = ("api", "v1", "tok", "attributes")
        assert (await exchange(message, 5.0)).code == aiocoap.CREATED
        assert await carrier.knows("tok") is True
