"""ThingsBoard's own Python client judges the simulated server, and reads it as ours does."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import dev_parts
from agent.clouds.route import Routes
from agent.clouds.system_proxy import SystemProxy
from agent.clouds.thingsboard.addresses import Server
from agent.clouds.thingsboard.over_mqtt import MqttCarrier
from agent.protocols.thingsboard.replies import Issued, Refused, parse_reply
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings.credentials import AccessToken, Certificate, Credentials, MqttBasic
from agent.settings.secret import Secret
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_credentials import (
    BasicLogin,
    StoredCredentials,
    basic_credentials,
    certificate_credentials,
    token_credentials,
)
from tests.simulator.thingsboard_talk import make_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.needs("thingsboard"), pytest.mark.slow, pytest.mark.timeout(90)]

ROOT = Path(__file__).parents[2]
LIMIT_S = 60.0
"""The client starts in half a second and looks once a second; a busy machine may take long."""


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False) as running:
        yield running


async def judge(*jobs: dict[str, Any]) -> list[Any]:
    """Let the client do all of these at once; what came of each."""
    judged = dev_parts.PARTS["thingsboard"].judge
    assert judged is not None
    process = await asyncio.create_subprocess_exec(
        *(str(judged.python), str(ROOT / "tests" / "judges" / "tb_client.py")),
        # What it misses it would install by itself, from wherever pip is told to.
        env={"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            output, errors = await process.communicate(json.dumps(jobs).encode())
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise
    assert process.returncode == 0, errors.decode()
    found: list[Any] = json.loads(output)
    return found


def mqtt(server: SimulatedThingsBoard, scheme: str = "mqtt") -> list[Any]:
    return ["localhost" if scheme == "mqtts" else "127.0.0.1", server.ports[scheme]]


def asked(server: SimulatedThingsBoard, name: str | None, **more: Any) -> dict[str, Any]:
    secret = server.create.secret.reveal()
    pair = {"provision_device_key": server.create.key, "provision_device_secret": secret}
    given = {"device_name": name, **pair, **more}
    return {"do": "provision", "server": mqtt(server), "given": given}


async def ours(
    server: SimulatedThingsBoard, name: str, own: Credentials | None, **more: Any
) -> object:
    """How our client ends with the same request."""
    secret = more.pop("secret", server.create.secret)
    key = Secret(server.create.key)
    request = ProvisionRequest(key=key, secret=secret, name=name, own=own, **more)
    address = Server(scheme="mqtt", host="127.0.0.1", port=server.ports["mqtt"])
    carrier = MqttCarrier(address, Routes(system=SystemProxy, environ={}), title="ThingsBoard")
    return (await carrier.ask(request)).outcome


async def test_it_gets_every_kind_of_credentials_and_every_refusal_as_our_client_does(server):
    theirs, mine = (make_certificate(name, now=server.now()) for name in ("theirs", "mine"))
    server.state.add_device("taken", server.create)
    made, token, basic, certificate, unnamed, gateway, taken, wrong = await judge(
        asked(server, "made"),
        asked(server, "token", access_token="their-token"),
        asked(server, "basic", client_id="tc", username="tu", password="tp"),
        asked(server, "certificate", hash=theirs[0]),
        asked(server, None),
        asked(server, "gateway", gateway=True),
        asked(server, "taken"),
        asked(server, "wrong", provision_device_secret="wrong"),
    )
    assert len(made["credentialsValue"]) == 20
    assert token["credentialsValue"] == "their-token"
    assert basic["credentialsValue"] == {"clientId": "tc", "userName": "tu", "password": "tp"}
    assert certificate["credentialsValue"] in theirs[0].replace("\n", "")
    assert unnamed["status"] == "SUCCESS"
    assert server.state.devices["gateway"].gateway
    assert gateway["credentialsType"] == "ACCESS_TOKEN"
    assert (taken, wrong) == (None, None)
    outcomes = (
        (made, None),
        (token, AccessToken(token=Secret("my-token"))),
        (basic, MqttBasic(client_id="mc", username="mu", password=Secret("mp"))),
        (certificate, Certificate(certificate=mine[0], key=Secret(mine[1]))),
    )
    for place, (reply, own) in enumerate(outcomes):
        said, outcome = (
            parse_reply(json.dumps(reply).encode()),
            await ours(server, f"o{place}", own),
        )
        assert isinstance(said, Issued)
        assert isinstance(outcome, Issued)
        assert type(said.credentials) is type(outcome.credentials)
    assert isinstance(await ours(server, "taken", None), Refused)
    assert isinstance(await ours(server, "x", None, secret=Secret("wrong")), Refused)
    assert server.record.count("provision") == 8 + 6


async def test_it_waits_in_vain_where_the_server_fails_on_a_null(server):
    secret = server.create.secret.reveal()
    body = {
        "provisionDeviceKey": server.create.key,
        "provisionDeviceSecret": secret,
        # This is what the published client sends if only a user name is given.
        "credentialsType": "MQTT_BASIC",
        "username": "u",
        "password": None,
        "clientId": None,
    }
    (nothing,) = await judge({"do": "nothing", "server": mqtt(server), "given": body})
    assert nothing is None
    assert server.record.count("provision", "closed") >= 1
    assert not server.state.devices


async def test_it_connects_with_every_kind_and_is_refused_otherwise(server, tmp_path):
    (tmp_path / "ca.pem").write_text(server.ca)
    pair = make_certificate("certificate", now=server.now())
    stranger = make_certificate("stranger", now=server.now())
    for name, both in (("known", pair), ("stranger", stranger)):
        (tmp_path / f"{name}.pem").write_text(both[0])
        (tmp_path / f"{name}.key").write_text(both[1])
    kinds: dict[str, StoredCredentials] = {
        "token": token_credentials("tok"),
        "basic": basic_credentials(BasicLogin("c", "u", "p")),
        "certificate": certificate_credentials(pair[0]),
    }
    for name, credentials in kinds.items():
        device = server.state.add_device(name, server.create, credentials)
        server.state.set_shared(device, {"wanted": name})

    def connecting(given: dict[str, Any], *, name: str = "") -> dict[str, Any]:
        if name:
            files = {"cert_file": f"{name}.pem", "key_file": f"{name}.key", "ca_certs": "ca.pem"}
            tls = {key: str(tmp_path / file) for key, file in files.items()}
            given = {**given, "tls": {"tls": True, **tls}}
        return {
            "do": "connect",
            "server": mqtt(server, "mqtts" if name else "mqtt"),
            "given": given,
        }

    basic = {"client_id": "c", "username": "u", "password": "p"}
    *connected, nobody, wrong, unknown = await judge(
        connecting({"username": "tok"}),
        connecting(basic),
        connecting({}, name="known"),
        connecting({"username": "nobody"}),
        connecting(basic | {"password": "wrong"}),
        connecting({}, name="stranger"),
    )
    assert connected == [[0, {"shared": {"wanted": name}}] for name in kinds]
    assert [server.state.devices[name].telemetry[0][1] for name in kinds] == [{"judged": 1}] * 3
    assert (nobody, wrong, unknown) == (
        "Bad user name or password",
        "Bad user name or password",
        "Not authorized",
    )
