from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from agent.clouds.thingsboard.certificates import make_certificate
from agent.clouds.thingsboard.session import open_session
from agent.errors import CertificateUnknown, Unreachable
from agent.settings import Secret
from agent.settings.credentials import AccessToken, CloudSettings
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_faults import Fault
from tests.clouds.mqtt_peer import Peer, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.clouds.route import Routes
    from agent.settings.credentials import Credentials

BAD_CERTIFICATE = bytes.fromhex("15 0303 0002 022a")
"""An alert of TLS, as a server has it that insists on a certificate of its clients."""


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False) as simulated:
        yield simulated


def settings(
    server: SimulatedThingsBoard, credentials: Credentials, *, ca: str = "", port: int = 0
) -> CloudSettings:
    scheme = "mqtts" if ca else "mqtt"
    return CloudSettings(
        cloud="thingsboard",
        name="gw",
        host="127.0.0.1",
        port=port or server.ports[scheme],
        scheme="mqtts" if ca else "mqtt",
        credentials=credentials,
        ca=ca,
    )


async def test_a_device_that_is_known_gets_its_session(server, routes: Routes):
    device = server.prepare("gw")
    token = AccessToken(token=Secret(device.credentials.id))
    for ca in ("", server.ca):
        client = await open_session(settings(server, token, ca=ca), routes, title="ThingsBoard")
        assert client is not None
        await client.subscribe("v1/devices/me/attributes")
        await client.close()


async def test_one_that_is_not_known_gets_none(server, routes: Routes):
    wrong = AccessToken(token=Secret("wrong"))
    assert await open_session(settings(server, wrong), routes, title="ThingsBoard") is None


async def test_a_certificate_that_is_not_known_gets_no_session(server, routes: Routes):
    own = make_certificate("gw", datetime.now(UTC))
    assert await open_session(settings(server, own, ca=server.ca), routes, title="TB") is None


async def test_a_server_that_wants_a_certificate_says_nothing_about_a_token(server, routes: Routes):
    async def refuse(peer: Peer) -> None:
        peer.say(BAD_CERTIFICATE)
        await peer.gone()

    token = AccessToken(token=Secret("t"))
    async with serving(refuse) as strict:
        wanted = settings(server, token, ca=server.ca, port=strict.port)
        with pytest.raises(Unreachable) as caught:
            await open_session(wanted, routes, title="TB")
    assert "bad certificate" in caught.value.report().meaning


async def test_a_server_that_is_busy_silent_or_away_is_told(server, routes, unused_port):
    token = AccessToken(token=Secret("t"))
    server.faults.add(Fault("status", "connect", "mqtt"))
    with pytest.raises(Unreachable):
        await open_session(settings(server, token), routes, title="TB")
    with pytest.raises(Unreachable):
        await open_session(settings(server, token, port=unused_port), routes, title="TB")


async def test_a_server_of_another_authority_is_told(server, routes: Routes):
    other = make_certificate("other", datetime.now(UTC)).certificate
    token = AccessToken(token=Secret("t"))
    with pytest.raises(CertificateUnknown) as caught:
        await open_session(settings(server, token, ca=other), routes, title="TB")
    assert "to the account: field “Authority” (ca)" in caught.value.report().remedy


async def test_a_certificate_for_which_there_is_no_room_on_the_disk_is_told(
    server, routes: Routes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    own = make_certificate("gw", datetime.now(UTC))
    with pytest.raises(Unreachable) as caught:
        await open_session(settings(server, own, ca=server.ca), routes, title="TB")
    assert "No such file" in str(caught.value.facts["detail"])
