"""Devices of the simulated cloud over plain HTTP: every call, every refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agent.simulator.arduino_cloud import SimulatedArduinoCloud

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DEVICES = "/iot/v2/devices"
LORA = "/iot/v1/lora-devices/"
GOOD: dict[str, Any] = {
    "name": "bench 7",
    "type": "mkrwifi1010",
    "fqbn": "arduino:samd:mkrwifi1010",
    "serial": "8A0C",
    "connection_type": "wifi",
}
GOOD_LORA: dict[str, Any] = {
    "app": "defaultApp",
    "eui": "A8610A3233388B06",
    "frequency_plan": "EU_863_870_TTN",
    "name": "far",
    "serial": "10RA",
    "type": "mkrwan1310",
    "user_id": "me",
}
CALLS = [
    ("PUT", DEVICES),
    ("GET", DEVICES),
    ("GET", f"{DEVICES}/x"),
    ("DELETE", f"{DEVICES}/x"),
    ("PUT", f"{DEVICES}/x/certs"),
    ("GET", f"{DEVICES}/x/pass"),
    ("PUT", f"{DEVICES}/x/pass"),
    ("PUT", LORA),
    ("GET", "/iot/v1/lora-freq-plans/"),
]


@pytest.fixture
async def cloud() -> AsyncIterator[SimulatedArduinoCloud]:
    async with SimulatedArduinoCloud(organizations=["space-1"]) as running:
        yield running


@pytest.fixture
async def http(cloud: SimulatedArduinoCloud) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=cloud.base_url, verify=False, trust_env=False) as client:
        yield client


async def sign_in(
    http: httpx.AsyncClient, cloud: SimulatedArduinoCloud, organization: str = ""
) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials",
        "client_id": cloud.client_id,
        "client_secret": cloud.client_secret.reveal(),
        "audience": "https://api2.arduino.cc/iot",
        "organization_id": organization,
    }
    token = (await http.post("/iot/v1/clients/token", data=form)).json()["access_token"]
    return {"Authorization": f"Bearer {token}", "X-Organization": organization}


@pytest.fixture
async def agent(http: httpx.AsyncClient, cloud: SimulatedArduinoCloud) -> httpx.AsyncClient:
    """Signed in."""
    http.headers.update(await sign_in(http, cloud))
    return http


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_every_call_needs_a_token(http: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await http.request(method, path, json={})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/vnd.goa.error+json"
    assert set(answer.json()) == {"id", "code", "status", "detail", "meta"}


async def test_a_device_has_every_field_that_the_published_client_requires(
    agent: httpx.AsyncClient,
) -> None:
    answer = await agent.put(DEVICES, json=GOOD)
    assert answer.status_code == 201
    device = answer.json()
    assert {"id", "href", "label", "name", "serial", "type", "user_id"} <= device.keys()
    assert (await agent.get(DEVICES, params={"serial": "8A0C"})).json() == [device]
    assert (await agent.get(DEVICES, params={"serial": "other"})).json() == []
    assert (await agent.get(f"{DEVICES}/{device['id']}")).json() == device
    assert (await agent.delete(f"{DEVICES}/{device['id']}")).status_code == 200
    assert (await agent.delete(f"{DEVICES}/{device['id']}")).json()["code"] == "not_found"


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "toaster"},
        {"type": None},
        {"type": 7},
        {"name": "🧀"},
        {"name": "x" * 65},
        {"serial": "x" * 65},
        {"connection_type": "pigeon"},
    ],
)
async def test_a_wrong_device_is_refused(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud, changes: dict[str, Any]
) -> None:
    assert (await agent.put(DEVICES, json=GOOD | changes)).status_code == 400
    assert cloud.devices.all == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"app": "other"},
        {"user_id": "you"},
        {"type": "mkrwifi1010"},
        {"eui": "A8610A3233388B0"},
        {"eui": "A8610A3233388B0G"},
        {"frequency_plan": "MOON"},
    ],
)
async def test_a_wrong_lora_device_is_refused(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud, changes: dict[str, Any]
) -> None:
    assert (await agent.put(LORA, json=GOOD_LORA)).status_code == 201
    assert (await agent.put(LORA, json=GOOD_LORA | changes)).status_code == 400
    assert len(cloud.devices.all) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"ca": "other", "csr": "x", "enabled": True},
        {"ca": "Arduino_v2", "csr": "x", "enabled": "yes"},
        {"ca": "Arduino_v2", "csr": "x" * 1025, "enabled": True},
        {"ca": "Arduino_v2", "enabled": True},
        {"ca": "Arduino_v2", "csr": "x", "enabled": True},
    ],
)
async def test_a_wrong_request_for_a_certificate_is_refused(
    agent: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    device = (await agent.put(DEVICES, json=GOOD)).json()
    answer = await agent.put(f"{DEVICES}/{device['id']}/certs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_a_key_is_suggested_on_request_and_then_set(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    device = (await agent.put(DEVICES, json=GOOD)).json()
    path = f"{DEVICES}/{device['id']}/pass"
    assert (await agent.get(path)).json() == {"set": False}
    suggested = (await agent.get(path, params={"suggested_password": "true"})).json()
    assert (await agent.put(path, json={"password": ""})).status_code == 400
    answer = await agent.put(path, json={"password": suggested["suggested_password"]})
    assert answer.status_code == 200
    assert (await agent.get(path)).json() == {"set": True}
    assert cloud.devices.all[device["id"]].password == suggested["suggested_password"]


async def test_a_device_is_seen_by_its_account_or_shared_space_only(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    device = (await agent.put(DEVICES, json=GOOD)).json()
    shared = await sign_in(agent, cloud, "space-1")
    assert (await agent.get(DEVICES, headers=shared)).json() == []
    assert (await agent.get(f"{DEVICES}/{device['id']}", headers=shared)).status_code == 404


async def test_the_plan_may_be_used_up(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    cloud.devices.plan_limit = 1
    assert (await agent.put(DEVICES, json=GOOD)).status_code == 201
    answer = await agent.put(DEVICES, json=GOOD)
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
