from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.mqtt import MqttLogin, connect
from agent.clouds.thingsboard.session import open_session
from agent.errors import CloudAnswer, Unreachable
from agent.gateway.link import WAITING_MAX, Link
from agent.protocols.mqtt import Acknowledge, ConnAck, Publish, SubAck, Subscribe
from agent.settings import Secret
from agent.settings.credentials import AccessToken, CloudSettings
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_faults import Fault
from tests.clouds.mqtt_peer import Peer, serving
from tests.gateway.running import direct

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.protocols.thingsboard.gateway import Call


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False, tls=False) as simulated:
        yield simulated


@contextlib.asynccontextmanager
async def linked(
    server: SimulatedThingsBoard, done: list[str], code: int = 200
) -> AsyncIterator[Link]:
    device = server.prepare("gw")
    settings = CloudSettings(
        cloud="thingsboard",
        name="gw",
        host="127.0.0.1",
        port=server.ports["mqtt"],
        scheme="mqtt",
        credentials=AccessToken(token=Secret(device.credentials.id)),
    )
    client = await open_session(settings, direct(), title="ThingsBoard")
    assert client is not None

    async def on_reset(call: Call) -> dict[str, Any]:
        done.append(call.method)
        return {"code": code, "resp": ""}

    async with client:
        link = Link(
            client,
            name="gw",
            title="ThingsBoard",
            on_reset=on_reset,
            after_reset=lambda: done.append("after"),
        )
        running = asyncio.create_task(link.run())
        try:
            yield link
        finally:
            running.cancel()
            await asyncio.wait([running])


async def test_limits_are_asked_for(server):
    async with linked(server, []) as link:
        limits = await link.begin()
    assert limits is not None
    assert limits["rateLimits"]["messages"]


async def test_the_reset_is_answered_first_and_never_seen_by_others(server):
    done: list[str] = []
    async with linked(server, done) as link:
        await link.begin()
        answer = await server.call("gw", "gateway_remove_provisioned_credentials", {})
        assert answer == {"code": 200, "resp": ""}
        asked = asyncio.create_task(server.call("gw", "other"))
        topic, _ = await anext(link.messages)
        await link.publish(topic.replace("request", "response"), b"1")
        assert await asked == 1
    assert done == ["gateway_remove_provisioned_credentials", "after"]


async def test_nothing_follows_a_reset_that_is_refused(server):
    done: list[str] = []
    async with linked(server, done, code=404) as link:
        await link.begin()
        await server.call("gw", "gateway_remove_provisioned_credentials")
        await server.call("gw", "gateway_remove_provisioned_credentials")
    assert done == ["gateway_remove_provisioned_credentials"] * 2


async def test_messages_end_with_the_session_and_then_nothing_can_be_sent(server):
    async with linked(server, []) as link:
        await link.begin()
        server.down = True
        assert [message async for message in link.messages] == []
        with pytest.raises(Unreachable):
            await link.publish("v1/devices/me/telemetry", b"{}")
        assert [message async for message in link.messages] == []


async def test_a_session_that_ends_at_its_beginning_is_told(server):
    async with linked(server, []) as link:
        server.faults.add(Fault("close", "device", "mqtt"))
        with pytest.raises(Unreachable):
            await link.begin()


async def test_a_message_that_is_refused_is_told_and_the_session_stays(server):
    async with linked(server, []) as link:
        await link.begin()
        with pytest.raises(CloudAnswer):
            await link.publish("v1/devices/me/other", b"{}")
        await link.publish("v1/devices/me/telemetry", b'{"a":1}')


async def test_of_too_many_messages_the_oldest_are_lost_and_counted(server):
    async with linked(server, []) as link:
        await link.begin()
        calls = [asyncio.create_task(server.call("gw", f"m{n}")) for n in range(WAITING_MAX + 5)]
        last: asyncio.Task[Any] = asyncio.create_task(
            server.call("gw", "gateway_remove_provisioned_credentials")
        )
        await last  # it comes behind all the others
        assert link.dropped >= 5
        assert f'"m{link.dropped}"'.encode() in (await anext(link.messages))[1]
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def play(peer: Peer, *, hang_up: bool) -> None:
    """A server that acknowledges all and answers nothing."""
    await peer.hear()
    peer.say(ConnAck())
    while True:
        match await peer.hear():
            case Subscribe(packet_id=number, filters=filters):
                peer.say(SubAck(packet_id=number, codes=tuple(1 for _ in filters)))
            case Publish(packet_id=number):
                peer.say(Acknowledge(packet_id=number))
                if hang_up:
                    return


@contextlib.asynccontextmanager
async def with_a_silent_server(limits_s: float, *, hang_up: bool = False) -> AsyncIterator[Link]:
    async with (
        serving(partial(play, hang_up=hang_up)) as server,
        await connect(server, MqttLogin(client_id="x")) as client,
    ):
        link = Link(
            client,
            name="gw",
            title="ThingsBoard",
            on_reset=lambda _: asyncio.sleep(0, {}),
            after_reset=lambda: None,
            limits_s=limits_s,
        )
        running = asyncio.create_task(link.run())
        try:
            yield link
        finally:
            running.cancel()
            await asyncio.wait([running])


async def test_a_server_that_does_not_tell_its_limits_is_not_waited_for_long():
    async with with_a_silent_server(0.05) as link:
        assert await link.begin() is None


async def test_a_server_that_hangs_up_instead_is_not_waited_for():
    async with with_a_silent_server(3600.0, hang_up=True) as link:
        with pytest.raises(Unreachable):
            await link.begin()
