"""DTLS as a client: real handshakes, over a network that loses and doubles; every way to end."""

from __future__ import annotations

import asyncio
import datetime
import gc
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.coap import ask
from agent.clouds.dtls import MTU, DtlsClient, DtlsUntrusted, pack
from agent.clouds.route import Route
from agent.clouds.thingsboard.certificates import make_certificate
from agent.errors import InputError
from agent.protocols.coap import GET, POST, Answer, Request
from agent.settings import Secret
from agent.settings.credentials import Certificate
from agent.simulator.coap_server import CoapAnswer
from agent.simulator.coaps_server import CoapsServer
from tests.clouds.dtls_bench import Bench, Relay, bench
from tests.internet import of_version_4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

HOST = "127.0.0.1"
BODY = bytes(range(256)) * 5
HELLO = Request(POST, ("a",), BODY)
DATAGRAMS = 10
"""More than a side sends in a handshake."""


@pytest.fixture
async def there() -> AsyncIterator[Bench]:
    async with bench() as made:
        yield made


def own(name: str = "n") -> Certificate:
    return make_certificate(name, datetime.datetime.now(datetime.UTC))


def sockets() -> int:
    """Datagram sockets of this process that are open."""
    gc.collect()
    alive = [o for o in gc.get_objects() if isinstance(o, socket.socket) and o.fileno() >= 0]
    return sum(o.type == socket.SOCK_DGRAM for o in alive)


@pytest.mark.parametrize("host", ["localhost", HOST])
async def test_what_is_asked_arrives_and_so_does_the_answer(there: Bench, host: str) -> None:
    there.reply = BODY
    answer = await ask(host, there.port, HELLO, limit_s=5.0, dtls=there.client())
    assert answer == Answer(0x45, BODY)
    assert [request.payload for request in there.asked] == [BODY]
    assert there.asked[0].chain == ()


async def test_a_certificate_of_ours_is_shown_where_it_is_asked_for(there: Bench) -> None:
    mine = own()
    await ask(HOST, there.port, HELLO, limit_s=5.0, dtls=there.client(mine))
    (proved,) = there.asked[0].chain
    assert proved == ssl.PEM_cert_to_DER_cert(mine.certificate)


async def test_one_that_the_server_does_not_know_ends_in_its_alert(there: Bench) -> None:
    there.knows = False
    with pytest.raises(ssl.SSLError) as caught:
        await there.client(own()).connect(HOST, there.port)
    assert "ALERT_UNKNOWN_CA" in caught.value.reason
    assert not isinstance(caught.value, DtlsUntrusted)


@pytest.mark.parametrize(
    ("certificate", "key"),
    [("x", None), (None, "x"), (None, own("other").key.reveal())],
    ids=["no certificate", "no key", "of another"],
)
async def test_a_pair_that_is_none_is_told_before_anything_is_sent(
    there: Bench, certificate: str | None, key: str | None
) -> None:
    mine = own()
    pair = Certificate(
        certificate=certificate or mine.certificate, key=Secret(key or mine.key.reveal())
    )
    with pytest.raises(InputError):
        await there.client(pair).connect(HOST, there.port)


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("expired", 10, "expired"),
        ("not yet", 9, "not yet valid"),
        ("other host", 62, "not valid for '127.0.0.1'"),
        ("unknown", 20, "local issuer"),
    ],
)
async def test_a_server_that_cannot_be_believed_is_told_nothing(
    there: Bench, kind: Any, code: int, said: str
) -> None:
    there.certificates.kind = kind
    with pytest.raises(DtlsUntrusted) as caught:
        await there.client(own()).connect(HOST, there.port)
    assert caught.value.verify_code == code
    assert said in caught.value.verify_message
    pem = ssl.DER_cert_to_PEM_cert(caught.value.shown)
    assert "".join(pem.split()) in "".join(there.certificates.file().read_text().split())
    assert there.known == []


async def test_a_certificate_that_nobody_can_read_is_not_trusted(tmp_path: Path) -> None:
    made, file = own(), tmp_path / "server.pem"
    file.write_text(of_version_4(made.certificate) + made.key.reveal())
    server = CoapsServer(
        lambda _: CoapAnswer(0x45, b""), certificate=lambda: file, knows=lambda _: True
    )
    await server.start()
    try:
        with pytest.raises(DtlsUntrusted) as caught:
            await DtlsClient(Route()).connect(HOST, server.port)
    finally:
        await server.stop()
    assert caught.value.verify_code == 18
    assert ssl.DER_cert_to_PEM_cert(caught.value.shown) in file.read_text()


async def test_an_authority_that_signs_and_is_not_trusted_here_counts_for_nothing(
    there: Bench,
) -> None:
    with pytest.raises(DtlsUntrusted):
        await DtlsClient(Route()).connect(HOST, there.port)


async def through(there: Bench, fate: Callable[[bool, int, bytes], list[bytes]]) -> None:
    async with Relay(there.port, fate).running() as port:
        assert await ask(HOST, port, HELLO, limit_s=15.0, dtls=there.client()) == Answer(
            0x45, b"{}"
        )


async def test_each_datagram_may_be_lost(there: Bench) -> None:
    def losing(direction: bool, lost: int) -> Callable[[bool, int, bytes], list[bytes]]:
        return lambda to_server, number, data: (
            [] if (to_server, number) == (direction, lost) else [data]
        )

    # Together: what was lost is said again after a second or three, whoever waits for it.
    each = [losing(way, number) for way in (True, False) for number in range(DATAGRAMS)]
    await asyncio.gather(*(through(there, fate) for fate in each))
    assert len(there.asked) == len(each)


@pytest.mark.parametrize("fate", ["twice", "noise", "cut", "swapped"])
async def test_datagrams_may_come_twice_in_another_order_and_with_noise_between(
    there: Bench, fate: str
) -> None:
    held: list[bytes] = []

    def carried(to_server: bool, number: int, data: bytes) -> list[bytes]:
        noise = bytes(byte ^ 0xA5 for byte in data)
        match fate:
            case "twice":
                return [data, data]
            case "noise":
                return [noise, bytes([22]) + bytes(number * 9), b"\x00", data]
            case "cut":
                return [data[: len(data) // 2], data]
        if to_server:
            return [data]
        held.append(data)  # those of the server, two and two
        if number % 2 and number < 5:
            return []
        return [held.pop() for _ in range(len(held))]

    await through(there, carried)
    assert [request.payload for request in there.asked] == [BODY]


async def test_no_datagram_is_larger_than_the_network_may_carry(there: Bench) -> None:
    sizes: list[int] = []

    def measured(to_server: bool, _number: int, data: bytes) -> list[bytes]:
        sizes.extend([len(data)] * to_server)
        return [data]

    async with Relay(there.port, measured).running() as port:
        mine = own("n" * 60)
        chain = Certificate(certificate=mine.certificate + own("o").certificate * 6, key=mine.key)
        await ask(HOST, port, HELLO, limit_s=5.0, dtls=there.client(chain))
    assert sum(sizes) > 2 * MTU
    assert max(sizes) <= MTU


async def test_nobody_there_costs_nothing_and_silence_costs_the_limit(unused_udp_port: int) -> None:
    with pytest.raises(OSError) as caught:
        await DtlsClient(Route()).connect(HOST, unused_udp_port)
    assert not isinstance(caught.value, TimeoutError)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((HOST, 0))
        silent.setblocking(False)
        connecting = asyncio.create_task(
            DtlsClient(Route(), limit_s=2.0).connect(HOST, silent.getsockname()[1])
        )
        record = await asyncio.get_running_loop().sock_recv(silent, 2000)
        assert record[0] == 22
        with pytest.raises(TimeoutError):
            await connecting


async def test_a_server_that_ends_it_says_so_and_so_do_we(there: Bench) -> None:
    ended: list[bytes] = []

    def seen(to_server: bool, _number: int, data: bytes) -> list[bytes]:
        if to_server and data[0] == 21:
            ended.append(data)
        return [data]

    async with Relay(there.port, seen).running() as port:
        channel = await there.client().connect(HOST, port)
        (session,) = there.server._sessions.values()
        session.connection.shutdown()
        there.server._flush(session, next(iter(there.server._sessions)))
        with pytest.raises(ConnectionResetError):
            await channel.receive()
        channel.close()
        channel.close()
        while there.server._sessions:
            await asyncio.sleep(0)
    assert len(ended) == 1  # an alert of its own: we close too


@pytest.mark.parametrize("stop_at", range(4))
async def test_whoever_stops_waiting_leaves_no_socket(there: Bench, stop_at: int) -> None:
    before = sockets()
    reached = asyncio.Event()

    def nothing_more(to_server: bool, number: int, data: bytes) -> list[bytes]:
        if not to_server or number < stop_at:
            return [data]
        reached.set()
        return []

    async with Relay(there.port, nothing_more).running() as port:
        asking = ask(HOST, port, Request(GET, ("a",)), limit_s=5.0, dtls=there.client())
        task = asyncio.create_task(asking)
        await reached.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sockets() == before


@given(st.lists(st.binary(max_size=700), max_size=8), st.integers(1, 1500))
def test_records_are_packed_whole_and_in_order(bodies: list[bytes], mtu: int) -> None:
    records = [b"\x16\xfe\xfd" + bytes(8) + len(b).to_bytes(2, "big") + b for b in bodies]
    packed = pack(b"".join(records), mtu)
    assert b"".join(packed) == b"".join(records)
    for datagram in packed:
        assert len(datagram) <= mtu or datagram in records
