"""What only MQTT has: a session that may do nothing else, codes, closes, TLS without HTTP."""

from __future__ import annotations

import asyncio
import json
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.clouds.route import Routes
from agent.clouds.system_proxy import SystemProxy
from agent.clouds.thingsboard.addresses import Server
from agent.clouds.thingsboard.certificates import make_certificate
from agent.clouds.thingsboard.over_mqtt import MqttCarrier
from agent.errors import CertificateUnknown, ClockOff, Unreachable
from agent.protocols.mqtt import (
    V5,
    V311,
    Acknowledge,
    ConnAck,
    Connect,
    Disconnect,
    PingReq,
    PingResp,
    Publish,
    SubAck,
    Subscribe,
)
from agent.protocols.mqtt.packets import Kind
from agent.protocols.thingsboard.provisioning import NotAsked, NotUnderstood, Overloaded
from agent.protocols.thingsboard.replies import Issued, Refused, Unusable
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings import Secret
from tests.clouds.mqtt_peer import Peer, serving
from tests.clouds.thingsboard.small_server import KEY, SECRET
from tests.internet import Authority, of_version_4

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.clouds.thingsboard.carrier import Asked

WISH = ProvisionRequest(name="n", key=Secret(KEY), secret=Secret(SECRET))
YES = b'{"status":"SUCCESS","credentialsValue":"abc"}'
NO = b'{"status":"FAILURE"}'
RESPONSE = "/provision/response"


async def ask(
    script: Callable[[Peer], Awaitable[None]],
    *,
    limit_s: float = 5.0,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    authorities: str = "",
) -> Asked:
    routes = Routes(system=SystemProxy, environ={}, authorities=authorities)
    async with serving(script, tls) as server:
        address = Server("mqtts" if tls else "mqtt", host, server.port)
        return await MqttCarrier(address, routes, title="TB", answer_limit_s=limit_s).ask(WISH)


async def greet(peer: Peer) -> None:
    """As ThingsBoard does, up to the request."""
    hello: Connect = await peer.hear()
    assert hello.username == "provision"
    peer.say(ConnAck())
    wish: Subscribe = await peer.hear()
    assert [name for name, _ in wish.filters] == [RESPONSE]
    peer.say(SubAck(packet_id=wish.packet_id, codes=(1,)))


async def heard(peer: Peer) -> Publish:
    request: Publish = await peer.hear()
    assert request.topic == "/provision/request"
    assert json.loads(request.payload)["provisionDeviceKey"] == KEY
    return request


@pytest.mark.parametrize("version", [V311, V5])
async def test_the_order_is_connect_subscribe_publish_and_the_session_ends_at_once(
    version: int,
) -> None:
    ended: list[object] = []

    async def play(peer: Peer) -> None:
        hello: Connect = await peer.hear()
        if hello.version != version:
            peer.say(ConnAck(code=1))
            return
        peer.say(ConnAck())
        wish: Subscribe = await peer.hear()
        peer.say(SubAck(packet_id=wish.packet_id, codes=(0,)))
        request = await heard(peer)
        peer.say(Acknowledge(packet_id=request.packet_id), Publish(topic=RESPONSE, payload=YES))
        ended.append(await peer.hear())

    if version == V5:
        assert isinstance((await ask(play)).outcome, Issued)
        assert ended == [Disconnect()]
    else:
        assert isinstance((await ask(play)).outcome, Issued)


async def test_an_answer_before_its_acknowledgement_is_an_answer() -> None:
    async def play(peer: Peer) -> None:
        await greet(peer)
        await heard(peer)
        peer.say(Publish(topic=RESPONSE, payload=YES))
        await peer.gone()

    assert isinstance((await ask(play)).outcome, Issued)


async def test_other_topics_and_a_second_answer_change_nothing() -> None:
    async def play(peer: Peer) -> None:
        await greet(peer)
        await heard(peer)
        peer.say(
            Publish(topic="v1/devices/me/attributes", payload=NO),
            Publish(topic="provision/response", payload=NO),
            Publish(topic=RESPONSE, payload=YES),
            Publish(topic=RESPONSE, payload=NO),
        )
        await peer.gone()

    assert isinstance((await ask(play)).outcome, Issued)


async def test_an_answer_to_somebody_elses_request_is_passed_over() -> None:
    async def play(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck(), Publish(topic=RESPONSE, payload=NO))
        wish: Subscribe = await peer.hear()
        peer.say(SubAck(packet_id=wish.packet_id, codes=(1,)))
        await heard(peer)
        peer.say(Publish(topic=RESPONSE, payload=YES))
        await peer.gone()

    asked = await ask(play)
    assert isinstance(asked.outcome, Issued | Refused)


@pytest.mark.parametrize("acknowledged", [True, False])
async def test_a_close_after_the_request_is_a_request_not_understood(acknowledged: bool) -> None:
    async def play(peer: Peer) -> None:
        await greet(peer)
        request = await heard(peer)
        if acknowledged:
            peer.say(Acknowledge(packet_id=request.packet_id))

    outcome = (await ask(play)).outcome
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done


async def test_silence_costs_the_limit() -> None:
    async def play(peer: Peer) -> None:
        await greet(peer)
        await peer.gone()

    outcome = (await ask(play, limit_s=0.1)).outcome
    assert isinstance(outcome, NotUnderstood)
    assert "0.1 s" in outcome.detail


@pytest.mark.parametrize(
    ("code", "maybe_done"),
    # 0x83 is what the server says where its core was silent, too, and may have made the device.
    [(0x99, False), (0x95, False), (0x87, False), (0x83, True), (0x80, True)],
)
async def test_version_5_ends_a_request_with_a_code(code: int, maybe_done: bool) -> None:
    async def by_puback(peer: Peer) -> None:
        await greet(peer)
        request = await heard(peer)
        peer.say(Acknowledge(packet_id=request.packet_id, code=code), Disconnect(code=code))

    async def by_disconnect(peer: Peer) -> None:
        await greet(peer)
        await heard(peer)
        peer.say(Disconnect(code=code))

    for play in (by_puback, by_disconnect):
        outcome = (await ask(play)).outcome
        assert isinstance(outcome, NotUnderstood)
        assert outcome.maybe_done is maybe_done
        assert f"0x{code:02X}" in outcome.detail


async def test_a_server_that_has_too_much_to_do_says_so() -> None:
    async def at_the_door(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck(code=0x89))

    async def later(peer: Peer) -> None:
        await greet(peer)
        await heard(peer)
        peer.say(Disconnect(code=0x97))

    for play in (at_the_door, later):
        assert isinstance((await ask(play)).outcome, Overloaded)


async def test_a_server_that_does_not_know_provisioning_refuses_without_harm() -> None:
    async def no_login(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck(code=0x87))

    async def no_topic(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck())
        wish: Subscribe = await peer.hear()
        peer.say(SubAck(packet_id=wish.packet_id, codes=(0x8F,)))
        await peer.gone()

    for play in (no_login, no_topic):
        outcome = (await ask(play)).outcome
        assert isinstance(outcome, NotUnderstood)
        assert not outcome.maybe_done


async def test_a_close_before_the_request_is_no_question_asked() -> None:
    async def play(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck())
        await peer.hear()

    outcome = (await ask(play)).outcome
    assert isinstance(outcome, NotAsked)
    assert outcome.reached


async def answer(peer: Peer) -> None:
    await greet(peer)
    await heard(peer)
    peer.say(Publish(topic=RESPONSE, payload=YES))
    await peer.gone()


async def test_tls_takes_the_accounts_authority_and_no_other(tmp_path: Path) -> None:
    ours, other = (Authority(tmp_path / name, name) for name in ("Ours", "Other"))
    context = ours.context("localhost")
    pem, wrong = ours.pem.read_text(), other.pem.read_text()
    asked = await ask(answer, host="localhost", tls=context, authorities=pem)
    assert isinstance(asked.outcome, Issued)
    for host, authorities in (("localhost", wrong), ("localhost", ""), ("127.0.0.1", pem)):
        asked = await ask(answer, host=host, tls=context, authorities=authorities)
        assert isinstance(asked.outcome, NotAsked)
        assert isinstance(asked.error, CertificateUnknown)
        assert "Ours" in asked.error.report().meaning


@pytest.mark.system("linux")  # elsewhere it is the system that reads it, or does not
async def test_a_certificate_that_nobody_can_read_is_not_trusted(tmp_path: Path) -> None:
    made = make_certificate("n", datetime.now(UTC))
    file = tmp_path / "server.pem"
    file.write_text(of_version_4(made.certificate) + made.key.reveal())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    asked = await ask(answer, tls=context)
    assert isinstance(asked.outcome, NotAsked)
    assert isinstance(asked.error, CertificateUnknown)
    assert "somebody who gives no name" in asked.error.report().meaning


async def test_an_expired_certificate_shows_its_days_and_what_day_it_is_here(
    tmp_path: Path,
) -> None:
    ours = Authority(tmp_path, "Ours")
    context = ours.context("localhost", days=(-30, -20))
    asked = await ask(answer, host="localhost", tls=context, authorities=ours.pem.read_text())
    assert isinstance(asked.error, CertificateUnknown)
    assert "It is valid from 20" in asked.error.report().meaning
    assert "This computer believes that it is 20" in asked.error.report().meaning


async def test_a_certificate_of_the_future_means_that_the_clock_here_is_behind(
    tmp_path: Path,
) -> None:
    ours, other = (Authority(tmp_path / name, name) for name in ("Ours", "Other"))
    context = ours.context("localhost", days=(20, 30))
    asked = await ask(answer, host="localhost", tls=context, authorities=ours.pem.read_text())
    assert isinstance(asked.error, ClockOff)
    assert -20.1 < int(str(asked.error.facts["off_s"])) / 86_400 < -19.9
    assert "UTC at least" in asked.error.report().meaning
    # What nobody here vouches for says nothing about the time.
    asked = await ask(answer, host="localhost", tls=context, authorities=other.pem.read_text())
    assert isinstance(asked.error, CertificateUnknown)


async def test_a_server_without_tls_is_told(routes: Routes) -> None:
    async def plain(peer: Peer) -> None:
        peer.say(b"hello, I speak something else")
        await peer.gone()

    async with serving(plain) as server:
        address = Server("mqtts", "127.0.0.1", server.port)
        asked = await MqttCarrier(address, routes, title="TB").ask(WISH)
    assert isinstance(asked.error, Unreachable)
    assert "does not speak TLS" in asked.error.report().meaning


ids = st.integers(1, 3)
codes = st.integers(0, 255)
packets: st.SearchStrategy[Any] = st.one_of(
    st.binary(max_size=40),
    st.builds(Publish, topic=st.sampled_from([RESPONSE, "x"]), payload=st.binary(max_size=40)),
    # Twice the same, exactly once, again, or with a pattern for a topic.
    st.builds(
        Publish,
        topic=st.sampled_from([RESPONSE, "", "#"]),
        payload=st.sampled_from([YES, NO]),
        qos=st.integers(1, 2),
        packet_id=ids,
        dup=st.booleans(),
    ),
    st.builds(
        Acknowledge,
        kind=st.sampled_from([Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP]),
        packet_id=ids,
        code=codes,
    ),
    st.builds(SubAck, packet_id=ids, codes=st.lists(codes, min_size=1, max_size=2).map(tuple)),
    st.builds(ConnAck, code=codes, session_present=st.booleans()),
    st.builds(Disconnect, code=codes),
    st.sampled_from([PingResp(), PingReq(), b"\xf0\x00", b"\x30\xff\xff\xff\x7f"]),
)
replies = st.lists(packets, max_size=4)
OUTCOMES = (Issued, Refused, Unusable, NotAsked, Overloaded, NotUnderstood)


@settings(max_examples=40, deadline=None)
@given(replies, replies, st.integers(0, 2))
def test_whatever_a_server_sends_there_is_an_outcome(
    early: list[Any], sent: list[Any], when: int
) -> None:
    async def play(peer: Peer) -> None:
        await peer.hear()
        if when >= 1:
            peer.say(ConnAck())
        if when >= 2:
            peer.say(*early)
            wish = await peer.hear()
            if not isinstance(wish, Subscribe):
                return
            peer.say(SubAck(packet_id=wish.packet_id, codes=(0,)))
            await peer.hear()
        peer.say(*sent)

    assert isinstance(asyncio.run(ask(play)).outcome, OUTCOMES)
