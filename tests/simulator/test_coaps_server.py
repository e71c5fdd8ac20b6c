"""The small CoAP server behind DTLS: asked by libcoap's clients, and what it keeps of anybody."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from agent.simulator.coap_server import CoapAnswer
from agent.simulator.coaps_server import SESSIONS, CoapsServer
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_credentials import certificate_credentials, trim_certificate
from agent.simulator.thingsboard_devices import Profile, Strategy
from tests.simulator.thingsboard_talk import make_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LIMIT_S = 30.0
"""libcoap's client starts and asks in a tenth of a second; a busy machine may take seconds."""
DAYS = {"leaf": 365, "old": -390}


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard() as running:
        yield running


@pytest.mark.needs("libcoap")
@pytest.mark.parametrize("dtls", ["openssl", "gnutls"])
class TestLibcoap:
    """Clients that nobody here wrote, with DTLS of two libraries."""

    async def ask(
        self, server: SimulatedThingsBoard, folder: Path, dtls: str, path: str, *words: str
    ) -> tuple[str, str]:
        """What it prints: errors and the answer, apart."""
        names = (f"coap-client-{dtls}", "coap-client")
        program = next(filter(None, map(shutil.which, names)))
        ca = folder / "ca.pem"
        ca.write_text(server.ca)
        process = await asyncio.create_subprocess_exec(
            *(program, "-v", "3", "-B", "10", "-R", str(ca), *words),
            server.addresses["coaps"] + path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(LIMIT_S):
            output, errors = await process.communicate()
        return errors.decode().strip(), output.decode().strip()

    async def test_it_makes_a_device(
        self, server: SimulatedThingsBoard, tmp_path: Path, dtls: str
    ) -> None:
        pem, _ = make_certificate("bench-07")
        long = pem * 3  # more than a block both ways
        file = tmp_path / "request.json"
        request = {
            "deviceName": "bench-07",
            "provisionDeviceKey": server.create.key,
            "provisionDeviceSecret": server.create.secret.reveal(),
            "credentialsType": "X509_CERTIFICATE",
            "hash": long,
        }
        file.write_text(json.dumps(request))
        words = ("-m", "post", "-t", "50", "-f", str(file))
        errors, said = await self.ask(server, tmp_path, dtls, "/api/v1/provision", *words)
        assert errors == ""
        assert json.loads(said)["credentialsValue"] == trim_certificate(long)

    async def test_a_device_proves_itself_with_its_certificate_and_needs_no_token(
        self, server: SimulatedThingsBoard, tmp_path: Path, dtls: str
    ) -> None:
        pem, key = make_certificate("mine")
        server.state.add_device("mine", server.create, certificate_credentials(pem))
        (tmp_path / "own.pem").write_text(pem + key)
        body = tmp_path / "body.json"
        body.write_text('{"t":1}')
        own = ("-c", str(tmp_path / "own.pem"), "-j", str(tmp_path / "own.pem"))
        words = (*own, "-m", "post", "-f", str(body))
        assert await self.ask(server, tmp_path, dtls, "/api/v1/telemetry", *words) == ("", "")
        assert server.state.devices["mine"].telemetry[0][1] == {"t": 1}
        assert server.record.count("connect") >= 1
        errors, _ = await self.ask(server, tmp_path, dtls, "/api/v1/attributes", *own)
        assert errors.startswith("4.04")

    async def test_a_certificate_that_nobody_has_gets_no_connection(
        self, server: SimulatedThingsBoard, tmp_path: Path, dtls: str
    ) -> None:
        pem, key = make_certificate("nobody")
        (tmp_path / "own.pem").write_text(pem + key)
        own = ("-c", str(tmp_path / "own.pem"), "-j", str(tmp_path / "own.pem"), "-B", "1")
        await self.ask(server, tmp_path, dtls, "/api/v1/attributes", *own)
        assert server.record.count("device") == 0
        assert server.record.count("connect") >= 1

    async def test_without_one_only_a_token_says_who_asks(
        self, server: SimulatedThingsBoard, tmp_path: Path, dtls: str
    ) -> None:
        errors, _ = await self.ask(server, tmp_path, dtls, "/api/v1/attributes")
        assert errors.startswith("4.01")

    async def test_it_does_not_believe_another_authority(
        self, server: SimulatedThingsBoard, tmp_path: Path, dtls: str
    ) -> None:
        assert server.certificates is not None
        server.certificates.kind = "unknown"
        await self.ask(server, tmp_path, dtls, "/api/v1/attributes", "-B", "1")
        assert server.record.count("device") == 0


async def test_a_chain_that_a_profile_takes_makes_its_device_while_hands_are_shaken(
    server: SimulatedThingsBoard,
) -> None:
    ca = make_certificate("CA", authority=True)
    server.state.add_profile(Profile("chain", Strategy.CHAIN, chain_ca=ca[0]))
    coaps: Any = server._servers["coaps"]
    leaf, old = (make_certificate(name, signer=ca, days=days)[0] for name, days in DAYS.items())
    chain = tuple(map(ssl.PEM_cert_to_DER_cert, (leaf, ca[0])))
    assert coaps._knows(chain[:1]) is False
    assert coaps._knows(chain) is True
    assert list(server.state.devices) == ["leaf"]
    assert coaps._knows((ssl.PEM_cert_to_DER_cert(old), chain[1])) is False
    assert list(server.state.devices) == ["leaf"]


async def test_of_those_who_do_not_answer_nothing_is_kept(server: SimulatedThingsBoard) -> None:
    coaps: Any = server._servers["coaps"]
    for number in range(SESSIONS + 5):
        for data in (b"", b"x", bytes(20), bytes([22, 254, 253]) + bytes(30)):
            coaps.datagram_received(data, ("127.0.0.1", 1 + number))
    assert not coaps._sessions


async def test_while_it_is_down_it_hears_nothing() -> None:
    def never() -> Any:
        raise AssertionError

    running = CoapsServer(lambda _: CoapAnswer(0x45), certificate=never, knows=lambda _: True)
    running.down = True
    running.datagram_received(bytes(20), ("127.0.0.1", 1))
    await running.stop()
