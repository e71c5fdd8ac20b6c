"""The simulated nRF Cloud over HTTP: what it answers to anybody, however it is asked."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.protocols.nrf.bodies import rule_body
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_commands import WrongCommand, device_commands
from agent.simulator.nrf_cloud_faults import Fault
from agent.simulator.nrf_cloud_state import Device
from agent.simulator.nrf_identity import ModemIdentity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MODEM = ModemIdentity("A")
ID = str(MODEM.device_id)
CLAIMED, COMMANDS = "/v1/claimed-devices", f"/v1/claimed-devices/{ID}/provisioning"


@pytest.fixture
async def cloud() -> AsyncIterator[SimulatedNrfCloud]:
    async with SimulatedNrfCloud() as running:
        yield running


@pytest.fixture
async def client(cloud: SimulatedNrfCloud) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {cloud.key.secret.reveal()}"}
    async with httpx.AsyncClient(base_url=cloud.base_url, headers=headers, trust_env=False) as made:
        yield made


async def test_a_claim_is_asked_about_made_and_refused_the_second_time(client):
    said = {"claimToken": MODEM.attest(), "tags": ["t"]}
    assert (await client.post(CLAIMED, params={"dryrun": "true"}, json=said)).status_code == 202
    made = await client.post(CLAIMED, json=said)
    assert made.status_code == 201
    assert made.json()["deviceType"] == "nrf9151_LACA"
    assert made.json()["tags"] == ["t"]
    again = await client.post(CLAIMED, params={"dryrun": "true"}, json=said)
    assert (again.status_code, again.json()) == (409, {"message": "Device is already claimed"})
    assert (await client.delete(f"{CLAIMED}/{ID}")).status_code == 204
    assert (await client.delete(f"{CLAIMED}/{ID}")).status_code == 404


@pytest.mark.parametrize("header", ["Content-Type", "contentType"])
async def test_a_file_is_one_whatever_the_header_is_called(client, header):
    tokens = [ModemIdentity(str(number)).attest() for number in range(2)]
    text = "".join(f'"{token}","a,b"\n' for token in tokens) + '"nonsense"\n'
    answer = await client.post(CLAIMED, content=text, headers={header: "text/csv"})
    assert answer.status_code == 201
    assert len(answer.json()["claimedIds"]) == 2
    assert [entry["row"] for entry in answer.json()["failed"]] == [2]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", CLAIMED, {"claimToken": 3}, 400),
        ("POST", CLAIMED, {"claimToken": "x.y"}, 400),
        ("POST", CLAIMED, "{", 400),
        ("POST", CLAIMED, '"a', 400),
        ("POST", CLAIMED, "", 400),
        ("POST", CLAIMED, "x\n" * 1001, 400),
        ("POST", CLAIMED, b"\xff", 400),
        ("POST", CLAIMED, b"{" + b" " * (8 * 1024 * 1024), 413),
        ("GET", f"{CLAIMED}/x", None, 404),
        ("POST", COMMANDS, {"request": {"finished": {}}}, 404),
        ("GET", "/v1/bulk-ops-requests/x", None, 404),
        ("GET", "/bulk-errors/x", None, 404),
        ("POST", "/v1/provisioning-rules", {}, 400),
        ("POST", "/v1/provisioning-rules", {"name": "r", "tags": [], "commands": [3]}, 422),
        ("POST", "/v1/provisioning/tags", {}, 400),
        ("POST", "/v1/devices", "a,b\n", 202),
        ("POST", "/v1/devices", "", 400),
        ("POST", "/v1/devices", '"a', 400),
        ("GET", "/v1/devices/x", None, 404),
        ("DELETE", "/v1/devices/x", None, 404),
        ("PATCH", "/v1/devices/x/state", {}, 404),
        ("PUT", "/v1/devices/there/name", ["a", "b"], 400),
        ("PUT", "/v1/devices/there/name", [""], 422),
        ("PATCH", "/v1/devices/there/state", "[]", 400),
        ("POST", "/p/cmd", "", 403),
        ("POST", "/p/rsp", "x", 400),
    ],
)
async def test_what_is_wrong_is_answered_with_a_message(client, cloud, method, path, body, status):
    cloud.state.devices["there"] = Device("there", "team-1")
    raw = isinstance(body, str | bytes)
    given_: dict[str, Any] = {"content": body} if raw else {"json": body}
    answer = await client.request(method, path, **given_)
    assert answer.status_code == status
    assert answer.json()


async def test_nobody_without_a_key_and_no_viewer_changes_anything(client, cloud):
    viewer = cloud.state.add_key(role="viewer").secret.reveal()
    body = {"claimToken": MODEM.attest()}
    for bearer, status in (("Bearer x", 401), ("Basic x", 401), (f"Bearer {viewer}", 403)):
        answer = await client.post(CLAIMED, json=body, headers={"Authorization": bearer})
        assert answer.status_code == status
    assert not cloud.state.claims
    assert cloud.key.secret.reveal() not in repr(cloud.state.keys)


async def test_rules_and_tags_exist_once(client, cloud):
    rule, tag = rule_body("t"), {"tag": "t"}
    for path, body in (("/v1/provisioning-rules", rule), ("/v1/provisioning/tags", tag)):
        assert (await client.post(path, json=body)).status_code == 201
        assert (await client.post(path, json=body)).status_code == 409
        assert len((await client.get(path)).json()["items"]) == 1


async def test_a_rule_applies_once_and_never_beyond_twenty_commands(cloud):
    cloud.state.rules["team-1"] = [{**rule_body("t"), "id": "1"}]
    claimed = cloud.state.claim("team-1", MODEM.attest(), ("t",), dry=False)
    assert claimed is not None
    for _ in range(18):
        cloud.state.queue(claimed, {"finished": {}}, "")
    assert not any("secTag" in str(command.request) for command in claimed.commands)
    cloud.state.apply_rules(ID)
    cloud.state.apply_rules(ID)
    assert len(claimed.commands) == 20


async def test_requests_beyond_a_limit_are_refused_until_a_second_is_over(client, cloud):
    cloud.around.rate_per_s = 3
    statuses = [(await client.get("/v1/account")).status_code for _ in range(4)]
    assert statuses[:3] == [200] * 3
    assert statuses[3] in {200, 429}  # a slow computer needs a second for four requests


@pytest.mark.parametrize("act", ["hang", "close", "lose"])
async def test_a_connection_that_is_cut_says_nothing_and_is_remembered(client, cloud, act):
    cloud.faults.add(Fault(act, "claim"))
    body = {"claimToken": MODEM.attest()}
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, httpx.ReadTimeout)):
        await client.post(CLAIMED, json=body, timeout=0.2 if act == "hang" else 5)
    assert (ID in cloud.state.claims) == (act == "lose")
    async with asyncio.timeout(30):
        while not cloud.record.requests:
            await asyncio.sleep(0)
    assert cloud.record.count("claim", 0) == 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["secTag", "content", "attributes", "type", "x"]), inner)
    ),
    max_leaves=4,
)
NAMES = ["serverCertificate", "psk", "config", "certificateSigningRequest", "credentialDeletion"]


@settings(max_examples=60)
@given(VALUES | st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=2))
def test_any_request_is_a_command_or_is_refused(request_):
    try:
        commands = device_commands(json.loads(json.dumps(request_)))
    except WrongCommand:
        return
    assert commands
