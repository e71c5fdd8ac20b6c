"""Bodies and answers of the platform interface."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.blynk import platform as wire
from agent.protocols.blynk.replies import NotAsDocumented
from agent.settings import Secret

TOKEN = "gSNIYf9l7vdaLEMWK0jR-HT9RKe5_DSO"
DEVICE = {
    "id": 165,
    "templateId": 353,
    "orgId": 577,
    "name": "My awesome device",
    "token": TOKEN,
    "activatedAt": 1702480139859,
    "ownerUserId": 879,
    "hardwareInfo": {"version": "1.0.0", "templateId": "TMPL0NqfCLjWX"},
}


def say(value: object) -> bytes:
    return json.dumps(value).encode()


def test_the_bodies_are_those_of_the_documents():
    assert wire.provision_body(101, 7) == {"orgId": 101, "ownerId": 7}
    assert wire.device_body(55) == {"deviceId": 55}
    assert wire.create_body("TMPLdemo00000", "Bench 7", 101, 7) == {
        "templateId": "TMPLdemo00000",
        "orgId": 101,
        "name": "Bench 7",
        "ownerId": 7,
    }
    assert wire.claim_body(Secret("sqr_x+1"), 7) == {"token": "sqr_x+1", "userId": 7}
    assert wire.unclaim_body(Secret("sqr_x")) == {"token": "sqr_x"}
    assert wire.device_query(55) == {"deviceId": "55"}
    assert wire.page_query(2, 101) == {"page": "2", "size": "100", "orgId": "101"}


def test_a_token_comes_with_its_device():
    found = wire.parse_provisioned(say({"token": TOKEN, "deviceId": 55}))
    assert (found.token.reveal(), found.device_id) == (TOKEN, 55)
    assert TOKEN not in repr(found)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"token": TOKEN}, {"token": TOKEN[:-1], "deviceId": 5}, {"token": TOKEN, "deviceId": "5"}],
)
def test_a_token_that_no_board_takes_is_not_as_documented(wrong):
    with pytest.raises(NotAsDocumented):
        wire.parse_provisioned(say(wrong))


def test_a_device_is_read_with_the_template_that_its_firmware_names():
    device = wire.parse_device(say(DEVICE))
    assert (device.id, device.org_id, device.owner_id) == (165, 577, 879)
    assert (device.template_id, device.firmware) == ("TMPL0NqfCLjWX", "1.0.0")
    assert device.activated
    assert device.token == Secret(TOKEN)
    assert TOKEN not in repr(device)
    bare = wire.parse_device(b'{"id":1,"hardwareInfo":null,"name":7,"token":"short"}')
    assert bare == wire.Device(id=1, name="")


def test_pages_say_how_many_there_are():
    devices, total = wire.parse_devices(say({"content": [DEVICE, "x"], "totalElements": 9}))
    assert ([device.id for device in devices], total) == ([165], 9)
    wrongs: list[object] = [{}, {"content": []}, {"content": {}, "totalElements": 1}]
    for wrong in wrongs:
        with pytest.raises(NotAsDocumented):
            wire.parse_devices(say(wrong))


def test_prepared_devices_are_read():
    entry = {
        "token": "sqr_" + TOKEN,
        "orgId": 749,
        "deviceToken": TOKEN,
        "status": "UNCLAIMED",
        "deviceId": 0,
    }
    both = [entry, entry | {"status": "CLAIMED", "deviceId": 9}]
    (free, taken), total = wire.parse_static_tokens(say({"content": both, "totalElements": 2}))
    assert (free.claimed, free.device_id, taken.claimed, taken.device_id) == (False, 0, True, 9)
    assert total == 2
    with pytest.raises(NotAsDocumented):
        wire.parse_static_tokens(say({"content": [{"token": "x"}], "totalElements": 1}))


@pytest.mark.parametrize(
    ("body", "offline"),
    [(b'{"deviceIsOffline":true}', True), (b'{"deviceIsOffline":false}', False), (b"", None)],
)
def test_reconfiguring_says_whether_the_board_heard_it(body, offline):
    assert wire.parse_was_offline(body) is offline


def test_online_is_a_yes_or_a_no():
    assert wire.parse_online(b'{"connected":true}') is True
    assert wire.parse_online(b'{"connected":false}') is False
    with pytest.raises(NotAsDocumented):
        wire.parse_online(b'{"connected":"yes"}')


def test_the_organisation_has_an_id():
    assert wire.parse_organization(b'{"id":658,"name":"Acme"}') == wire.Organization(658, "Acme")
    with pytest.raises(NotAsDocumented):
        wire.parse_organization(b"{}")


def test_what_makes_something_is_never_repeated_by_itself():
    calls = [value for value in vars(wire).values() if isinstance(value, wire.Call)]
    assert len(calls) == 14
    assert all(call.repeatable == (call.method != "POST") for call in calls)


@given(st.binary(max_size=100))
def test_no_body_breaks_a_reader(body):
    for parse in (
        wire.parse_provisioned,
        wire.parse_device,
        wire.parse_devices,
        wire.parse_static_tokens,
        wire.parse_was_offline,
        wire.parse_online,
        wire.parse_organization,
    ):
        with contextlib.suppress(NotAsDocumented):
            parse(body)
