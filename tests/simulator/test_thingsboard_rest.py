"""The administrator's calls of the simulated ThingsBoard, and their errors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_credentials import (
    BasicLogin,
    basic_credentials,
    token_credentials,
)
from agent.simulator.thingsboard_faults import Fault
from agent.simulator.thingsboard_users import User
from tests.simulator.thingsboard_talk import Clock, make_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TELEMETRY = "/api/plugins/telemetry"
LIMIT_S = 30.0
"""An answer takes a millisecond; a busy machine may take seconds."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[SimulatedThingsBoard]:
    options: dict[str, Any] = {"max_devices": 5, "rpc_least_ms": 1, "now": clock}
    async with SimulatedThingsBoard(coap=False, tls=False, **options) as running:
        yield running


@pytest.fixture
async def http(server: SimulatedThingsBoard) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=server.addresses["http"], verify=False, trust_env=False, timeout=LIMIT_S
    ) as client:
        yield client


async def sign_in(http: httpx.AsyncClient, user: User) -> dict[str, str]:
    said = {"username": user.name, "password": user.password.reveal()}
    tokens: dict[str, str] = (await http.post("/api/auth/login", json=said)).json()
    http.headers["X-Authorization"] = f"Bearer {tokens['token']}"
    return tokens


@pytest.fixture
async def admin(http: httpx.AsyncClient, server: SimulatedThingsBoard) -> httpx.AsyncClient:
    await sign_in(http, server.administrator)
    return http


def error(answer: httpx.Response) -> tuple[int, int]:
    """Status and errorCode; the body says the status too."""
    said = answer.json()
    assert set(said) == {"status", "message", "errorCode", "timestamp"}
    assert said["status"] == answer.status_code
    return answer.status_code, said["errorCode"]


class TestSignIn:
    async def test_a_wrong_password_or_name(self, http, server):
        for said in (
            {"username": server.administrator.name, "password": "wrong"},
            {"username": "nobody", "password": ""},
            {},
        ):
            assert error(await http.post("/api/auth/login", json=said)) == (401, 10)
        assert error(await http.post("/api/auth/login", content=b"x")) == (400, 31)

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Bearer a.b.c", "Basic eDp5"])
    async def test_without_a_token_nothing_is_shown(self, http, header):
        http.headers["X-Authorization"] = header
        assert error(await http.get("/api/tenant/devices")) == (401, 10)

    async def test_a_token_ends_and_is_renewed(self, http, server, clock):
        tokens = await sign_in(http, server.administrator)
        clock.now += 9_000
        assert error(await http.get("/api/deviceProfiles")) == (401, 11)
        said = {"refreshToken": tokens["refreshToken"]}
        renewed = (await http.post("/api/auth/token", json=said)).json()
        http.headers["X-Authorization"] = f"Bearer {renewed['token']}"
        paged = {"pageSize": 10, "page": 0}
        assert (await http.get("/api/deviceProfiles", params=paged)).status_code == 200
        wrong = {"refreshToken": renewed["token"]}
        assert error(await http.post("/api/auth/token", json=wrong)) == (401, 10)
        http.headers["X-Authorization"] = f"Bearer {renewed['refreshToken']}"
        assert error(await http.get("/api/deviceProfiles")) == (401, 10)

    async def test_the_usual_header_is_taken_too(self, http, server):
        tokens = await sign_in(http, server.administrator)
        del http.headers["X-Authorization"]
        http.headers["Authorization"] = f"Bearer {tokens['token']}"
        paged = {"pageSize": 10, "page": 0}
        assert (await http.get("/api/tenant/devices", params=paged)).status_code == 200

    async def test_an_account_that_is_gone_or_has_an_old_password(self, http, server):
        user = server.users.add(User("old", password_expired=True))
        said = {"username": "old", "password": user.password.reveal()}
        assert error(await http.post("/api/auth/login", json=said)) == (401, 15)
        await sign_in(http, server.administrator)
        server.users.accounts.clear()
        assert error(await http.get("/api/deviceProfiles")) == (401, 10)

    async def test_a_customer_may_not(self, http, server):
        await sign_in(http, server.users.add(User("customer", authority="CUSTOMER_USER")))
        assert error(await http.get("/api/deviceProfiles")) == (403, 20)


class TestProfiles:
    def body(self, **more: Any) -> dict[str, Any]:
        secret = {"type": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceSecret": "ps"}
        return {
            "name": "new",
            "provisionType": "ALLOW_CREATE_NEW_DEVICES",
            "provisionDeviceKey": "pk",
            "profileData": {"provisionConfiguration": secret},
            **more,
        }

    async def test_a_profile_is_made_changed_listed_and_deleted(self, admin, server):
        made = (await admin.post("/api/deviceProfile", json=self.body())).json()
        assert made["profileData"]["provisionConfiguration"]["provisionDeviceSecret"] == "ps"
        request = {"provisionDeviceKey": "pk", "provisionDeviceSecret": "ps", "deviceName": "d"}
        assert (await admin.post("/api/v1/provision", json=request)).json()["status"] == "SUCCESS"
        made["provisionType"] = "DISABLED"
        changed = (await admin.post("/api/deviceProfile", json=made)).json()
        path = f"/api/deviceProfile/{changed['id']['id']}"
        assert (await admin.get(path)).json()["provisionType"] == "DISABLED"
        assert error(await admin.delete(path)) == (400, 31)
        server.state.delete(server.state.devices["d"])
        assert (await admin.delete(path)).status_code == 200
        assert error(await admin.get(path)) == (404, 32)

    async def test_lists_come_in_pages(self, admin):
        answer = await admin.get("/api/deviceProfiles", params={"pageSize": 1, "page": 0})
        said = answer.json()
        assert (len(said["data"]), said["totalElements"], said["hasNext"]) == (1, 2, True)
        answer = await admin.get(
            "/api/deviceProfiles", params={"pageSize": 9, "page": 0, "textSearch": "PREPARED"}
        )
        assert [each["name"] for each in answer.json()["data"]] == ["prepared boards"]
        assert error(await admin.get("/api/deviceProfiles")) == (400, 31)
        wrong = {"pageSize": 0, "page": 0}
        assert error(await admin.get("/api/deviceProfiles", params=wrong)) == (400, 31)

    async def test_a_profile_with_an_authority(self, admin, server):
        pem, _ = make_certificate("CA")
        configuration = {
            "type": "X509_CERTIFICATE_CHAIN",
            "provisionDeviceSecret": pem,
            "certificateRegExPattern": "(.*)",
            "allowCreateNewDevicesByX509Certificate": True,
        }
        said = {"name": "chain", "profileData": {"provisionConfiguration": configuration}}
        made = (await admin.post("/api/deviceProfile", json=said)).json()
        assert made["profileData"]["provisionConfiguration"] == configuration
        profile = server.state.profiles[made["id"]["id"]]
        assert (profile.chain_ca, profile.allow_new, bool(profile.secret)) == (pem, True, False)

    @pytest.mark.parametrize(
        "change",
        [{"name": ""}, {"name": "boards"}, {"name": None}, {"provisionType": "SOMETHING"}],
    )
    async def test_a_wrong_profile(self, admin, change):
        answer = await admin.post("/api/deviceProfile", json=self.body(**change))
        assert error(answer) == (400, 31)


class TestDevices:
    async def test_a_device_is_found_by_name_or_the_name_is_free(self, admin, server):
        device = server.prepare("board-1")
        path = "/api/tenant/devices"
        found = (await admin.get(path, params={"deviceName": "board-1"})).json()
        assert found["id"] == {"entityType": "DEVICE", "id": device.id}
        assert found["deviceProfileId"]["id"] == server.check.id
        assert error(await admin.get(path, params={"deviceName": "board-2"})) == (404, 32)
        assert (await admin.get(f"/api/device/{device.id}")).json() == found

    async def test_a_device_is_deleted_and_its_name_is_free_again(self, admin, server):
        device = server.prepare("board-1")
        assert (await admin.delete(f"/api/device/{device.id}")).status_code == 200
        assert error(await admin.delete(f"/api/device/{device.id}")) == (404, 32)
        server.prepare("board-1")

    async def test_devices_are_prepared(self, admin, server):
        profile = {"entityType": "DEVICE_PROFILE", "id": server.check.id}
        said = {"name": "a", "deviceProfileId": profile, "additionalInfo": {"gateway": True}}
        made = await admin.post("/api/device", params={"accessToken": "tok"}, json=said)
        assert made.json()["additionalInfo"] == {"gateway": True}
        assert server.state.by_token("tok") is server.state.devices["a"]
        assert server.state.devices["a"].profile is server.check
        both = {
            "device": {"name": "b", "type": "thermometer"},
            "credentials": {"credentialsType": "ACCESS_TOKEN", "credentialsId": "tok-b"},
        }
        assert (await admin.post("/api/device-with-credentials", json=both)).status_code == 200
        assert server.state.devices["b"].profile.name == "thermometer"

    async def test_a_device_is_renamed(self, admin, server):
        device = server.prepare("a")
        server.prepare("b")
        said = {"id": {"entityType": "DEVICE", "id": device.id}, "name": "c", "label": "L"}
        assert (await admin.post("/api/device", json=said)).json()["label"] == "L"
        assert set(server.state.devices) == {"b", "c"}
        assert error(await admin.post("/api/device", json=said | {"name": "b"})) == (400, 31)

    async def test_a_name_that_is_taken_and_one_device_too_many(self, admin, server):
        for number in range(5):
            server.prepare(f"board-{number}")
        assert error(await admin.post("/api/device", json={"name": "board-1"})) == (400, 31)
        assert error(await admin.post("/api/device", json={"name": "board-9"})) == (403, 41)
        assert error(await admin.post("/api/device", json={})) == (400, 31)
        assert error(await admin.post("/api/device-with-credentials", json={})) == (400, 31)

    async def test_a_list_is_imported(self, admin, server):
        columns = [
            *({"type": kind} for kind in ("NAME", "TYPE", "ACCESS_TOKEN", "IS_GATEWAY")),
            {"type": "SERVER_ATTRIBUTE", "key": "site"},
        ]
        file = "name,type,token,gw,site\na,t1,tok-a,true,x\nb,t1,,,\na,t1,,,\n"
        mapping: dict[str, Any] = {"columns": columns, "header": True, "delimiter": ","}
        said = {"file": file, "mapping": mapping}
        result = (await admin.post("/api/device/bulk_import", json=said)).json()
        assert (result["created"], result["updated"], result["errors"]) == (2, 0, 1)
        assert result["errorsList"] == ["Line 3: Device with such name already exists!"]
        device = server.state.devices["a"]
        assert (device.gateway, device.attributes["SERVER_SCOPE"]["site"]) == (True, "x")
        mapping["update"] = True
        result = (await admin.post("/api/device/bulk_import", json=said)).json()
        assert (result["created"], result["updated"], result["errors"]) == (0, 3, 0)
        assert error(await admin.post("/api/device/bulk_import", json={})) == (400, 31)


class TestCredentials:
    async def test_credentials_are_read(self, admin, server):
        token = server.prepare("a")
        basic = server.state.add_device(
            "b", server.check, basic_credentials(BasicLogin("c", "u", "p"))
        )
        said = (await admin.get(f"/api/device/{token.id}/credentials")).json()
        assert (said["credentialsType"], said["credentialsId"]) == (
            "ACCESS_TOKEN",
            token.credentials.id,
        )
        assert said["credentialsValue"] is None
        said = (await admin.get(f"/api/device/{basic.id}/credentials")).json()
        assert said["credentialsValue"] == '{"clientId":"c","userName":"u","password":"p"}'
        assert error(await admin.get("/api/device/x/credentials")) == (404, 32)

    @pytest.mark.parametrize("kind", ["token", "certificate", "basic"])
    async def test_credentials_are_replaced_and_the_old_ones_stop(self, admin, server, kind):
        device = server.state.add_device("a", server.check, token_credentials("old"))
        said = (await admin.get(f"/api/device/{device.id}/credentials")).json()
        pem, _ = make_certificate("a")
        said |= {
            "token": {"credentialsType": "ACCESS_TOKEN", "credentialsId": "new"},
            "certificate": {"credentialsType": "X509_CERTIFICATE", "credentialsValue": pem},
            "basic": {
                "credentialsType": "MQTT_BASIC",
                "credentialsValue": '{"clientId":"c","userName":"u","password":"p"}',
            },
        }[kind]
        answer = await admin.post("/api/device/credentials", json=said)
        assert answer.json()["id"] == said["id"]
        assert answer.json()["credentialsType"] == said["credentialsType"]
        assert server.state.by_token("old") is None
        assert server.state.events[-1].kind == "CREDENTIALS_UPDATED"

    @pytest.mark.parametrize(
        "change",
        [
            {"credentialsId": "taken"},
            {"credentialsId": ""},
            {"credentialsType": "OTHER"},
            {"credentialsType": "MQTT_BASIC", "credentialsValue": "{"},
            {"credentialsType": "MQTT_BASIC", "credentialsValue": "{}"},
            {"credentialsType": "X509_CERTIFICATE", "credentialsValue": None},
            {"id": {"id": "5e1f2a30-0000-11f0-8000-000000000009"}},
        ],
    )
    async def test_wrong_credentials_change_nothing(self, admin, server, change):
        device = server.state.add_device("a", server.check, token_credentials("old"))
        server.state.add_device("b", server.check, token_credentials("taken"))
        said = (await admin.get(f"/api/device/{device.id}/credentials")).json()
        answer = await admin.post("/api/device/credentials", json=said | change)
        assert error(answer) == (400, 31)
        assert server.state.by_token("old") is device


class TestValues:
    async def test_the_mark_of_provisioning_is_seen_and_cleared(self, admin, server):
        device = server.prepare("a")
        device.attributes["SERVER_SCOPE"]["provisionState"] = "provisioned"
        path = f"{TELEMETRY}/DEVICE/{device.id}"
        keys = {"keys": "provisionState"}
        seen = await admin.get(f"{path}/values/attributes/SERVER_SCOPE", params=keys)
        assert [(each["key"], each["value"]) for each in seen.json()] == [
            ("provisionState", "provisioned")
        ]
        assert (await admin.delete(f"{path}/SERVER_SCOPE", params=keys)).status_code == 200
        seen = await admin.get(f"{path}/values/attributes/SERVER_SCOPE", params=keys)
        assert seen.json() == []
        # What is not there is deleted without a word.
        assert (await admin.delete(f"{path}/SERVER_SCOPE", params=keys)).status_code == 200
        short = f"{TELEMETRY}/{device.id}/SERVER_SCOPE"
        assert (await admin.delete(short, params=[("key", "x")])).status_code == 200

    async def test_attributes_are_set_and_read_in_all_scopes(self, admin, server):
        device = server.prepare("a")
        path = f"{TELEMETRY}/DEVICE/{device.id}"
        assert (await admin.post(f"{path}/SHARED_SCOPE", json={"s": 1})).status_code == 200
        assert (
            await admin.post(f"{path}/attributes/SERVER_SCOPE", json={"t": 2})
        ).status_code == 200
        found = (await admin.get(f"{path}/values/attributes")).json()
        assert {each["key"]: each["value"] for each in found} == {"s": 1, "t": 2}

    @pytest.mark.parametrize(
        ("scope", "body"),
        [
            ("CLIENT_SCOPE", b'{"a":1}'),
            ("SHARED_SCOPE", b"x"),
            ("SHARED_SCOPE", b"[1]"),
            ("SHARED_SCOPE", b"{}"),
        ],
    )
    async def test_wrong_attributes_are_400_with_a_text(self, admin, server, scope, body):
        device = server.prepare("a")
        answer = await admin.post(f"{TELEMETRY}/DEVICE/{device.id}/{scope}", content=body)
        assert answer.status_code == 400
        assert not answer.text.startswith("{")

    async def test_deleting_nothing_and_a_scope_that_is_none(self, admin, server):
        device = server.prepare("a")
        path = f"{TELEMETRY}/DEVICE/{device.id}"
        answer = await admin.delete(f"{path}/SERVER_SCOPE")
        assert (answer.status_code, answer.text) == (400, "Empty keys: []")
        assert error(await admin.delete(f"{path}/OTHER", params={"keys": "a"})) == (400, 31)

    async def test_the_latest_telemetry_is_read(self, admin, server):
        device = server.prepare("a")
        device.telemetry.extend([(2.0, {"t": 1, "on": True}), (1.0, {"t": 0})])
        path = f"{TELEMETRY}/DEVICE/{device.id}/values/timeseries"
        found = (await admin.get(path, params={"keys": "t,on"})).json()
        assert found == {
            "t": [{"ts": 2000, "value": "1"}],
            "on": [{"ts": 2000, "value": "true"}],
        }
        strict = await admin.get(path, params={"useStrictDataTypes": "true"})
        assert strict.json()["t"] == [{"ts": 2000, "value": 1}]


class TestCalls:
    async def test_nobody_there_and_no_answer(self, admin, server):
        device = server.prepare("a")
        path = f"/api/rpc/twoway/{device.id}"
        said = {"method": "m", "params": {}, "timeout": 10}
        assert (await admin.post(path, json=said)).status_code == 409
        assert error(await admin.post(path, json={})) == (400, 31)
        server.state.connect(device, Silent())
        assert (await admin.post(path, json=said)).status_code == 408
        assert (await admin.post(f"/api/rpc/oneway/{device.id}", json=said)).status_code == 200

    async def test_an_answer(self, admin, server):
        device = server.prepare("a")
        server.state.connect(device, Echo(server))
        said = {"method": "m", "params": {"n": 1}}
        answer = await admin.post(f"/api/plugins/rpc/twoway/{device.id}", json=said)
        assert (answer.status_code, answer.json()) == (200, {"m": {"n": 1}})
        assert await server.call("a", "m", 2) == {"m": 2}


class Silent:
    """A session that says nothing."""

    def attributes_changed(self, device, changed): ...
    def attributes_deleted(self, device, names): ...
    def end(self, device, reason): ...

    def call(self, device, request, method, params):
        return True


class Echo(Silent):
    """A session that says what it was asked."""

    def __init__(self, server: SimulatedThingsBoard) -> None:
        self._server = server

    def call(self, device, request, method, params):
        loop = asyncio.get_running_loop()
        loop.call_soon(self._server.state.answered, request, {method: params})
        return True


async def test_faults_meet_administrators_too(server, admin):
    server.faults.add(Fault("status", "admin", status=429, retry_after="1"))
    assert error(await admin.get("/api/tenant/devices")) == (429, 33)
    server.faults.add(Fault("status", "login", status=500))
    assert error(await admin.post("/api/auth/login", json={})) == (500, 2)
