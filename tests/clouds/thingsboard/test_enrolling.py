"""An answer that was lost, and nobody who can say whether the device was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.responses import Response

from agent.clouds.enrolment import EnrolRequest
from agent.clouds.thingsboard.cloud import ThingsBoard
from agent.errors import EnrolNameTaken, EnrolNotUnderstood, EnrolRefused
from agent.protocols.mqtt import ConnAck, Publish, SubAck
from agent.settings.credentials import AccessToken
from tests.clouds.mqtt_peer import Peer, serving
from tests.clouds.thingsboard.small_server import ADMIN, KEY, PASSWORD, SECRET, Devices, HttpSide

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.clouds.accounts import AccountStore
    from agent.clouds.route import Routes
    from tests.clouds.manual_clock import ManualClock

PAIR = {"provision_key": KEY, "provision_secret": SECRET}


@pytest.fixture
async def cloud(
    store: AccountStore, routes: Routes, clock: ManualClock
) -> AsyncIterator[ThingsBoard]:
    cloud = ThingsBoard(accounts=store, routes=routes, clock=clock)
    yield cloud
    await cloud.close()


def wish(cloud: ThingsBoard) -> EnrolRequest:
    own = cloud.make_credentials("access_token", "bench-7")
    return EnrolRequest(name="bench-7", own=own, made_here=True)


@pytest.mark.parametrize("boards", ["coaps", "mqtt"])
async def test_a_refusal_that_may_be_our_own_doing_does_not_say_that_nothing_was_made(
    cloud: ThingsBoard, devices: Devices, http_side: HttpSide, boards: str, unused_port: int
) -> None:
    account = {
        "server": http_side.url,
        "board_server": f"{boards}://127.0.0.1:{unused_port}",
        **PAIR,
    }
    for admin, error in (
        ({}, EnrolRefused),
        ({"admin_user": ADMIN, "admin_password": PASSWORD}, EnrolNameTaken),
    ):
        devices.devices.clear()
        await cloud.login({**account, **admin})
        devices.instead = ["lose"]
        asked = wish(cloud)
        with pytest.raises(error) as caught:
            await cloud.enrol(asked)
        assert caught.value.facts["maybe_done"] is True
        assert isinstance(asked.own, AccessToken)
        assert devices.devices["bench-7"]["value"] == asked.own.token.reveal()
        # Without a lost answer the refusal is what it says.
        devices.devices["bench-7"]["value"] = "somebody else's"
        with pytest.raises(error) as caught:
            await cloud.enrol(wish(cloud))
        assert caught.value.facts["maybe_done"] is False


@pytest.mark.parametrize("status", [429, 404])
async def test_what_a_second_request_meets_does_not_hide_that_the_first_was_lost(
    cloud: ThingsBoard, devices: Devices, http_side: HttpSide, status: int, unused_port: int
) -> None:
    account = {
        "server": http_side.url,
        "board_server": f"mqtt://127.0.0.1:{unused_port}",
        **PAIR,
    }
    await cloud.login(account)
    devices.instead = ["lose", *[Response(status_code=status) for _ in range(10)]]
    with pytest.raises(EnrolNotUnderstood) as caught:
        await cloud.enrol(wish(cloud))
    assert caught.value.facts["maybe_done"] is True
    assert "bench-7" in devices.devices


async def test_a_server_that_goes_down_after_the_request_may_have_made_the_device(
    cloud: ThingsBoard,
) -> None:
    greeted = 0

    async def once_and_never_again(peer: Peer) -> None:
        nonlocal greeted
        await peer.hear()
        greeted += 1
        if greeted > 2:
            return
        peer.say(ConnAck())
        topic = await peer.hear()
        peer.say(SubAck(packet_id=topic.packet_id, codes=(1,)))
        await peer.hear()
        if greeted == 1:  # the check of the key
            peer.say(Publish(topic="/provision/response", payload=b'{"status":"FAILURE"}'))
            await peer.gone()

    async with serving(once_and_never_again) as server:
        await cloud.login({"server": f"mqtt://127.0.0.1:{server.port}", **PAIR})
        with pytest.raises(EnrolNotUnderstood) as caught:
            await cloud.enrol(wish(cloud))
    assert caught.value.facts["maybe_done"] is True
    assert greeted > 3
