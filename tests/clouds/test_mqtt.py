"""The MQTT client against mosquitto, and against servers that do as they please."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.clouds import mqtt
from agent.clouds.mqtt import (
    MqttClosed,
    MqttLogin,
    MqttRefused,
    MqttServer,
    connect,
    connect_either,
)
from agent.protocols.mqtt import (
    V5,
    V311,
    ConnAck,
    Connect,
    Disconnect,
    PingReq,
    PingResp,
    Property,
    Publish,
    SubAck,
    Subscribe,
)
from tests.clouds.mqtt_peer import Peer, serving
from tests.internet import Authority
from tests.mosquitto import mosquitto

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = pytest.mark.parametrize("version", [V311, V5], ids=["3.1.1", "5"])
MARKER = "MARKER-55c0"


@pytest.mark.needs("mosquitto")
@VERSIONS
async def test_messages_go_through_a_real_broker_with_both_versions(
    version: int, tmp_path: Path
) -> None:
    async with mosquitto(tmp_path, "allow_anonymous true") as port:
        server = MqttServer(host="127.0.0.1", port=port)
        async with (
            await connect(server, MqttLogin(version=version)) as one,
            await connect(server, MqttLogin(version=version, client_id="other")) as other,
        ):
            assert await one.subscribe("/provision/response", "a/+") == (1, 1)
            await other.publish("/provision/response", b"first")
            await other.publish("a/b", b"x" * 100_000)
            await other.publish("elsewhere", b"not for us")
            await other.publish("a/c", b"last", qos=0)
            got = [await one.receive() for _ in range(3)]
    assert [(m.topic, len(m.payload)) for m in got] == [
        ("/provision/response", 5),
        ("a/b", 100_000),
        ("a/c", 4),
    ]


@pytest.mark.needs("mosquitto")
@VERSIONS
async def test_a_real_broker_refuses_who_it_does_not_know(version: int, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    made = await asyncio.create_subprocess_exec(
        "mosquitto_passwd", "-c", "-b", str(passwords), "u", "p"
    )
    assert await made.wait() == 0
    async with mosquitto(tmp_path, f"password_file {passwords}", "allow_anonymous false") as port:
        server = MqttServer(host="127.0.0.1", port=port)
        async with await connect(server, MqttLogin(username="u", password="p", version=version)):
            pass
        for login in (
            MqttLogin(version=version),
            MqttLogin(username="u", password=MARKER, version=version),
        ):
            with pytest.raises(MqttRefused) as caught:
                await connect(server, login)
            assert caught.value.code in mqtt.LOGIN_REFUSED
            assert MARKER not in repr(login) + str(caught.value)


@pytest.mark.needs("mosquitto")
async def test_tls_of_a_real_broker_is_verified(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ours", "Ours")
    authority.context("localhost")
    (shown,) = (tmp_path / "ours").glob("server-*.pem")
    tls = ssl.create_default_context(cafile=str(authority.pem))
    other = ssl.create_default_context(cafile=str(Authority(tmp_path / "x", "Others").pem))
    settings = ("allow_anonymous true", f"certfile {shown}", f"keyfile {shown}")
    async with mosquitto(tmp_path, *settings) as port:
        async with await connect(MqttServer(host="localhost", port=port, tls=tls), MqttLogin()):
            pass
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(MqttServer(host="localhost", port=port, tls=other), MqttLogin())
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(MqttServer(host="127.0.0.1", port=port, tls=tls), MqttLogin())


@pytest.mark.needs("mosquitto")
async def test_a_client_id_that_another_takes_over_ends_the_connection(tmp_path: Path) -> None:
    async with mosquitto(tmp_path, "allow_anonymous true") as port:
        server = MqttServer(host="127.0.0.1", port=port)
        login = MqttLogin(client_id="same", version=V5)
        async with await connect(server, login) as first, await connect(server, login):
            with pytest.raises(MqttClosed):
                await first.receive()
            with pytest.raises(MqttClosed):
                await first.publish("a", b"")


# --- servers that do as they please -------------------------------------------------------------


async def test_a_refused_login_says_what_the_server_said() -> None:
    async def refuse(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck(code=0x87, properties={Property.REASON: "no\x1b[2J"}))
        await peer.gone()

    async with serving(refuse) as server:
        with pytest.raises(MqttRefused) as caught:
            await connect(server, MqttLogin(version=V5))
    assert (caught.value.what, caught.value.code) == ("CONNECT", 0x87)
    assert "\x1b" not in str(caught.value)


async def test_an_older_server_is_spoken_to_in_its_version() -> None:
    heard: list[int] = []

    async def old(peer: Peer) -> None:
        hello: Connect = await peer.hear()
        heard.append(hello.version)
        peer.say(ConnAck(code=0 if hello.version == V311 else 1))
        if hello.version == V311:
            await peer.gone()

    async with serving(old) as server:
        await (await connect_either(server, MqttLogin())).close()
    assert heard == [V5, V311]


async def test_a_server_that_hangs_up_on_version_5_is_asked_with_the_older_one() -> None:
    async def old(peer: Peer) -> None:
        if (await peer.hear()).version == V311:
            peer.say(ConnAck())
            await peer.gone()

    async with serving(old) as server:
        await (await connect_either(server, MqttLogin())).close()


async def test_a_refused_subscription_and_a_refused_message_say_so() -> None:
    async def refuse(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck())
        wish: Subscribe = await peer.hear()
        peer.say(SubAck(packet_id=wish.packet_id, codes=(0x8F,)))
        message: Publish = await peer.hear()
        peer.say(bytes([0x40, 3]) + message.packet_id.to_bytes(2, "big") + b"\x83")
        await peer.gone()

    async with serving(refuse) as server, await connect(server, MqttLogin(version=V5)) as client:
        with pytest.raises(MqttRefused, match="SUBSCRIBE was refused with code 0x8F"):
            await client.subscribe("x")
        with pytest.raises(MqttRefused, match="PUBLISH was refused with code 0x83"):
            await client.publish("x", b"")


async def test_a_server_that_ends_the_session_is_quoted() -> None:
    async def end(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck(), Disconnect(code=0x83, properties={Property.REASON: "enough"}))
        await peer.gone()

    async with serving(end) as server, await connect(server, MqttLogin(version=V5)) as client:
        with pytest.raises(MqttClosed, match=r"code 0x83\. enough"):
            await client.receive()


async def test_who_waits_for_an_answer_learns_that_the_connection_is_lost() -> None:
    async def vanish(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck())
        await peer.hear()

    async with serving(vanish) as server, await connect(server, MqttLogin()) as client:
        with pytest.raises(MqttClosed, match="closed the connection"):
            await client.subscribe("x")


async def test_a_server_without_a_sound_costs_the_limit_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt, "CONNECT_LIMIT_S", 0.05)

    async def silent(peer: Peer) -> None:
        await peer.gone()

    async with serving(silent) as server:
        with pytest.raises(TimeoutError):
            await connect(server, MqttLogin())


async def test_a_packet_without_end_is_not_stored() -> None:
    async def endless(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck(), b"\x30\xff\xff\xff\x7f" + b"x" * 70_000)
        await peer.gone()

    async with serving(endless) as server, await connect(server, MqttLogin()) as client:
        with pytest.raises(MqttClosed, match="longer than 262144 bytes"):
            await client.receive()


async def test_of_too_many_messages_the_oldest_are_dropped_and_counted() -> None:
    total = mqtt.WAITING_MAX + 25

    async def flood(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck())
        wish = await peer.hear()
        peer.say(*(Publish(topic="t", payload=b"%d" % number) for number in range(total)))
        peer.say(SubAck(packet_id=wish.packet_id, codes=(0,)))
        await peer.gone()

    async with serving(flood) as server, await connect(server, MqttLogin()) as client:
        await client.subscribe("t")  # answered after the flood
        assert client.dropped == 25
        assert (await client.receive()).payload == b"25"


async def test_messages_of_every_quality_are_acknowledged() -> None:
    heard: list[tuple[str, int]] = []

    async def send(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck())
        for qos in (1, 2):
            peer.say(Publish(topic="t", qos=qos, packet_id=qos))
            answer = await peer.hear()
            heard.append((answer.kind.name, answer.packet_id))
        peer.say(bytes.fromhex("6202 0002"))
        heard.append(((await peer.hear()).kind.name, 2))
        peer.say(Disconnect())

    async with serving(send) as server, await connect(server, MqttLogin()) as client:
        assert [(await client.receive()).qos for _ in range(2)] == [1, 2]
        with pytest.raises(MqttClosed):
            await client.receive()
    assert heard == [("PUBACK", 1), ("PUBREC", 2), ("PUBCOMP", 2)]


async def test_the_connection_is_kept_alive_as_often_as_the_server_wishes() -> None:
    pings: asyncio.Queue[object] = asyncio.Queue()

    async def count(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck(properties={Property.SERVER_KEEP_ALIVE_S: 1}))
        for _ in range(2):
            pings.put_nowait(await peer.hear())
            peer.say(PingResp())
        await peer.gone()

    async with serving(count) as server, await connect(server, MqttLogin(version=V5)):
        assert [await pings.get() for _ in range(2)] == [PingReq(), PingReq()]


async def test_a_server_that_stays_silent_is_given_up() -> None:
    async def silent(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck(properties={Property.SERVER_KEEP_ALIVE_S: 1}))
        await peer.gone()

    async with serving(silent) as server, await connect(server, MqttLogin(version=V5)) as client:
        with pytest.raises(MqttClosed, match="silent"):
            await client.receive()


async def test_cancelling_a_connect_leaves_nothing_open() -> None:
    here = asyncio.Event()

    async def silent(peer: Peer) -> None:
        await peer.hear()
        here.set()
        await peer.gone()
        here.clear()

    async with serving(silent) as server:
        task = asyncio.create_task(connect(server, MqttLogin()))
        await here.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4), st.booleans(), st.sampled_from([V311, V5]))
def test_whatever_a_server_sends_the_end_is_one_of_ours(
    chunks: list[bytes], greeted: bool, version: int
) -> None:
    async def noise(peer: Peer) -> None:
        await peer.hear()
        if greeted:
            peer.say(ConnAck())
        peer.say(*chunks)

    async def run() -> None:
        async with serving(noise) as server:
            try:
                async with await connect(server, MqttLogin(version=version)) as client:
                    await client.subscribe("x")
                    while True:
                        await client.receive()
            except (MqttClosed, MqttRefused):
                pass

    asyncio.run(run())


@pytest.mark.parametrize("steps", range(5))
async def test_cancelling_a_close_leaves_nothing_open(steps: int) -> None:
    gone = asyncio.Event()

    async def play(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck())
        await peer.gone()
        gone.set()

    async with serving(play) as server:
        client = await connect(server, MqttLogin(client_id="x"))
        closing = asyncio.create_task(client.close())
        for _ in range(steps):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        if steps == 0:  # it had not begun
            await client.close()
        async with asyncio.timeout(30):
            await gone.wait()
