"""The cloud as jobs know it: account, enrolment, lost answers, what an administrator adds."""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import Response

from agent.clouds.enrolment import EnrolRequest, ProfileLook
from agent.clouds.thingsboard.cloud import ThingsBoard
from agent.errors import (
    AdminMissing,
    AdminRefused,
    DeviceAbsent,
    EnrolLimit,
    EnrolNameTaken,
    EnrolNotPrepared,
    EnrolNotUnderstood,
    EnrolRefused,
    EnrolUnusable,
    EnrolUsedUp,
    InputError,
    MooringError,
    NotSignedIn,
    ProfileKeyUnknown,
    Unreachable,
)
from agent.settings import Secret
from agent.settings.credentials import AccessToken, Certificate, MqttBasic
from tests.clouds.thingsboard.small_server import (
    ADMIN,
    KEY,
    PASSWORD,
    PREPARED,
    SECRET,
    Devices,
    HttpSide,
    over_coap,
    over_mqtt,
)
from tests.internet import Authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.clouds.accounts import AccountStore
    from agent.clouds.enrolment import EnrolCloud
    from agent.clouds.route import Routes
    from tests.clouds.manual_clock import ManualClock

ADMIN_FIELDS = {"admin_user": ADMIN, "admin_password": PASSWORD}


@pytest.fixture
def given(http_side: HttpSide) -> dict[str, str]:
    """The account: boards connect over HTTP here, so that one server is enough."""
    return {
        "server": http_side.url,
        "board_server": http_side.url,
        "provision_key": KEY,
        "provision_secret": SECRET,
    }


@pytest.fixture
async def cloud(
    store: AccountStore, routes: Routes, clock: ManualClock
) -> AsyncIterator[ThingsBoard]:
    cloud = ThingsBoard(accounts=store, routes=routes, clock=clock)
    yield cloud
    await cloud.close()


@pytest.fixture
async def signed_in(cloud: ThingsBoard, given: dict[str, str], devices: Devices) -> ThingsBoard:
    await cloud.login(given)
    devices.requests.clear()
    return cloud


@pytest.fixture
async def with_admin(cloud: ThingsBoard, given: dict[str, str], devices: Devices) -> ThingsBoard:
    await cloud.login({**given, **ADMIN_FIELDS})
    devices.requests.clear()
    return cloud


def wish(cloud: ThingsBoard, name: str = "bench-7") -> EnrolRequest:
    own = cloud.make_credentials("access_token", name)
    return EnrolRequest(name=name, own=own, made_here=True)


def test_it_is_a_cloud_that_enrols(cloud: ThingsBoard) -> None:
    as_interface: EnrolCloud = cloud
    assert as_interface.id == "thingsboard"


# --- the account --------------------------------------------------------------------------------


async def test_signing_in_asks_the_server_and_makes_nothing(
    cloud: ThingsBoard, given: dict[str, str], devices: Devices, store: AccountStore
) -> None:
    await cloud.login(given)
    assert devices.devices == {}
    assert [len(request["deviceName"]) for request in devices.requests] == [300]
    info = await cloud.info()
    assert info.signed_in
    assert info.account == {"server": given["server"], "board_server": given["board_server"]}
    fields = await store.get("thingsboard")
    assert fields is not None
    assert fields["provision_secret"] == Secret(SECRET)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"provision_secret": "MARKER"}, ProfileKeyUnknown),
        ({"provision_key": "MARKER"}, ProfileKeyUnknown),
        ({"admin_user": ADMIN, "admin_password": "MARKER"}, AdminRefused),
        ({"server": "https://user@tb.example"}, InputError),
    ],
)
async def test_of_a_refused_account_nothing_is_kept(
    cloud: ThingsBoard,
    given: dict[str, str],
    store: AccountStore,
    change: dict[str, str],
    error: type[MooringError],
) -> None:
    with pytest.raises(error) as caught:
        await cloud.login({**given, **change})
    assert "MARKER" not in repr(caught.value.report())
    assert await store.get("thingsboard") is None
    assert not (await cloud.info()).signed_in


async def test_a_server_that_is_not_there_keeps_the_earlier_account(
    signed_in: ThingsBoard, given: dict[str, str], unused_port: int
) -> None:
    with pytest.raises(Unreachable):
        await signed_in.login({**given, "server": f"http://127.0.0.1:{unused_port}"})
    assert (await signed_in.info()).account["server"] == given["server"]
    await signed_in.enrol(wish(signed_in))


async def test_the_account_is_there_after_a_restart_with_its_authority(
    cloud: ThingsBoard,
    given: dict[str, str],
    store: AccountStore,
    routes: Routes,
    clock: ManualClock,
    tmp_path: Path,
) -> None:
    ca = Authority(tmp_path, "Ours").pem.read_text()
    await cloud.login({**given, **ADMIN_FIELDS, "board_server": "mqtts://lab.example", "ca": ca})
    again = ThingsBoard(accounts=store, routes=routes, clock=clock)
    settings = await again.enrol(wish(again))
    assert (settings.host, settings.port, settings.scheme) == ("lab.example", 8883, "mqtts")
    assert settings.ca == ca
    await again.logout()
    await again.close()
    assert await store.get("thingsboard") is None
    assert await store.get("thingsboard-ca") is None
    with pytest.raises(NotSignedIn):
        await again.enrol(wish(again))


async def test_an_account_that_cannot_be_used_any_more_is_no_account(
    cloud: ThingsBoard, store: AccountStore, caplog: pytest.LogCaptureFixture
) -> None:
    await store.set("thingsboard", {"server": Secret("MARKER")})
    with caplog.at_level(logging.WARNING):
        assert not (await cloud.info()).signed_in
    assert "provision_key: is missing" in caplog.text
    assert "MARKER" not in caplog.text


# --- enrolment ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["access_token", "mqtt_basic", "certificate"])
async def test_a_board_gets_what_was_made_for_it(
    cloud: ThingsBoard, given: dict[str, str], devices: Devices, kind: Any
) -> None:
    await cloud.login({**given, "board_server": "mqtts://lab.example"})
    own = cloud.make_credentials(kind, "bench-7")
    settings = await cloud.enrol(EnrolRequest(name="bench-7", own=own, made_here=True))
    assert settings.credentials == own
    assert (settings.cloud, settings.name) == ("thingsboard", "bench-7")
    settings.check()
    assert "PRIVATE" not in json.dumps(devices.requests)


async def test_what_is_kept_before_is_what_the_board_gets(signed_in: ThingsBoard) -> None:
    asked = wish(signed_in)
    assert asked.own is not None
    kept = await signed_in.draft(asked.name, asked.own)
    assert kept == await signed_in.enrol(asked)
    with pytest.raises(InputError):
        await signed_in.draft("n", MqttBasic(username="u"))


async def test_a_server_made_token_is_taken_from_the_reply(
    signed_in: ThingsBoard, devices: Devices
) -> None:
    settings = await signed_in.enrol(EnrolRequest(name="bench-7", gateway=True))
    assert settings.credentials == AccessToken(token=Secret(devices.devices["bench-7"]["value"]))
    assert devices.requests[0]["gateway"] is True
    assert await signed_in.prove(settings) is True


def test_what_is_made_is_new_each_time_and_fits_a_board(cloud: ThingsBoard) -> None:
    tokens = {cloud.make_credentials("access_token", "n") for _ in range(50)}
    assert len(tokens) == 50
    for kind in ("access_token", "mqtt_basic", "certificate"):
        cloud.make_credentials(kind, "n").check()
    with pytest.raises(InputError):
        cloud.make_credentials("certificate", "n" * 65)
    assert cloud.make_name("ESP32", "A0B1") == "esp32-a0b1"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (EnrolRequest(name=" "), "name"),
        (EnrolRequest(name="n" * 300), "name"),
        (EnrolRequest(name="n", own=AccessToken(token=Secret(""))), "token"),
        (EnrolRequest(name="n", own=MqttBasic(username="u")), "scheme"),
        (
            EnrolRequest(name="n", own=Certificate(certificate="x", key=Secret("MARKER"))),
            "certificate",
        ),
    ],
)
async def test_what_would_be_refused_is_not_sent(
    signed_in: ThingsBoard, devices: Devices, request_: EnrolRequest, field: str
) -> None:
    with pytest.raises(InputError) as caught:
        await signed_in.enrol(request_)
    assert caught.value.facts["field"] == field
    assert devices.requests == []


async def test_a_prepared_device_counts_as_it_is_stored(
    signed_in: ThingsBoard, devices: Devices
) -> None:
    devices.strategy = PREPARED
    stored = devices.prepare("bench-7")
    settings = await signed_in.enrol(wish(signed_in))
    assert settings.credentials == AccessToken(token=Secret(stored["value"]))


@pytest.mark.parametrize(
    "stored",
    [
        {"type": "X509_CERTIFICATE", "value": "MIIB"},
        {"type": "LWM2M_CREDENTIALS", "value": None},
        {"type": "MQTT_BASIC", "value": {"clientId": None, "userName": "u", "password": "p"}},
    ],
    ids=["somebody's certificate", "lwm2m", "basic for a board that speaks HTTP"],
)
async def test_stored_credentials_that_this_board_cannot_use_are_told(
    signed_in: ThingsBoard, devices: Devices, stored: dict[str, Any]
) -> None:
    devices.strategy = PREPARED
    devices.prepare("bench-7", **stored)
    with pytest.raises(EnrolUnusable) as caught:
        await signed_in.enrol(wish(signed_in))
    assert caught.value.facts["maybe_done"] is True


# --- answers that are lost ----------------------------------------------------------------------


async def test_a_lost_answer_loses_nothing_that_was_made_here(
    signed_in: ThingsBoard, devices: Devices
) -> None:
    devices.instead = ["lose"]
    asked = wish(signed_in)
    settings = await signed_in.enrol(asked)
    assert settings.credentials == asked.own
    assert len(devices.requests) == 1
    assert await signed_in.prove(settings) is True


async def test_a_request_that_got_lost_itself_is_asked_once_more(
    signed_in: ThingsBoard, devices: Devices
) -> None:
    devices.instead = [Response(status_code=503)]  # and made nothing
    asked = wish(signed_in)
    assert (await signed_in.enrol(asked)).credentials == asked.own
    assert len(devices.requests) == 2


async def test_the_same_request_after_a_kill_finds_its_device(
    signed_in: ThingsBoard, store: AccountStore, routes: Routes, clock: ManualClock
) -> None:
    asked = wish(signed_in)
    await signed_in.enrol(asked)
    again = ThingsBoard(accounts=store, routes=routes, clock=clock)
    assert (await again.enrol(asked)).credentials == asked.own
    await again.close()


async def test_somebody_elses_device_of_this_name_is_not_taken_for_ours(
    signed_in: ThingsBoard, devices: Devices
) -> None:
    devices.prepare("bench-7")
    with pytest.raises(EnrolRefused):
        await signed_in.enrol(wish(signed_in))


async def test_a_token_that_a_person_gave_is_no_proof_of_whose_device_it_is(
    signed_in: ThingsBoard, devices: Devices
) -> None:
    devices.prepare("other", value="my-own-token")
    devices.prepare("bench-7")
    own = AccessToken(token=Secret("my-own-token"))
    with pytest.raises(EnrolRefused):
        await signed_in.enrol(EnrolRequest(name="bench-7", own=own))


async def test_a_lost_answer_without_own_credentials_says_that_the_device_may_exist(
    signed_in: ThingsBoard, devices: Devices
) -> None:
    devices.instead = ["lose"]
    with pytest.raises(EnrolNotUnderstood) as caught:
        await signed_in.enrol(EnrolRequest(name="bench-7"))
    assert caught.value.facts["maybe_done"] is True
    assert "may exist" in caught.value.report().meaning


async def test_a_lost_answer_about_a_prepared_device_is_the_administrators_to_mend(
    with_admin: ThingsBoard, devices: Devices
) -> None:
    devices.strategy = PREPARED
    stored = devices.prepare("bench-7")
    devices.instead = ["lose"]
    asked = wish(with_admin)
    with pytest.raises(EnrolUsedUp):
        await with_admin.enrol(asked)
    await with_admin.free("bench-7")
    settings = await with_admin.enrol(asked)
    assert settings.credentials == AccessToken(token=Secret(stored["value"]))


async def test_a_server_with_too_much_to_do_is_waited_for(
    signed_in: ThingsBoard, devices: Devices, clock: ManualClock
) -> None:
    devices.instead = [Response(status_code=429), Response(status_code=429)]
    said: list[str] = []
    await signed_in.enrol(wish(signed_in), say=said.append)
    assert len(said) == 2
    assert sum(clock.slept) >= 3


# --- refusals, explained ------------------------------------------------------------------------


async def test_without_an_administrator_all_reasons_are_named(
    signed_in: ThingsBoard, devices: Devices
) -> None:
    devices.prepare("bench-7")
    with pytest.raises(EnrolRefused) as caught:
        await signed_in.enrol(EnrolRequest(name="bench-7"))
    assert "does not say why" in caught.value.report().meaning


@pytest.mark.parametrize(
    ("strategy", "there", "full", "error"),
    [
        ("create", {"profile": 2}, False, EnrolNameTaken),
        ("create", {"profile": 1}, False, EnrolNameTaken),
        ("create", None, True, EnrolLimit),
        ("prepared", None, False, EnrolNotPrepared),
        ("prepared", {"profile": 2}, False, EnrolNotPrepared),
        ("prepared", {"state": "provisioned"}, False, EnrolUsedUp),
        ("prepared", {"state": "odd"}, False, EnrolUsedUp),
    ],
)
async def test_an_administrator_sees_which_reason_it_was(
    with_admin: ThingsBoard,
    devices: Devices,
    strategy: str,
    there: dict[str, Any] | None,
    full: bool,
    error: type[MooringError],
) -> None:
    devices.strategy = PREPARED if strategy == "prepared" else devices.strategy
    devices.full = full
    if there is not None:
        devices.prepare("bench-7", **there)
    with pytest.raises(error) as caught:
        await with_admin.enrol(wish(with_admin))
    assert caught.value.facts["maybe_done"] is False
    assert "?" not in caught.value.report().meaning


async def test_an_administrator_who_cannot_look_changes_nothing_about_the_refusal(
    with_admin: ThingsBoard, devices: Devices, http_side: HttpSide
) -> None:
    devices.prepare("bench-7")
    http_side.refuse["/api/tenant"] = Response("{}", 403)
    with pytest.raises(EnrolRefused):
        await with_admin.enrol(wish(with_admin))


# --- what only an administrator can do ----------------------------------------------------------


async def test_without_an_administrator_each_of_these_says_so(signed_in: ThingsBoard) -> None:
    new = AccessToken(token=Secret("x"))
    for call in (
        signed_in.look("n"),
        signed_in.link("n"),
        signed_in.profile(),
        signed_in.free("n"),
        signed_in.stored("n"),
        signed_in.replace("n", new),
        signed_in.delete("n"),
    ):
        with pytest.raises(AdminMissing):
            await call
    assert await signed_in.seen("n", 0) is None


async def test_an_administrator_sees_a_device_and_whether_it_was_heard(
    with_admin: ThingsBoard, devices: Devices, given: dict[str, str]
) -> None:
    assert await with_admin.look("bench-7") is None
    assert await with_admin.seen("bench-7", 0) is False
    made = devices.prepare("bench-7", state="provisioned", seen=1_700_000_000)
    look = await with_admin.look("bench-7")
    assert look is not None
    assert (look.strategy, look.ours, look.used_up, look.kind) == (
        "create",
        True,
        True,
        "access_token",
    )
    assert look.seen_at == 1_700_000_000.0
    assert look.link == f"{given['server']}/entities/devices/{made['id']}"
    assert await with_admin.seen("bench-7", 1_600_000_000) is True
    assert await with_admin.seen("bench-7", look.seen_at) is False


async def test_thirty_jobs_that_end_together_need_no_turns_for_the_links_to_their_devices(
    with_admin: ThingsBoard,
    devices: Devices,
    http_side: HttpSide,
    clock: ManualClock,
    given: dict[str, str],
) -> None:
    made = devices.prepare("bench-7")
    # The address takes one request: whoever asks for more than the device gets an error.
    nothing_else = {
        "/api/device": Response(status_code=403),
        "/api/plugins": Response(status_code=403),
    }
    http_side.refuse |= nothing_else
    before = clock.now
    links = await asyncio.gather(*(with_admin.link("bench-7") for _ in range(30)))
    assert set(links) == {f"{given['server']}/entities/devices/{made['id']}"}
    assert clock.now - before < 1
    assert await with_admin.link("other") == ""


async def test_an_administrator_sees_how_devices_are_made(with_admin: ThingsBoard) -> None:
    assert await with_admin.profile() == ProfileLook(name="profile 1", strategy="create")


async def test_an_administrator_gives_a_board_its_device_back(
    with_admin: ThingsBoard, devices: Devices
) -> None:
    made = devices.prepare("bench-7", state="provisioned")
    settings = await with_admin.stored("bench-7")
    assert settings.credentials == AccessToken(token=Secret(made["value"]))
    new = with_admin.make_credentials("access_token", "bench-7")
    replaced = await with_admin.replace("bench-7", new)
    assert replaced.credentials == new
    assert await with_admin.prove(replaced) is True
    assert await with_admin.prove(settings) is False
    await with_admin.delete("bench-7")
    await with_admin.delete("bench-7")
    assert devices.devices == {}
    with pytest.raises(DeviceAbsent):
        await with_admin.replace("bench-7", new)


async def test_a_stored_certificate_needs_its_key(
    cloud: ThingsBoard, given: dict[str, str]
) -> None:
    await cloud.login({**given, **ADMIN_FIELDS, "board_server": "mqtts://lab.example"})
    own = cloud.make_credentials("certificate", "bench-7")
    await cloud.enrol(EnrolRequest(name="bench-7", own=own, made_here=True))
    assert (await cloud.stored("bench-7", own)).credentials == own
    other = cloud.make_credentials("certificate", "bench-7")
    for wrong in (None, other):
        with pytest.raises(EnrolUnusable):
            await cloud.stored("bench-7", wrong)
    await cloud.replace("bench-7", other)
    assert (await cloud.stored("bench-7", other)).credentials == other


async def test_an_expired_certificate_is_not_put_in_the_place_of_a_good_one(
    with_admin: ThingsBoard, devices: Devices
) -> None:
    from agent.clouds.thingsboard.certificates import make_certificate

    old = make_certificate("bench-7", datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    devices.prepare("bench-7")
    with pytest.raises(InputError):
        await with_admin.replace("bench-7", old)


# --- the other transports -----------------------------------------------------------------------


async def test_the_whole_of_it_over_coap(cloud: ThingsBoard, devices: Devices) -> None:
    async with over_coap(devices) as url:
        keys = {"provision_key": KEY, "provision_secret": SECRET}
        await cloud.login({"server": url, **keys})
        settings = await cloud.enrol(wish(cloud))
        assert settings.scheme == "coap"
        assert await cloud.prove(settings) is True


@pytest.mark.needs("mosquitto")
async def test_the_whole_of_it_over_mqtt(
    cloud: ThingsBoard, devices: Devices, tmp_path: Path
) -> None:
    async with over_mqtt(devices, tmp_path) as url:
        keys = {"provision_key": KEY, "provision_secret": SECRET}
        await cloud.login({"server": url, **keys})
        for kind in ("access_token", "mqtt_basic"):
            own = cloud.make_credentials(kind, kind)
            settings = await cloud.enrol(EnrolRequest(name=kind, own=own, made_here=True))
            assert settings.credentials == own
            assert await cloud.prove(settings) is True
    assert set(devices.devices) == {"access_token", "mqtt_basic"}
