"""The administrator's sign-in and calls, against a small server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import JSONResponse, Response

from agent.clouds.http import CloudHttp
from agent.clouds.thingsboard.admin import Administrator
from agent.errors import (
    AdminConflict,
    AdminForbidden,
    AdminRefused,
    CloudAnswer,
    DeviceAbsent,
    MooringError,
    QuotaReached,
)
from agent.protocols.thingsboard.admin import Device, Strategy
from agent.settings import Secret
from agent.settings.credentials import AccessToken, Certificate, MqttBasic
from tests.clouds.thingsboard.small_server import (
    ADMIN,
    KEY,
    PASSWORD,
    PREPARED,
    Devices,
    HttpSide,
    uuid,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.clouds.route import Routes
    from tests.clouds.manual_clock import ManualClock

NEW = AccessToken(token=Secret("MARKER-new"))


@pytest.fixture
async def http(http_side: HttpSide, clock: ManualClock, routes: Routes) -> AsyncIterator[CloudHttp]:
    http = CloudHttp(title="TB", base_url=http_side.url, clock=clock, routes=routes)
    yield http
    await http.close()


@pytest.fixture
def admin(http: CloudHttp) -> Administrator:
    return Administrator(http, ADMIN, Secret(PASSWORD))


async def found(admin: Administrator, name: str) -> Device:
    device = await admin.find(name)
    assert device is not None
    return device


async def test_a_device_is_found_by_its_name_and_a_free_name_is_none(
    admin: Administrator, devices: Devices
) -> None:
    made = devices.prepare("küche 7")
    assert await admin.find("küche 7") == Device(made["id"], "küche 7", uuid(1))
    assert await admin.find("other") is None


async def test_it_signs_in_once_and_renews_what_has_expired(
    admin: Administrator, http_side: HttpSide
) -> None:
    await admin.find("a")
    await admin.find("b")
    assert (http_side.logins, http_side.renewals) == (1, 0)
    http_side.tokens.clear()
    await admin.find("c")
    assert (http_side.logins, http_side.renewals) == (1, 1)


async def test_requests_that_find_it_expired_together_renew_it_once(
    admin: Administrator, http_side: HttpSide
) -> None:
    await admin.sign_in()
    http_side.tokens.clear()
    await asyncio.gather(*(admin.find("a") for _ in range(10)))
    assert (http_side.logins, http_side.renewals) == (1, 1)


async def test_it_signs_in_anew_where_the_renewal_is_refused(
    admin: Administrator, http_side: HttpSide
) -> None:
    await admin.sign_in()
    http_side.tokens.clear()
    http_side.refuse["/api/auth/token"] = JSONResponse({"status": 401, "message": "gone"}, 401)
    await admin.find("a")
    assert http_side.logins == 2


async def test_a_wrong_password_is_told_in_the_servers_words(
    http: CloudHttp, http_side: HttpSide
) -> None:
    admin = Administrator(http, ADMIN, Secret("MARKER-wrong"))
    for call in (admin.sign_in(), admin.find("a")):
        with pytest.raises(AdminRefused) as caught:
            await call
        assert "Invalid username or password" in caught.value.report().meaning
        assert "MARKER" not in repr(caught.value.report())
    assert http_side.logins == 2


async def test_credentials_are_read_and_replaced_with_every_kind(
    admin: Administrator, devices: Devices
) -> None:
    made = devices.prepare("n")
    device = await found(admin, "n")
    stored = await admin.credentials(device)
    assert stored.credentials == AccessToken(token=Secret(made["value"]))
    await admin.replace(device, NEW)
    assert (made["type"], made["value"]) == ("ACCESS_TOKEN", "MARKER-new")
    await admin.replace(device, MqttBasic(client_id="c", username="u", password=Secret("p")))
    assert made["value"] == '{"clientId":"c","userName":"u","password":"p"}'
    pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    await admin.replace(device, Certificate(certificate=pem, key=Secret("MARKER")))
    assert (made["type"], made["value"]) == ("X509_CERTIFICATE", pem)
    assert made["version"] == 4


async def test_a_change_by_somebody_else_is_not_written_over(
    admin: Administrator, devices: Devices, http_side: HttpSide
) -> None:
    devices.prepare("n")
    device = await found(admin, "n")
    conflict = JSONResponse({"status": 409, "message": "changed", "errorCode": 35}, 409)
    http_side.refuse["/api/device/credentials"] = conflict
    with pytest.raises(AdminConflict):
        await admin.replace(device, NEW)


async def test_what_is_refused_for_somebody_elses_change_is_not_taken_for_done(
    admin: Administrator, devices: Devices, http_side: HttpSide
) -> None:
    devices.prepare("n", state="provisioned")
    device = await found(admin, "n")
    http_side.refuse = dict.fromkeys(
        ("/api/device/", "/api/plugins/"), JSONResponse({"status": 409, "errorCode": 35}, 409)
    )
    for call in (admin.delete(device), admin.clear_mark(device)):
        with pytest.raises(AdminConflict):
            await call


async def test_the_mark_is_seen_and_cleared(admin: Administrator, devices: Devices) -> None:
    made = devices.prepare("n", state="provisioned", seen=1_700_000_000)
    device = await found(admin, "n")
    there = await admin.attributes(device, "provisionState", "lastConnectTime", "x")
    assert there == {"provisionState": "provisioned", "lastConnectTime": 1_700_000_000_000}
    await admin.clear_mark(device)
    assert made["state"] is None
    assert await admin.attributes(device, "provisionState") == {}


async def test_a_device_is_deleted_and_one_that_is_gone_is_no_error(
    admin: Administrator, devices: Devices
) -> None:
    devices.prepare("n")
    device = await found(admin, "n")
    for _ in range(2):
        await admin.delete(device)
    assert devices.devices == {}
    for call in (
        admin.credentials(device),
        admin.clear_mark(device),
        admin.attributes(device, "x"),
        admin.replace(device, NEW),
    ):
        with pytest.raises(DeviceAbsent):
            await call


async def test_the_profile_of_a_key_is_found_with_its_strategy(
    admin: Administrator, devices: Devices
) -> None:
    devices.strategy = PREPARED
    profile = await admin.profile_of(Secret(KEY))
    assert profile is not None
    assert profile.strategy == Strategy.PREPARED
    assert await admin.profile(profile.id) == profile
    assert await admin.profile_of(Secret("unknown")) is None


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, 10, AdminRefused),
        (401, 15, AdminRefused),
        (403, 20, AdminForbidden),
        (403, 40, QuotaReached),
        (403, 41, QuotaReached),
        (400, 2, CloudAnswer),
        (400, 30, CloudAnswer),
        (400, 31, CloudAnswer),
        (429, 33, QuotaReached),
        (429, 34, QuotaReached),
    ],
)
async def test_each_error_of_the_interface_has_its_class(
    admin: Administrator,
    http_side: HttpSide,
    status: int,
    code: int,
    error: type[MooringError],
) -> None:
    body = {"status": status, "message": "the reason", "errorCode": code, "timestamp": 1}
    http_side.refuse["/api/tenant/devices"] = JSONResponse(body, status)
    with pytest.raises(error) as caught:
        await admin.find("n")
    if status != 429:
        assert "the reason" in caught.value.report().meaning


@pytest.mark.parametrize("body", [b"", b"[]", b"<x>", b'{"id":{"id":"../.."},"name":"n"}'])
async def test_a_body_that_is_not_as_documented_is_told(
    admin: Administrator, http_side: HttpSide, body: bytes
) -> None:
    http_side.refuse["/api/tenant/devices"] = Response(body)
    with pytest.raises(MooringError) as caught:
        await admin.find("n")
    assert caught.value.code in {"cloud-answer", "captive-portal"}


async def test_secrets_never_reach_an_error(
    admin: Administrator, http_side: HttpSide, devices: Devices
) -> None:
    devices.prepare("n")
    device = await found(admin, "n")
    said: dict[str, Any] = {"status": 400, "message": PASSWORD + " MARKER-new", "errorCode": 31}
    http_side.refuse["/api/device/credentials"] = JSONResponse(said, 400)
    with pytest.raises(CloudAnswer) as caught:
        await admin.replace(device, NEW)
    assert "MARKER-new" not in repr(caught.value.report())
