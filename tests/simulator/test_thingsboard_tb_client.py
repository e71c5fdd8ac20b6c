"""ThingsBoard's own Python client judges the simulated server, and reads it as ours does."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from agent.clouds.route import Routes
from agent.clouds.system_proxy import SystemProxy
from agent.clouds.thingsboard.addresses import Server
from agent.clouds.thingsboard.over_mqtt import MqttCarrier
from agent.protocols.thingsboard.replies import Issued, Refused, parse_reply
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings.credentials import AccessToken, Certificate, Credentials, MqttBasic
from agent.settings.secret import Secret
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_credentials import token_credentials
from agent.simulator.thingsboard_devices import PROVISION_STATE, PROVISIONED
from tests import system_parts
from tests.mosquitto import mosquitto
from tests.simulator.responder import answering
from tests.simulator.thingsboard_talk import make_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.protocols.thingsboard.provisioning import Outcome

pytestmark = [pytest.mark.needs("thingsboard"), pytest.mark.slow, pytest.mark.timeout(90)]

Row: TypeAlias = "tuple[dict[str, Any], Credentials | None]"
"""What the published client is given, and ours."""
ROOT = Path(__file__).parents[2]
LIMIT_S = 60.0
"""The client starts in half a second and looks once a second; a busy machine may take long."""


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False) as running:
        yield running


async def judge(*jobs: dict[str, Any]) -> list[Any]:
    """Let the client do all of these at once; what came of each."""
    judged = system_parts.PARTS["thingsboard"].judge
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
    profile = more.pop("profile", server.create)
    secret = profile.secret.reveal()
    pair = {"provision_device_key": profile.key, "provision_device_secret": secret}
    given = {"device_name": name, **pair, **more}
    return {"do": "provision", "server": mqtt(server), "given": given}


async def ours(
    server: SimulatedThingsBoard, name: str, own: Credentials | None, **more: Any
) -> Outcome:
    """How our client ends with the same request."""
    profile = more.pop("profile", server.create)
    wish = {"key": Secret(profile.key), "secret": profile.secret, **more}
    request = ProvisionRequest(name=name, own=own, **wish)
    address = Server(scheme="mqtt", host="127.0.0.1", port=server.ports["mqtt"])
    carrier = MqttCarrier(address, Routes(system=SystemProxy, environ={}), title="ThingsBoard")
    return (await carrier.ask(request)).outcome


def basic(client_id: str = "", username: str = "", password: str = "") -> Row:
    """The client sends a null for what is not given, so it is given as empty."""
    given = {"client_id": client_id, "username": username, "password": password}
    return given, MqttBasic(client_id=client_id, username=username, password=Secret(password))


TOKEN = "a-token-of-its-own"
ROWS: dict[str, Row] = {
    "server's token": ({}, None),
    "own token": ({"access_token": TOKEN}, AccessToken(token=Secret(TOKEN))),
    "user": basic(username="u1"),
    "user and password": basic(username="u2", password="p2"),
    "client": basic(client_id="c3"),
    "client and user": basic(client_id="c4", username="u4"),
    "all three": basic(client_id="c5", username="u5", password="p5"),
    "client and password": basic(client_id="c6", password="p6"),
    "password": basic(password="p7"),
    # What the server reads as no name at all.
    "": ({"access_token": "unnamed"}, AccessToken(token=Secret("unnamed"))),
    " ": ({}, None),
    "n" * 255: ({}, None),
    "n" * 300: ({}, None),
    "taken": ({}, None),
}


async def test_it_gets_every_kind_of_credentials_and_every_refusal_as_our_client_does(server):
    pair = make_certificate("certificate", now=server.now())
    shown = Certificate(certificate=pair[0], key=Secret(pair[1]))
    rows: dict[str, Row] = {**ROWS, "certificate": ({"hash": pair[0]}, shown)}
    prepared = {"prepared": "stored-token", "used": "other", "elsewhere": "third"}
    async with SimulatedThingsBoard(coap=False, tls=False) as other:
        for each in (server, other):
            each.state.add_device("taken", each.check)
            for name, token in prepared.items():
                profile = each.create if name == "elsewhere" else each.check
                each.state.add_device(name, profile, token_credentials(token))
            each.state.devices["used"].attributes["SERVER_SCOPE"][PROVISION_STATE] = PROVISIONED
        theirs = await judge(
            *(asked(server, name, **given) for name, (given, _) in rows.items()),
            *(asked(server, name, profile=server.check) for name in prepared),
            asked(server, "gateway", gateway=True),
            asked(server, "x", provision_device_secret="wrong"),
            asked(server, "x", provision_device_key="wrong"),
            asked(server, None),
        )
        mine = [
            *[await ours(other, name, own) for name, (_, own) in rows.items()],
            *[await ours(other, name, None, profile=other.check) for name in prepared],
            await ours(other, "gateway", None, gateway=True),
            await ours(other, "x", None, secret=Secret("wrong")),
            await ours(other, "x", None, key=Secret("wrong")),
        ]
        assert other.state.devices["gateway"].gateway
        assert len(server.state.devices) == len(other.state.devices) + 1
    *theirs, unnamed = theirs
    assert unnamed["status"] == "SUCCESS"
    assert server.state.devices["gateway"].gateway
    names = [*rows, *prepared, "gateway", "wrong secret", "wrong key"]
    refused = [name for name, reply in zip(names, theirs, strict=True) if reply is None]
    assert refused == [
        *("client and password", "password", " ", "n" * 300, "taken"),
        *("used", "elsewhere", "wrong secret", "wrong key"),
    ]
    for name, reply, outcome in zip(names, theirs, mine, strict=True):
        if reply is None:
            assert isinstance(outcome, Refused), name
            continue
        said = parse_reply(json.dumps(reply).encode())
        assert isinstance(said, Issued)
        assert isinstance(outcome, Issued), name
        if len(reply["credentialsValue"]) == 20:  # made by the server, each time another
            assert isinstance(outcome.credentials, AccessToken), name
            assert len(outcome.credentials.token.reveal()) == 20
        else:
            assert said == outcome, name


@pytest.mark.needs("mosquitto")
async def test_it_gets_its_token_through_a_real_broker_too(server, tmp_path):
    async with (
        mosquitto(tmp_path, "allow_anonymous true") as port,
        answering(server.state, port),
    ):
        job = asked(server, "probe", access_token="their-token")
        (said,) = await judge({**job, "server": ["127.0.0.1", port]})
    assert said["credentialsValue"] == "their-token"
    assert server.state.devices["probe"].credentials.id == "their-token"


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
    kinds: dict[str, Credentials] = {
        "token": AccessToken(token=Secret("tok")),
        "basic": MqttBasic(client_id="c", username="u", password=Secret("p")),
        "certificate": Certificate(certificate=pair[0], key=Secret(pair[1])),
    }
    for name, own in kinds.items():
        assert isinstance(await ours(server, name, own), Issued)
        server.state.set_shared(server.state.devices[name], {"wanted": name})

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

    login = {"client_id": "c", "username": "u", "password": "p"}
    *connected, nobody, wrong, unknown = await judge(
        connecting({"username": "tok"}),
        connecting(login),
        connecting({}, name="known"),
        connecting({"username": "nobody"}),
        connecting(login | {"password": "wrong"}),
        connecting({}, name="stranger"),
    )
    assert connected == [[0, {"shared": {"wanted": name}}] for name in kinds]
    assert [server.state.devices[name].telemetry[0][1] for name in kinds] == [{"judged": 1}] * 3
    assert (nobody, wrong, unknown) == (
        "Bad user name or password",
        "Bad user name or password",
        "Not authorized",
    )
