"""A real connection with each kind of credentials, over each transport that a board may use."""

from __future__ import annotations

import asyncio
import datetime
import logging
import ssl
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.thingsboard.certificates import make_certificate
from agent.clouds.thingsboard.proof import prove
from agent.errors import MooringError, Unreachable
from agent.protocols.mqtt import V5, V311, ConnAck, Connect, Property
from agent.settings import Secret
from agent.settings.credentials import AccessToken, CloudSettings, Credentials, MqttBasic
from tests.clouds.mqtt_peer import Peer, serving
from tests.clouds.thingsboard.small_server import Devices, HttpSide, over_coap
from tests.internet import Authority
from tests.mosquitto import mosquitto

if TYPE_CHECKING:
    from pathlib import Path

    from agent.clouds.route import Routes
    from tests.clouds.manual_clock import ManualClock

WRONG = AccessToken(token=Secret("MARKER-wrong/../x"))


def settings(
    port: int, credentials: Credentials, scheme: Any = "mqtt", **more: Any
) -> CloudSettings:
    host = more.pop("host", "127.0.0.1")
    return CloudSettings(
        cloud="thingsboard",
        name="n",
        host=host,
        port=port,
        scheme=scheme,
        credentials=credentials,
        **more,
    )


@pytest.fixture
def proving(routes: Routes, clock: ManualClock) -> Any:
    return lambda what: prove(what, routes, title="TB", clock=clock)


async def test_a_token_is_tried_over_http(
    proving: Any,
    devices: Devices,
    http_side: HttpSide,
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = http_side.server.port
    token = AccessToken(token=Secret(devices.prepare("n")["value"]))
    assert await proving(settings(port, token, "http")) is True
    assert await proving(settings(port, WRONG, "http")) is False
    assert await proving(settings(port, MqttBasic(username="u"), "http")) is False
    shown = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert "MARKER" not in repr(shown)


async def test_a_token_is_tried_over_coap(proving: Any, devices: Devices) -> None:
    token = AccessToken(token=Secret(devices.prepare("n")["value"]))
    async with over_coap(devices) as url:
        port = int(url.rpartition(":")[2])
        assert await proving(settings(port, token, "coap")) is True
        assert await proving(settings(port, WRONG, "coap")) is False


async def test_a_token_is_tried_over_mqtt(proving: Any) -> None:
    async def only_abc(peer: Peer) -> None:
        hello: Connect = await peer.hear()
        known = hello.username == "abc" and hello.password is None
        peer.say(ConnAck(code=0 if known else 0x86))
        if known:
            await peer.gone()

    async with serving(only_abc) as server:
        known = AccessToken(token=Secret("abc"))
        assert await proving(settings(server.port, known)) is True
        assert await proving(settings(server.port, WRONG)) is False


@pytest.mark.needs("mosquitto")
async def test_a_basic_login_is_tried_against_a_real_broker(proving: Any, tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    made = await asyncio.create_subprocess_exec(
        "mosquitto_passwd", "-c", "-b", str(file), "u9", "MARKER-p9"
    )
    assert await made.wait() == 0
    right = MqttBasic(client_id="c9", username="u9", password=Secret("MARKER-p9"))
    wrong = MqttBasic(client_id="c9", username="u9", password=Secret("MARKER-no"))
    async with mosquitto(tmp_path, f"password_file {file}", "allow_anonymous false") as port:
        assert await proving(settings(port, right)) is True
        assert await proving(settings(port, wrong)) is False


@pytest.mark.needs("mosquitto")
async def test_a_certificate_is_tried_against_a_real_broker(proving: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "server", "Server")
    authority.context("localhost")
    (shown,) = (tmp_path / "server").glob("server-*.pem")
    now = datetime.datetime.now(datetime.UTC)
    own, other = make_certificate("bench-7", now), make_certificate("bench-8", now)
    known = tmp_path / "known.pem"
    known.write_text(own.certificate)
    lines = [
        "allow_anonymous false",
        f"certfile {shown}",
        f"keyfile {shown}",
        f"cafile {known}",
        "require_certificate true",
        "use_identity_as_username true",
    ]
    ca = authority.pem.read_text()
    token = AccessToken(token=Secret("abc"))
    async with mosquitto(tmp_path, *lines) as port:
        at = {"host": "localhost", "ca": ca}
        assert await proving(settings(port, own, "mqtts", **at)) is True
        assert await proving(settings(port, other, "mqtts", **at)) is False
        with pytest.raises(MooringError):  # it does not even get as far as its token
            await proving(settings(port, token, "mqtts", **at))


async def test_a_certificate_for_which_there_is_no_room_on_the_disk_proves_nothing(
    proving: Any, unused_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    own = make_certificate("n", datetime.datetime.now(datetime.UTC))
    with pytest.raises(Unreachable) as caught:
        await proving(settings(unused_port, own, "mqtts"))
    assert "No such file" in str(caught.value.facts["detail"])


async def test_a_certificate_without_tls_proves_nothing(proving: Any, unused_port: int) -> None:
    own = make_certificate("n", datetime.datetime.now(datetime.UTC))
    assert await proving(settings(unused_port, own)) is False


@pytest.mark.parametrize("scheme", ["mqtt", "http", "coap", "coaps"])
async def test_a_server_that_is_not_there_says_nothing_about_credentials(
    proving: Any, unused_port: int, scheme: str
) -> None:
    with pytest.raises(Unreachable):
        await proving(settings(unused_port, WRONG, scheme))


@pytest.mark.parametrize("code", [3, 0x88, 0x97])
async def test_a_server_that_is_busy_says_nothing_about_credentials(
    proving: Any, code: int
) -> None:
    async def busy(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck(code=code))

    async with serving(busy) as server:
        with pytest.raises(Unreachable):
            await proving(settings(server.port, WRONG))


@pytest.mark.parametrize("version", [V311, V5], ids=["3.1.1", "5"])
async def test_what_a_server_quotes_of_credentials_is_not_repeated(
    proving: Any, version: int
) -> None:
    async def telling(peer: Peer) -> None:
        hello: Connect = await peer.hear()
        if hello.version != version:
            peer.say(ConnAck(code=1))
            return
        properties = {int(Property.REASON): f"no place for {hello.username}"}
        peer.say(ConnAck(code=3 if version == V311 else 0x89, properties=properties))

    async with serving(telling) as server:
        with pytest.raises(Unreachable) as caught:
            await proving(settings(server.port, AccessToken(token=Secret("MARKER-token"))))
    assert "MARKER" not in repr(caught.value.report())
    if version == V5:
        assert "no place for ***" in caught.value.report().meaning


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_is_tried_with_servers_of_one_tls_version_alone(
    proving: Any, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    async def accept(peer: Peer) -> None:
        await peer.hear()
        peer.say(ConnAck())
        await peer.gone()

    authority = Authority(tmp_path, "Ours")
    context = authority.context("localhost")
    context.minimum_version = context.maximum_version = version
    own = make_certificate("n", datetime.datetime.now(datetime.UTC))
    async with serving(accept, context) as server:
        at = {"host": "localhost", "ca": authority.pem.read_text()}
        assert await proving(settings(server.port, own, "mqtts", **at)) is True
