"""The simulated Blynk.Cloud as any program meets it: plain HTTP, and logins of boards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_cloud_faults import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = "/api/v1/organization"
TEMPLATE = "TMPLdemo00000"
LIMIT_S = 30.0
CLIENT = "grant_type=client_credentials"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[SimulatedBlynkCloud]:
    async with SimulatedBlynkCloud(now=clock) as running:
        yield running


@pytest.fixture
async def http(server: SimulatedBlynkCloud) -> AsyncIterator[httpx.AsyncClient]:
    address = server.addresses["http"]
    async with httpx.AsyncClient(
        base_url=address, verify=False, trust_env=False, timeout=LIMIT_S
    ) as it:
        yield it


@pytest.fixture
async def client(http: httpx.AsyncClient, server: SimulatedBlynkCloud) -> httpx.AsyncClient:
    """Signed in."""
    await sign_in(http, server)
    return http


async def sign_in(
    http: httpx.AsyncClient, server: SimulatedBlynkCloud, query: str = CLIENT
) -> dict[str, Any]:
    both = (server.client.id, server.client.secret.reveal())
    said: dict[str, Any] = (await http.post(f"/oauth2/token?{query}", auth=both)).json()
    http.headers["Authorization"] = f"Bearer {said.get('access_token')}"
    return said


async def test_a_client_gets_tokens_that_end_and_refreshes_once(http, server, clock):
    first = await sign_in(http, server)
    assert (first["token_type"], first["expires_in"]) == ("Bearer", 300)
    assert (await http.get(f"{ROOT}/profile")).json()["id"] == 101
    clock.now += 301
    assert (await http.get(f"{ROOT}/profile")).status_code == 401
    query = f"grant_type=refresh_token&refresh_token={first['refresh_token']}"
    await sign_in(http, server, query)
    assert (await http.get(f"{ROOT}/profile")).status_code == 200
    again = await http.post(
        f"/oauth2/token?{query}", auth=(server.client.id, server.client.secret.reveal())
    )
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("query", "auth", "status", "error"),
    [
        (CLIENT, ("nobody", "x"), 401, "invalid_client"),
        (CLIENT, None, 401, "invalid_client"),
        ("", "right", 400, "invalid_request"),
        ("grant_type=password", "right", 400, "unsupported_grant_type"),
    ],
)
async def test_wrong_requests_for_a_token_are_refused_in_oauths_words(
    http, server, query, auth, status, error
):
    if auth == "right":
        auth = (server.client.id, server.client.secret.reveal())
    answer = await http.post(f"/oauth2/token?{query}", auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_client_may_name_itself_in_the_query(http, server):
    secret = server.client.secret.reveal()
    query = f"{CLIENT}&client_id={server.client.id}&client_secret={secret}"
    assert (await http.post(f"/oauth2/token?{query}")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/device/provision/token", {"orgId": 1, "ownerId": 7}, 404, "Organization"),
        ("POST", "/device/provision/token", {"orgId": 101, "ownerId": 8}, 404, "User"),
        ("POST", "/device/provision/token", {"orgId": 101}, 404, "User"),
        ("POST", "/device/provision/reprovision/token", {"deviceId": 1}, 404, "identifier 1"),
        ("POST", "/device/provision/reprovision/token", {}, 400, "deviceId"),
        ("POST", "/device/provision/reconfigure", {"deviceId": "1"}, 400, "deviceId"),
        ("POST", "/device/create", {"templateId": "x"}, 404, "Template is not found."),
        (
            "POST",
            "/device/create",
            {"templateId": TEMPLATE, "ownerId": 7, "name": "x" * 51},
            400,
            "name",
        ),
        ("GET", "/device?deviceId=1", None, 404, "Device with identifier 1 is not found"),
        ("GET", "/device", None, 400, "deviceId"),
        ("GET", "/devices?size=1001", None, 400, "size"),
        ("GET", "/devices?page=x", None, 400, "size"),
        ("POST", "/static-tokens/claim", {"token": "sqr_x", "userId": 7}, 404, "Static token"),
        ("POST", "/static-tokens/unclaim", {"token": "sqr_x"}, 404, "Static token"),
    ],
)
async def test_each_wrong_request_gets_its_sentence(client, method, path, body, status, said):
    answer = await client.request(method, ROOT + path, json=body)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]


async def test_a_body_that_is_none_is_refused(client):
    answer = await client.post(f"{ROOT}/device/create", content=b"{")
    assert answer.status_code == 400
    big = await client.post(f"{ROOT}/device/create", content=b" " * (1024 * 1024 + 1))
    assert big.status_code == 413


async def test_rights_plan_and_rate_are_kept(client, server):
    server.client.permissions.clear()
    assert (await client.get(f"{ROOT}/devices")).status_code == 403
    server.platform.plan = False
    said = (await client.get(f"{ROOT}/profile")).json()
    assert said == {"error": {"message": "Platform API is not available in your plan."}}
    server.around.rate_per_min = 1
    assert (await client.get(f"{ROOT}/profile")).status_code == 429


async def test_a_static_token_is_claimed_by_one_user(client, server):
    prepared = server.state.prepare(TEMPLATE)
    body = {"token": f"{prepared.token}+101", "userId": 7}
    assert (await client.post(f"{ROOT}/static-tokens/claim", json=body)).status_code == 200
    twice = await client.post(f"{ROOT}/static-tokens/claim", json=body)
    assert twice.json()["error"]["message"] == "Static token is already claimed."
    assert server.state.find_prepared(f"{prepared.token}+102") is None
    assert await server.login(prepared.device_token, TEMPLATE) == ""
    (listed,) = (await client.get(f"{ROOT}/static-tokens")).json()["content"]
    assert (listed["status"], listed["ownerId"]) == ("CLAIMED", 7)
    other = server.state.prepare(TEMPLATE)
    stranger = {"token": other.token, "userId": 8}
    assert (await client.post(f"{ROOT}/static-tokens/claim", json=stranger)).status_code == 404
    free = await client.post(f"{ROOT}/static-tokens/unclaim", json={"token": other.token})
    assert free.json()["error"]["message"] == "Static token is not claimed."


async def test_another_region_sends_here_with_everything(http, server):
    address = server.addresses["elsewhere"]
    answer = await http.get(f"{address}/external/api/isHardwareConnected?token=a&x=b")
    assert answer.status_code == 308
    here = server.addresses["http"]
    assert answer.headers["Location"] == f"{here}/external/api/isHardwareConnected?token=a&x=b"


async def test_a_board_makes_its_device_and_one_of_no_template_none(client, server):
    body = {"orgId": 101, "ownerId": 7}
    made = (await client.post(f"{ROOT}/device/provision/token", json=body)).json()
    path = f"/external/api/isHardwareConnected?token={made['token']}"
    assert (await client.get(path)).status_code == 400
    assert await server.login(made["token"], "TMPLunknown00") == "generic"
    assert await server.login(made["token"], TEMPLATE) == ""
    assert (await client.get(path)).text == "true"
    assert (await client.get(f"/external/api/update?token={made['token']}&v1=1")).is_success
    query = f"deviceId={made['deviceId']}"
    assert (await client.delete(f"{ROOT}/device/clear?{query}")).status_code == 204
    assert (await client.delete(f"{ROOT}/device?{query}")).status_code == 204
    assert await server.login(made["token"], TEMPLATE) == "auth_failed"
    assert (await client.get(f"/external/api/update?token={made['token']}")).status_code == 400


async def test_faults_come_in_their_order_and_leave_a_record(client, server):
    server.faults.add(Fault("status", "platform", status=503, retry_after="9"))
    server.faults.add(Fault("close", "platform"))
    answer = await client.get(f"{ROOT}/profile")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "9")
    with pytest.raises(httpx.TransportError):
        await client.get(f"{ROOT}/profile")
    server.faults.add(Fault("hang", "device"))
    hanging = asyncio.create_task(client.get("/external/api/isHardwareConnected?token=x"))
    while not server.record.count("isHardwareConnected"):
        await asyncio.sleep(0.001)
    assert not hanging.done()
    hanging.cancel()
    server.faults.clear()
    server.down = True
    assert server.down
    with pytest.raises(httpx.TransportError):
        await client.get(f"{ROOT}/profile")
    assert "token=" not in str(server.record.requests)
