"""libcoap's server, which nobody here wrote, is asked by our client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.coap import ask
from agent.clouds.dtls import DtlsClient
from agent.clouds.route import Routes
from agent.clouds.system_proxy import SystemProxy
from agent.clouds.thingsboard.addresses import Server
from agent.clouds.thingsboard.certificates import make_certificate
from agent.clouds.thingsboard.over_coap import CoapCarrier
from agent.errors import CertificateUnknown, ClockOff, Unreachable
from agent.protocols.coap import PUT, Request
from agent.protocols.thingsboard.provisioning import NotAsked, NotUnderstood
from agent.protocols.thingsboard.replies import Issued, Refused, StoredCertificate
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings import Secret
from agent.settings.credentials import AccessToken
from agent.simulator.thingsboard_tls import Certificates
from tests.clouds.thingsboard.small_server import KEY, SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.needs("libcoap")
NAMES = ("coap-server-notls", "coap-server", "coap-server-openssl", "coap-server-gnutls")
ECHO = ("-d", "10", "-e")
"""It takes what is posted to any path, and says it again."""


class Echoed(ProvisionRequest):
    """Asks with what it wants to hear."""

    wanted = b""

    def encode(self) -> bytes:
        return self.wanted


class Running:
    """A server that listens, and our client of it."""

    def __init__(self, server: Server, ca: str) -> None:
        self.server = server
        self.routes = Routes(system=SystemProxy, environ={}).trusting(ca)
        self.carrier = CoapCarrier(server, self.routes, title="TB")


def program(*names: str) -> str:
    return next(filter(None, map(shutil.which, names)))


def two_ports(host: str) -> int:
    """The first of two that nobody has."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with (
            socket.socket(family, socket.SOCK_DGRAM) as first,
            socket.socket(family, socket.SOCK_DGRAM) as second,
            contextlib.suppress(OSError, OverflowError),
        ):
            first.bind((host, 0))
            port: int = first.getsockname()[1]
            second.bind((host, port + 1))
            return port


@contextlib.asynccontextmanager
async def libcoap(
    *words: str, host: str = "127.0.0.1", dtls: str = "", ca: str = ""
) -> AsyncIterator[Running]:
    """``dtls`` names the library that it is to have it from."""
    port = two_ports(host)
    # For DTLS it listens on the next one.
    server = Server("coaps", host, port + 1) if dtls else Server("coap", host, port)
    names = (f"coap-server-{dtls}", "coap-server") if dtls else NAMES
    process = await asyncio.create_subprocess_exec(
        *(program(*names), "-A", host, "-p", str(port), *words), stderr=asyncio.subprocess.DEVNULL
    )
    running = Running(server, ca)
    try:
        while True:  # it does not say when it listens
            try:
                await running.carrier.knows("x")
            except (CertificateUnknown, ClockOff):
                break
            except Unreachable as error:
                if "refused" not in str(error.facts["detail"]):
                    break
            else:
                break
        yield running
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
    async with libcoap() as running:
        outcome = (await running.carrier.ask(wish("n" * length))).outcome
    assert isinstance(outcome, NotUnderstood)
    assert outcome.detail.startswith("The status is 4.0")
    assert not outcome.maybe_done


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_what_it_says_is_read_whole_in_one_datagram_and_in_blocks(host: str) -> None:
    text = "MIIB" + "A" * 5000
    success = {"status": "SUCCESS", "credentialsType": "X509_CERTIFICATE"}
    async with libcoap(*ECHO, host=host) as running:
        carrier = running.carrier
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
    async with libcoap(*ECHO) as running:
        path = ("api", "v1", "tok", "attributes")
        there = Request(PUT, path, b'{"client":{}}')
        answer = await ask(running.server.host, running.server.port, there, limit_s=30.0)
        assert answer.code == 0x41
        assert await running.carrier.knows("tok") is True


@pytest.fixture
def certificates() -> Iterator[Certificates]:
    made = Certificates(time.time)
    yield made
    made.close()


@pytest.mark.parametrize("dtls", ["openssl", "gnutls"])
class TestDtls:
    """Its two builds have DTLS of two libraries."""

    async def test_what_it_says_through_dtls_is_read_whole(
        self, certificates: Certificates, dtls: str
    ) -> None:
        file = str(certificates.file())
        words = ("-c", file, "-j", file, "-n", *ECHO)
        async with libcoap(*words, dtls=dtls, ca=certificates.ca_pem) as running:
            carrier = running.carrier
            short = echoed({"status": "SUCCESS", "credentialsValue": "abc"})
            assert (await carrier.ask(short)).outcome == Issued(AccessToken(token=Secret("abc")))
            long = {
                "status": "SUCCESS",
                "credentialsType": "X509_CERTIFICATE",
                "credentialsValue": "MIIB" + "A" * 5000,
            }
            outcome = (await carrier.ask(echoed(long))).outcome
            assert outcome == Issued(StoredCertificate(long["credentialsValue"]))

    async def test_a_certificate_of_ours_is_shown_to_it(
        self, certificates: Certificates, dtls: str, tmp_path: Path
    ) -> None:
        own = make_certificate("own", datetime.now(UTC))
        trusted = tmp_path / "trusted.pem"
        trusted.write_text(own.certificate)
        file = str(certificates.file())
        words = ("-c", file, "-j", file, "-C", str(trusted), "-R", str(trusted), *ECHO)
        async with libcoap(*words, dtls=dtls, ca=certificates.ca_pem) as running:
            there = Request(PUT, ("api", "v1", "attributes"), b"{}")
            dtls_client = DtlsClient(running.routes.to(running.server.url), own)
            await ask("127.0.0.1", running.server.port, there, limit_s=30.0, dtls=dtls_client)
            assert await running.carrier.knows_certificate(own) is True
            with pytest.raises(Unreachable):  # it demands one
                await running.carrier.knows("x")

    @pytest.mark.parametrize("kind", ["expired", "not yet", "other host", "unknown"])
    async def test_one_that_cannot_be_believed_is_told_nothing(
        self, certificates: Certificates, dtls: str, kind: Any
    ) -> None:
        certificates.kind = kind
        file = str(certificates.file())
        async with libcoap("-c", file, "-j", file, "-n", dtls=dtls, ca=certificates.ca_pem) as it:
            asked = await it.carrier.ask(wish())
        assert isinstance(asked.outcome, NotAsked)
        error = ClockOff if kind == "not yet" else CertificateUnknown
        assert isinstance(asked.error, error)
        if error is CertificateUnknown and kind != "unknown":
            assert "Simulated ThingsBoard CA" in str(asked.error.facts["issuer"])
