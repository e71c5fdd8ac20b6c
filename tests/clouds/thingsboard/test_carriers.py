"""Every answer over every transport, from real servers: the outcome is the same."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.http import CloudHttp
from agent.clouds.thingsboard.addresses import parse_server
from agent.clouds.thingsboard.certificates import make_certificate
from agent.clouds.thingsboard.over_coap import CoapCarrier
from agent.clouds.thingsboard.over_http import LIMITS, HttpCarrier
from agent.clouds.thingsboard.over_mqtt import MqttCarrier
from agent.protocols.thingsboard.provisioning import NotAsked, NotUnderstood
from agent.protocols.thingsboard.replies import Issued, Refused, StoredCertificate, Unusable
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings import Secret
from agent.settings.credentials import AccessToken, Credentials, MqttBasic
from tests.clouds.thingsboard.small_server import (
    KEY,
    PREPARED,
    SECRET,
    Devices,
    over_coap,
    over_http,
    over_mqtt,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.clouds.route import Routes
    from agent.clouds.thingsboard.carrier import Carrier
    from tests.clouds.manual_clock import ManualClock

SILENCE_S = 3.0
"""An answer over loopback takes less, also on a busy computer."""
NOW = datetime.datetime.now(datetime.UTC)
OWN_CERTIFICATE = make_certificate("bench-7", NOW)
OWN_TOKEN = AccessToken(token=Secret("MARKER-own-token"))
OWN_BASIC = MqttBasic(client_id="c9", username="u9", password=Secret("MARKER-p9"))


def wish(
    own: Credentials | None = None, *, name: str = "bench-7", secret: str = SECRET
) -> ProvisionRequest:
    return ProvisionRequest(name=name, key=Secret(KEY), secret=Secret(secret), own=own)


@pytest.fixture(params=["http", "coap", pytest.param("mqtt", marks=pytest.mark.needs("mosquitto"))])
async def carrier(
    request: pytest.FixtureRequest,
    devices: Devices,
    clock: ManualClock,
    routes: Routes,
    tmp_path: Path,
) -> AsyncIterator[Carrier]:
    """Asks the small server."""
    if request.param == "http":
        async with over_http(devices) as side:
            http = CloudHttp(
                title="TB", base_url=side.url, clock=clock, limits=LIMITS, routes=routes
            )
            yield HttpCarrier(http)
            await http.close()
    elif request.param == "coap":
        async with over_coap(devices) as url:
            yield CoapCarrier(
                parse_server("server", url), routes, title="TB", answer_limit_s=SILENCE_S
            )
    else:
        async with over_mqtt(devices, tmp_path) as url:
            server = parse_server("server", url)
            yield MqttCarrier(server, routes, title="TB", answer_limit_s=SILENCE_S)


@pytest.mark.parametrize("own", [None, OWN_TOKEN, OWN_BASIC], ids=["server's", "token", "basic"])
async def test_a_device_is_made(
    carrier: Carrier, devices: Devices, own: AccessToken | MqttBasic | None
) -> None:
    asked = await carrier.ask(wish(own))
    made = devices.devices["bench-7"]
    assert asked.outcome == Issued(own or AccessToken(token=Secret(made["value"])))
    assert made["state"] == "provisioned"
    assert "MARKER" not in repr(asked)


async def test_a_certificate_is_sent_whole_and_comes_back_bare(
    carrier: Carrier, devices: Devices
) -> None:
    asked = await carrier.ask(wish(OWN_CERTIFICATE))
    assert isinstance(asked.outcome, Issued)
    assert isinstance(asked.outcome.credentials, StoredCertificate)
    assert asked.outcome.credentials.is_of(OWN_CERTIFICATE.certificate)
    assert "PRIVATE" not in json.dumps(devices.requests)


async def test_a_prepared_device_gets_what_is_stored(carrier: Carrier, devices: Devices) -> None:
    devices.strategy = PREPARED
    stored = devices.prepare("bench-7")
    asked = await carrier.ask(wish(OWN_CERTIFICATE))
    assert asked.outcome == Issued(AccessToken(token=Secret(stored["value"])))
    assert isinstance((await carrier.ask(wish())).outcome, Refused)


@pytest.mark.parametrize(
    ("name", "secret", "status"),
    [
        ("bench-7", "wrong", "NOT_FOUND"),
        ("taken", SECRET, "FAILURE"),
        ("n" * 300, SECRET, "FAILURE"),
    ],
)
async def test_a_refusal_is_a_decision(
    carrier: Carrier, devices: Devices, name: str, secret: str, status: str
) -> None:
    devices.prepare("taken")
    asked = await carrier.ask(wish(name=name, secret=secret))
    assert isinstance(asked.outcome, Refused)
    assert asked.outcome.status == status


async def test_a_success_for_a_kind_that_boards_do_not_use_is_no_use(
    carrier: Carrier, devices: Devices
) -> None:
    devices.instead = [{"status": "SUCCESS", "credentialsType": "LWM2M_CREDENTIALS"}]
    assert isinstance((await carrier.ask(wish())).outcome, Unusable)


@pytest.mark.parametrize(
    "answer",
    [b"not json", b"[1]", b'{"status":7}', b"\xff", b"[" * 5000],
    ids=["text", "list", "number", "bytes", "deep"],
)
async def test_an_answer_that_says_nothing_decides_nothing(
    carrier: Carrier, devices: Devices, answer: bytes
) -> None:
    devices.instead = [answer]
    assert isinstance((await carrier.ask(wish())).outcome, NotUnderstood)


async def test_a_server_that_loses_its_answer_leaves_it_open_whether_it_was_done(
    carrier: Carrier, devices: Devices
) -> None:
    devices.instead = ["lose"]
    outcome = (await carrier.ask(wish())).outcome
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done
    assert "bench-7" in devices.devices


async def test_a_long_answer_arrives_whole(carrier: Carrier, devices: Devices) -> None:
    # Longer than a datagram: a certificate with its chain.
    text = "MIIB" + "A" * 5000
    devices.instead = [
        {"status": "SUCCESS", "credentialsType": "X509_CERTIFICATE", "credentialsValue": text}
    ]
    assert (await carrier.ask(wish())).outcome == Issued(StoredCertificate(text))


@pytest.mark.parametrize("scheme", ["http", "coap", "mqtt"])
async def test_where_nobody_listens_nothing_was_asked(
    scheme: str, clock: ManualClock, routes: Routes, unused_port: int
) -> None:
    server = parse_server("server", f"{scheme}://127.0.0.1:{unused_port}")
    carrier: Any
    if scheme == "http":
        carrier = HttpCarrier(
            CloudHttp(title="TB", base_url=server.url, clock=clock, limits=LIMITS, routes=routes)
        )
    elif scheme == "coap":
        carrier = CoapCarrier(server, routes, title="TB")
    else:
        carrier = MqttCarrier(server, routes, title="TB")
    asked = await carrier.ask(wish())
    assert isinstance(asked.outcome, NotAsked)
    assert not asked.outcome.reached
    assert asked.error is not None
    assert asked.error.facts["sent"] is False
