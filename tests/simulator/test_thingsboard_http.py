"""The simulated ThingsBoard over HTTP: provisioning, the device's interface, faults."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agent.settings import Secret
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_credentials import token_credentials
from agent.simulator.thingsboard_devices import Profile, Strategy
from agent.simulator.thingsboard_faults import Fault
from tests.simulator.thingsboard_talk import NOW, make_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROVISION = "/api/v1/provision"
LIMIT_S = 30.0
"""An answer takes a millisecond; a busy machine may take seconds."""


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False, tls=False, now=lambda: NOW) as running:
        yield running


@pytest.fixture
async def http(server: SimulatedThingsBoard) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=server.addresses["http"], verify=False, trust_env=False, timeout=LIMIT_S
    ) as client:
        yield client


def request(server: SimulatedThingsBoard, name: str = "bench-07", **more: Any) -> dict[str, Any]:
    secret = server.create.secret.reveal()
    pair = {"provisionDeviceKey": server.create.key, "provisionDeviceSecret": secret}
    return {"deviceName": name, **pair, **more}


async def test_a_refusal_has_status_200_as_well(server, http):
    first = await http.post(PROVISION, json=request(server))
    again = await http.post(PROVISION, json=request(server))
    wrong = await http.post(PROVISION, json=request(server, provisionDeviceSecret="x"))
    assert [a.status_code for a in (first, again, wrong)] == [200, 200, 200]
    statuses = [a.json()["status"] for a in (first, again, wrong)]
    assert statuses == ["SUCCESS", "FAILURE", "NOT_FOUND"]
    assert [seen.outcome for seen in server.record.requests] == statuses


@pytest.mark.parametrize("body", [b"no json", b"[1]", b"", b"{}", b'{"provisionDeviceKey": null}'])
async def test_what_it_fails_on_is_500_in_the_common_form(http, body):
    answer = await http.post(PROVISION, content=body)
    assert answer.status_code == 500
    said = answer.json()
    assert (said["status"], said["errorCode"]) == (500, 2)
    assert said["timestamp"] == NOW * 1000
    assert said["message"]


async def test_a_profile_with_an_authority_is_500_without_a_body(server, http):
    pem, _ = make_certificate("CA")
    profile = server.state.add_profile(Profile("chain", Strategy.CHAIN, chain_ca=pem))
    answer = await http.post(PROVISION, json=request(server, provisionDeviceKey=profile.key))
    assert (answer.status_code, answer.content) == (500, b"")


async def test_other_methods_are_not_allowed(http):
    assert (await http.get(PROVISION)).status_code == 405


class TestDevice:
    @pytest.fixture
    def mine(self, server: SimulatedThingsBoard) -> str:
        server.state.add_device("probe", server.create, token_credentials("tok"))
        return "/api/v1/tok"

    async def test_telemetry_and_attributes(self, server, http, mine):
        assert (await http.post(f"{mine}/telemetry", json={"t": 1})).status_code == 200
        assert (await http.post(f"{mine}/attributes", json={"a": 1, "b": 2})).status_code == 200
        server.state.set_shared(server.state.devices["probe"], {"s": 3})
        everything = await http.get(f"{mine}/attributes")
        assert everything.json() == {"client": {"a": 1, "b": 2}, "shared": {"s": 3}}
        some = await http.get(f"{mine}/attributes", params={"clientKeys": "a,x", "sharedKeys": "y"})
        assert some.json() == {"client": {"a": 1}}
        assert (await http.post(f"{mine}/claim")).status_code == 200
        device = server.state.devices["probe"]
        assert list(device.telemetry) == [(NOW, {"t": 1})]
        assert device.attributes["SERVER_SCOPE"]["lastActivityTime"] == NOW * 1000

    @pytest.mark.parametrize(
        ("method", "path"), [("GET", "attributes"), ("POST", "attributes"), ("POST", "telemetry")]
    )
    async def test_an_unknown_token_is_401_without_a_body(self, http, method, path):
        answer = await http.request(method, f"/api/v1/nobody/{path}", json={})
        assert (answer.status_code, answer.content) == (401, b"")

    async def test_what_is_no_json_is_500_with_a_text(self, http, mine):
        for path in ("attributes", "telemetry"):
            answer = await http.post(f"{mine}/{path}", content=b"[7]")
            assert answer.status_code == 500
            assert answer.text.startswith("Can't parse value")


class TestFaults:
    async def test_hang_keeps_the_connection_and_does_nothing(self, server, http):
        server.faults.add(Fault("hang", "provision"))
        with pytest.raises(httpx.ReadTimeout):
            await http.post(
                PROVISION, json=request(server), timeout=httpx.Timeout(LIMIT_S, read=0.2)
            )
        assert not server.state.devices
        assert (await http.post(PROVISION, json=request(server))).json()["status"] == "SUCCESS"

    @pytest.mark.parametrize(("act", "there"), [("close", False), ("lose", True)])
    async def test_the_connection_ends_before_or_after_it_is_done(self, server, http, act, there):
        server.faults.add(Fault(act, "provision", "http"))
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(PROVISION, json=request(server))
        assert ("bench-07" in server.state.devices) is there

    async def test_too_many_requests(self, server, http):
        server.faults.add(Fault("status", status=429, retry_after="3", times=2))
        for _ in range(2):
            answer = await http.post(PROVISION, json=request(server))
            assert (answer.status_code, answer.json()["errorCode"]) == (429, 33)
            assert answer.headers["Retry-After"] == "3"
        assert (await http.post(PROVISION, json=request(server))).status_code == 200

    async def test_an_error_of_the_server(self, server, http):
        server.faults.add(Fault("status", status=503))
        assert (await http.post(PROVISION, json=request(server))).status_code == 503
        server.faults.add(Fault("status", times=None))
        for _ in range(3):
            assert (await http.post(PROVISION, json=request(server))).status_code == 500
        server.faults.clear()
        assert (await http.post(PROVISION, json=request(server))).status_code == 200

    async def test_a_core_that_says_nothing(self, server, http):
        server.faults.add(Fault("status", status=503, text=""))
        answer = await http.post(PROVISION, json=request(server))
        assert (answer.status_code, answer.content) == (503, b"")

    async def test_another_text_and_a_slow_answer(self, server, http):
        server.faults.add(Fault("text", text="<html>"))
        assert (await http.post(PROVISION, json=request(server))).text == "<html>"
        server.faults.add(Fault("slow", seconds=0.01))
        answer = await http.post(PROVISION, json=request(server, "bench-08"))
        assert answer.json()["status"] == "SUCCESS"

    async def test_what_is_for_mqtt_is_left(self, server, http):
        server.faults.add(Fault("close", "provision", "mqtt"))
        assert (await http.post(PROVISION, json=request(server))).status_code == 200
        assert len(server.faults.waiting) == 1

    async def test_a_server_that_is_down_comes_back(self, server, http):
        server.down = True
        assert server.down
        with pytest.raises(httpx.TransportError):
            await http.post(PROVISION, json=request(server))
        server.down = False
        assert (await http.post(PROVISION, json=request(server))).status_code == 200

    async def test_it_ends_while_a_request_hangs(self):
        async with SimulatedThingsBoard(coap=False, tls=False) as server:
            server.faults.add(Fault("hang"))
            url = f"{server.addresses['http']}{PROVISION}"
            async with httpx.AsyncClient(verify=False, trust_env=False, timeout=LIMIT_S) as client:
                asking = asyncio.ensure_future(client.post(url, content=b"{}"))
                async with asyncio.timeout(30):
                    while not server.record.requests:
                        await asyncio.sleep(0)
                await server.__aexit__(None, None, None)
                with pytest.raises(httpx.TransportError):
                    await asking


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("expired", "expired"),
        ("not yet", "not yet valid"),
        ("other host", "IP address mismatch"),
        ("unknown", "unable to get local issuer"),
    ],
)
async def test_certificates_that_no_client_should_take(kind, reason):
    async with SimulatedThingsBoard(coap=False) as server:
        context = ssl.create_default_context(cadata=server.ca)
        async with httpx.AsyncClient(
            base_url=server.addresses["https"], verify=context, trust_env=False, timeout=LIMIT_S
        ) as client:
            assert (await client.post(PROVISION, json=request(server))).status_code == 200
        assert server.certificates is not None
        server.certificates.kind = kind
        async with httpx.AsyncClient(
            base_url=server.addresses["https"], verify=context, trust_env=False, timeout=LIMIT_S
        ) as client:
            with pytest.raises(httpx.ConnectError, match=reason):
                await client.post(PROVISION, json=request(server))


async def test_ports_can_be_chosen_and_a_taken_one_is_an_error():
    async with SimulatedThingsBoard(tls=False) as first:
        assert set(first.ports) == {"http", "mqtt", "coap"}
        for scheme in first.ports:
            second = SimulatedThingsBoard(tls=False, ports={scheme: first.ports[scheme]})
            with pytest.raises(OSError):
                await second.__aenter__()
        third = SimulatedThingsBoard(tls=False)
        await third.__aenter__()
        await third.__aexit__(None, None, None)


async def test_its_secrets_are_not_shown(server):
    shown = repr([server.create, server.administrator, server.state.profiles])
    assert server.create.secret.reveal() not in shown
    assert server.administrator.password.reveal() not in shown
    assert isinstance(server.create.secret, Secret)
    assert json.dumps(server.addresses)
