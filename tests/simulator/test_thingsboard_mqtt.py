"""The MQTT ports of the simulated ThingsBoard, as programs of others see them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from agent.protocols.mqtt import ConnAck, Connect, PacketDecoder, Publish, Subscribe, encode
from agent.simulator.thingsboard import NotConnectedError, SimulatedThingsBoard
from agent.simulator.thingsboard_credentials import (
    BasicLogin,
    StoredCredentials,
    basic_credentials,
    certificate_credentials,
    token_credentials,
)
from agent.simulator.thingsboard_devices import Profile, Strategy
from agent.simulator.thingsboard_tls import Certificates
from agent.simulator.thingsboard_tls_link import TlsFailed, TlsLink
from tests.simulator.thingsboard_talk import Clock, der, make_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LIMIT_S = 30.0
"""A client starts and says its word in a tenth of a second; a busy machine may take seconds."""
VERSIONS = pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
TELEMETRY = "v1/devices/me/telemetry"


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False) as running:
        yield running


@pytest.fixture
def ca(server: SimulatedThingsBoard, tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    file.write_text(server.ca)
    return str(file)


async def run(*words: str) -> tuple[int, str]:
    """A program; its status and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise
    assert process.returncode is not None
    return process.returncode, output.decode()


def keep(folder: Path, name: str, pair: tuple[str, str]) -> tuple[str, ...]:
    """The words that make a mosquitto client show a certificate."""
    files = (folder / f"{name}.crt", folder / f"{name}.key")
    for file, text in zip(files, pair, strict=True):
        file.write_text(text)
    return ("--cert", str(files[0]), "--key", str(files[1]))


@pytest.mark.needs("mosquitto")
class TestMosquittoClients:
    """Clients that nobody here wrote, with every credential."""

    def add(self, server: SimulatedThingsBoard, credentials: StoredCredentials) -> None:
        server.state.add_device("probe", server.create, credentials)

    async def publish(
        self, server: SimulatedThingsBoard, version: str, *words: str, tls: bool = False
    ) -> tuple[int, str]:
        # Over TLS by name: the certificate names both, but not every build looks for addresses.
        where = ("localhost", server.ports["mqtts"]) if tls else ("127.0.0.1", server.ports["mqtt"])
        command = ["mosquitto_pub", "-V", version, "-q", "1", "-h", where[0], "-p", str(where[1])]
        return await run(*command, *words, "-t", TELEMETRY, "-m", '{"t": 1}')

    @VERSIONS
    async def test_a_token(self, server, version):
        self.add(server, token_credentials("tok"))
        assert await self.publish(server, version, "-u", "tok") == (0, "")
        assert server.state.devices["probe"].telemetry[0][1] == {"t": 1}

    @VERSIONS
    async def test_basic_ones(self, server, version):
        self.add(server, basic_credentials(BasicLogin("cid", "u", "p")))
        right = ("-i", "cid", "-u", "u", "-P", "p")
        assert await self.publish(server, version, *right) == (0, "")
        status, output = await self.publish(server, version, *right[:-1], "wrong")
        assert status != 0
        assert "efused" in output or "Bad User Name or Password" in output

    @VERSIONS
    async def test_a_token_over_tls(self, server, ca, version):
        self.add(server, token_credentials("tok"))
        words = ("--cafile", ca, "-u", "tok")
        assert await self.publish(server, version, *words, tls=True) == (0, "")

    @VERSIONS
    async def test_a_certificate(self, server, ca, tmp_path, version):
        pair = make_certificate("probe", now=server.now())
        self.add(server, certificate_credentials(pair[0]))
        words = ("--cafile", ca, *keep(tmp_path, "probe", pair))
        assert await self.publish(server, version, *words, tls=True) == (0, "")
        assert server.state.devices["probe"].telemetry[0][1] == {"t": 1}

    @VERSIONS
    @pytest.mark.parametrize("days", [10, -1])
    async def test_a_certificate_that_is_unknown_or_has_ended(
        self, server, ca, tmp_path, version, days
    ):
        pair = make_certificate("probe", days=days, now=server.now())
        if days < 0:
            self.add(server, certificate_credentials(pair[0]))
        words = ("--cafile", ca, *keep(tmp_path, "probe", pair))
        status, output = await self.publish(server, version, *words, tls=True)
        assert status != 0
        assert "not authori" in output.lower()

    async def test_a_chain_makes_the_device(self, server, ca, tmp_path):
        authority = make_certificate("CA", now=server.now(), authority=True)
        server.state.add_profile(Profile("chain", Strategy.CHAIN, chain_ca=authority[0]))
        leaf = make_certificate("probe", now=server.now(), signer=authority)
        words = ("--cafile", ca, *keep(tmp_path, "probe", (leaf[0] + authority[0], leaf[1])))
        assert await self.publish(server, "mqttv311", *words, tls=True) == (0, "")
        assert server.state.devices["probe"].telemetry[0][1] == {"t": 1}

    async def test_a_clock_that_is_wrong_makes_certificates_invalid(self, server, ca, tmp_path):
        pair = make_certificate("probe", now=server.now())
        self.add(server, certificate_credentials(pair[0]))
        words = ("--cafile", ca, *keep(tmp_path, "probe", pair))
        server.clock_ahead_s = 366 * 86_400
        status, _ = await self.publish(server, "mqttv311", *words, tls=True)
        assert status == 5

    async def test_a_wrong_server_is_not_believed(self, server, ca):
        self.add(server, token_credentials("tok"))
        assert server.certificates is not None
        server.certificates.kind = "unknown"
        words = ("--cafile", ca, "-u", "tok")
        status, output = await self.publish(server, "mqttv311", *words, tls=True)
        assert status != 0
        assert "TLS" in output
        assert not server.state.devices["probe"].telemetry

    @VERSIONS
    async def test_a_request_is_answered(self, server, version):
        command = ["mosquitto_rr", "-V", version, "-h", "127.0.0.1", "-u", "provision", "-q", "1"]
        topics = ["-t", "/provision/request", "-e", "/provision/response", "-W", "10"]
        port = ["-p", str(server.ports["mqtt"])]
        secret = server.create.secret.reveal()
        said = {"provisionDeviceKey": server.create.key, "provisionDeviceSecret": secret}
        for own, status in (({}, "SUCCESS"), ({}, "FAILURE"), ({"deviceName": " "}, "FAILURE")):
            wish = json.dumps({"deviceName": "probe", **said, **own})
            code, output = await run(*command, *port, *topics, "-m", wish)
            assert code == 0
            assert json.loads(output)["status"] == status
        assert list(server.state.devices) == ["probe"]

    @VERSIONS
    async def test_a_subscriber_is_told(self, server, version):
        self.add(server, token_credentials("tok"))
        device = server.state.devices["probe"]
        command = ["mosquitto_sub", "-V", version, "-h", "127.0.0.1", "-u", "tok", "-C", "2", "-v"]
        topics = ["-t", "v1/devices/me/attributes", "-t", "v1/devices/me/rpc/request/+"]
        port = str(server.ports["mqtt"])
        listening = asyncio.ensure_future(run(*command, "-p", port, "-q", "1", *topics))
        async with asyncio.timeout(LIMIT_S):
            while not server.state.call(device, "blink", {"n": 1}, print):
                await asyncio.sleep(0.01)
            server.state.set_shared(device, {"s": 1})
            status, output = await listening
        assert status == 0
        assert output.splitlines() == [
            'v1/devices/me/rpc/request/1 {"method":"blink","params":{"n":1}}',
            'v1/devices/me/attributes {"s":1}',
        ]


async def open_client(
    server: SimulatedThingsBoard, *, tls: bool = False
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.create_default_context(cadata=server.ca) if tls else None
    port = server.ports["mqtts" if tls else "mqtt"]
    return await asyncio.open_connection("127.0.0.1", port, ssl=context)


async def read_packets(reader: asyncio.StreamReader, count: int) -> list[Any]:
    decoder = PacketDecoder()
    found: list[Any] = []
    async with asyncio.timeout(LIMIT_S):
        while len(found) < count:
            data = await reader.read(1 << 16)
            assert data, "the connection ended"
            found += decoder.feed(data)
    return found


@pytest.mark.parametrize("tls", [False, True])
async def test_a_request_in_pieces_is_answered_and_the_end_is_clean(server, tls):
    reader, writer = await open_client(server, tls=tls)
    said = encode(Connect(username="provision"), 4)
    said += encode(Subscribe(packet_id=1, filters=(("/provision/response", 1),)), 4)
    secret = server.create.secret.reveal()
    body = f'{{"provisionDeviceKey":"{server.create.key}","provisionDeviceSecret":"{secret}"}}'
    said += encode(Publish(topic="/provision/request", payload=body.encode()), 4)
    for place in range(0, len(said), 7):
        writer.write(said[place : place + 7])
        await writer.drain()
    connack, _, answer = await read_packets(reader, 3)
    assert connack == ConnAck()
    assert b"SUCCESS" in answer.payload
    writer.write(encode(Publish(topic="other", payload=b"x"), 4))
    async with asyncio.timeout(LIMIT_S):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_a_minute_after_the_reply_the_session_ends(server):
    reader, writer = await open_client(server)
    writer.write(encode(Connect(username="provision"), 4))
    secret = server.create.secret.reveal()
    body = f'{{"provisionDeviceKey":"{server.create.key}","provisionDeviceSecret":"{secret}"}}'
    writer.write(encode(Publish(topic="/provision/request", payload=body.encode()), 4))
    await read_packets(reader, 2)
    # The clock goes on by a minute; a ping makes the server look at it.
    server.clock_ahead_s = 61
    writer.write(bytes([0xC0, 0x00]))
    async with asyncio.timeout(LIMIT_S):
        assert (await reader.read()).startswith(b"\xd0\x00")
    writer.close()


async def test_a_server_that_is_down_cuts_and_comes_back(server):
    reader, writer = await open_client(server)
    server.down = True
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    with contextlib.suppress(ConnectionError):
        reader, writer = await open_client(server)
        assert await reader.read() == b""
        writer.close()
    server.down = False
    reader, writer = await open_client(server)
    writer.write(encode(Connect(username="provision"), 4))
    assert await read_packets(reader, 1) == [ConnAck()]
    writer.close()


async def test_a_lost_connection_ends_the_session(server):
    server.state.add_device("probe", server.create, token_credentials("tok"))
    reader, writer = await open_client(server)
    writer.write(encode(Connect(username="tok"), 4))
    await read_packets(reader, 1)
    writer.transport.abort()
    device = server.state.devices["probe"]
    async with asyncio.timeout(LIMIT_S):
        while server.state.sessions[device.id]:
            await asyncio.sleep(0)
    with pytest.raises(NotConnectedError):
        await server.call("probe", "m")


class TestTls:
    """The link alone, with the library's own client at the other end."""

    @pytest.fixture
    def certificates(self):
        found = Certificates(Clock())
        yield found
        found.close()

    def client(self, certificates: Certificates, *files: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=certificates.ca_pem)
        context.verify_flags |= 0x200000  # the clock of the test is not the computer's
        if files:
            context.load_cert_chain(*files)
        return context

    def shake(
        self, link: TlsLink, context: ssl.SSLContext, step: int = 1 << 16
    ) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
        """Shake hands; pieces of ``step`` bytes reach the server."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        peer = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        for _ in range(10):
            with contextlib.suppress(ssl.SSLWantReadError):
                peer.do_handshake()
            said = outgoing.read()
            for place in range(0, len(said), step):
                link.feed(said[place : place + step])
            incoming.write(link.take())
        return peer, incoming, outgoing

    @pytest.mark.parametrize("step", [1, 7, 1 << 16])
    @pytest.mark.parametrize("days", [10, -1])
    def test_any_certificate_is_let_in_and_seen(self, certificates, tmp_path, step, days):
        pair = make_certificate("anybody", days=days)
        (tmp_path / "pair.pem").write_text(pair[0] + pair[1])
        link = TlsLink(certificates)
        peer, _, _ = self.shake(link, self.client(certificates, str(tmp_path / "pair.pem")), step)
        assert link.ready
        assert link.chain == (der(pair[0]),)
        assert peer.version() == "TLSv1.2"

    def test_without_a_certificate_it_is_let_in_too(self, certificates):
        link = TlsLink(certificates)
        peer, _, _ = self.shake(link, self.client(certificates))
        assert (link.ready, link.chain) == (True, ())
        assert peer.getpeercert() is not None

    def test_a_chain_whose_members_did_not_sign_each_other_is_refused(self, certificates, tmp_path):
        leaf, other = make_certificate("leaf"), make_certificate("other")
        (tmp_path / "pair.pem").write_text(leaf[0] + other[0] + leaf[1])
        link = TlsLink(certificates)
        with pytest.raises(TlsFailed, match="sign each other"):
            self.shake(link, self.client(certificates, str(tmp_path / "pair.pem")))

    def test_a_key_that_is_not_the_certificates_proves_nothing(self, certificates, tmp_path):
        pair = make_certificate("mine")
        (tmp_path / "pair.pem").write_text(pair[0] + pair[1])
        link = TlsLink(certificates)
        context = self.client(certificates, str(tmp_path / "pair.pem"))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        peer = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with contextlib.suppress(ssl.SSLWantReadError):
            peer.do_handshake()
        link.feed(outgoing.read())
        incoming.write(link.take())
        with contextlib.suppress(ssl.SSLWantReadError):
            peer.do_handshake()
        flight = bytearray(outgoing.read())
        # The signature of CertificateVerify is the last thing before the cipher changes.
        end = bytes(flight).rindex(bytes([20, 3, 3, 0, 1, 1]))
        flight[end - 1] ^= 1
        with pytest.raises(TlsFailed):
            link.feed(bytes(flight))
        assert not link.ready

    @pytest.mark.parametrize(
        "data", [b"GET / HTTP/1.1\r\n\r\n", b"\x10\x0e\x00\x04MQTT\x04", b"\x16" * 99]
    )
    def test_what_is_no_tls_fails(self, certificates, data):
        link = TlsLink(certificates)
        with pytest.raises(TlsFailed):
            link.feed(data * 1000)

    def test_the_end_is_told(self, certificates):
        link = TlsLink(certificates)
        peer, incoming, outgoing = self.shake(link, self.client(certificates))
        link.send(b"last words")
        link.close()
        incoming.write(link.take())
        assert peer.read(100) == b"last words"
        assert peer.read(100) == b""
        with contextlib.suppress(ssl.SSLError):
            peer.unwrap()
        with pytest.raises(EOFError):
            link.feed(outgoing.read())
