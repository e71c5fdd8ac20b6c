"""What a gateway says for its sub-devices, and what it is told of them."""

from __future__ import annotations

import pytest

from agent.protocols.mqtt import V5, V311, Acknowledge
from agent.simulator.thingsboard_credentials import token_credentials
from agent.simulator.thingsboard_limits import Rates, SessionLimits
from tests.simulator.thingsboard_talk import Desk, make_state, messages

DONE = [Acknowledge(packet_id=7)]


def gateway(version: int = V311, token: str = "gw", state=None, **options) -> Desk:
    state = state or make_state(**{k: v for k, v in options.items() if k == "max_devices"})
    name = f"gateway {token}"
    if name not in state.devices:
        credentials = token_credentials(token)
        state.add_device(name, state.profile_named("create"), credentials, gateway=True)
    desk = Desk(state, version=version, limits=options.get("limits"))
    assert desk.connect(token) == 0
    return desk


def test_a_sub_device_comes_by_its_name_and_has_a_profile_of_its_type():
    desk = gateway()
    said = {"device": "probe-1", "type": "thermometer"}
    assert desk.publish("v1/gateway/connect", said) == DONE
    assert desk.publish("v1/gateway/connect", {"device": "probe-2"}) == DONE
    devices = desk.around.state.devices
    assert devices["probe-1"].profile.name == "thermometer"
    assert devices["probe-2"].profile.name == "default"
    assert devices["probe-1"].parent == "gateway gw"


def test_a_device_that_is_there_is_taken_by_its_name():
    desk = gateway()
    device = desk.around.state.add_device("probe-1", desk.around.state.profile_named("other"))
    desk.publish("v1/gateway/connect", {"device": "probe-1", "type": "thermometer"})
    assert desk.around.state.devices["probe-1"] is device
    assert device.profile.name == "other"


def test_telemetry_and_attributes_make_the_device_if_need_be():
    desk = gateway()
    values = {"probe-1": [{"ts": 1764000000000, "values": {"t": 21.5}}], "probe-2": [{"t": 1}]}
    assert desk.publish("v1/gateway/telemetry", values) == DONE
    assert desk.publish("v1/gateway/attributes", {"probe-1": {"serial": "A7"}}) == DONE
    devices = desk.around.state.devices
    assert list(devices["probe-1"].telemetry) == [(1764000000.0, {"t": 21.5})]
    assert devices["probe-1"].attributes["CLIENT_SCOPE"] == {"serial": "A7"}
    assert len(devices["probe-2"].telemetry) == 1


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"key": "a"}, {"value": 1}),
        ({"keys": ["a", "b"]}, {"values": {"a": 1, "b": 2}}),
        ({"keys": ["a"]}, {"values": {"a": 1}}),
        ({"key": "x"}, {}),
    ],
)
def test_attributes_are_asked_for(asked, answer):
    desk = gateway()
    desk.publish("v1/gateway/attributes", {"probe-1": {"a": 1, "b": 2}})
    said = desk.publish(
        "v1/gateway/attributes/request", {"id": 4, "device": "probe-1", "client": True, **asked}
    )
    ((topic, value),) = messages(said)
    assert topic == "v1/gateway/attributes/response"
    assert value == {"id": 4, "device": "probe-1", **answer}


def test_sub_devices_are_told_and_asked_through_their_gateway():
    desk = gateway()
    desk.publish("v1/gateway/connect", {"device": "probe-1"})
    state, device = desk.around.state, desk.around.state.devices["probe-1"]
    answers: list[object] = []
    number = state.call(device, "m", {}, answers.append)
    state.set_shared(device, {"s": 1})
    state.delete_attributes(device, "SHARED_SCOPE", ["s"])
    assert messages(desk.heard()) == [
        (
            "v1/gateway/rpc",
            {"device": "probe-1", "data": {"id": number, "method": "m", "params": {}}},
        ),
        ("v1/gateway/attributes", {"device": "probe-1", "data": {"s": 1}}),
        ("v1/gateway/attributes", {"device": "probe-1", "data": {"deleted": ["s"]}}),
    ]
    desk.publish("v1/gateway/rpc", {"device": "probe-1", "id": number, "data": {"ok": 1}})
    assert answers == [{"ok": 1}]


def test_a_sub_device_that_left_is_not_asked():
    desk = gateway()
    desk.publish("v1/gateway/connect", {"device": "probe-1"})
    assert desk.publish("v1/gateway/disconnect", {"device": "probe-1"}) == DONE
    assert desk.publish("v1/gateway/disconnect", {"device": "unknown"}) == DONE
    state = desk.around.state
    assert state.call(state.devices["probe-1"], "m", {}, print) == 0


def test_with_the_gateway_all_its_devices_are_gone():
    desk = gateway()
    for name in ("probe-1", "probe-2"):
        desk.publish("v1/gateway/connect", {"device": name})
    desk.session.lost()
    kinds = [(event.kind, event.device) for event in desk.around.state.events]
    assert kinds[-3:] == [
        ("DISCONNECT", "probe-1"),
        ("DISCONNECT", "probe-2"),
        ("DISCONNECT", "gateway gw"),
    ]


def test_a_device_that_moves_to_another_gateway_leaves_the_first():
    first = gateway()
    second = gateway(token="gw2", state=first.around.state)
    first.publish("v1/gateway/connect", {"device": "probe-1"})
    second.publish("v1/gateway/connect", {"device": "probe-1"})
    state = first.around.state
    assert state.call(state.devices["probe-1"], "m", {}, print) > 0
    assert first.heard() == []
    assert len(messages(second.heard())) == 1


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        ("connect", {"type": "x"}),
        ("connect", {"device": ""}),
        ("connect", [1]),
        ("telemetry", {}),
        ("telemetry", {"probe-1": 7}),
        ("attributes", {"probe-1": []}),
        ("attributes/request", {"id": 1, "device": "p", "client": "yes", "key": "a"}),
        ("rpc", {"device": "probe-1", "id": 1}),
    ],
)
def test_what_says_too_little_ends_the_session(topic, value):
    desk = gateway(V311)
    assert desk.publish(f"v1/gateway/{topic}", value) == DONE
    assert desk.closed
    desk = gateway(V5)
    assert desk.publish(f"v1/gateway/{topic}", value)[0] == Acknowledge(packet_id=7, code=0x83)
    assert desk.closed


def test_what_is_no_json_is_told_in_5_and_ends_3_1_1():
    for value in (b"{", {"probe-1": [7]}):
        desk = gateway(V5)
        said = desk.publish("v1/gateway/telemetry", value)
        assert said == [Acknowledge(packet_id=7, code=0x99)]
        desk = gateway(V311)
        assert desk.publish("v1/gateway/telemetry", value) == []
        assert desk.closed


def test_a_topic_that_gateways_do_not_have():
    desk = gateway(V5)
    said = desk.publish("v1/gateway/other", {})
    assert said == [Acknowledge(packet_id=7, code=0x90)]
    assert desk.publish("v1/gatewayconnect", {}) == said


def test_names_that_no_device_can_have_and_too_many_devices():
    desk = gateway(V5, max_devices=2)
    said = desk.publish("v1/gateway/connect", {"device": "x" * 300})
    assert said == [Acknowledge(packet_id=7, code=0x80)]
    assert desk.publish("v1/gateway/connect", {"device": "probe-1"}) == DONE
    said = desk.publish("v1/gateway/connect", {"device": "probe-2"})
    assert said == [Acknowledge(packet_id=7, code=0x97)]
    assert not desk.closed


def test_a_limit_of_one_sub_device_ends_the_session():
    desk = gateway(V5, limits=SessionLimits(device=Rates(messages="1:1")))
    assert desk.publish("v1/gateway/connect", {"device": "probe-1"}) == DONE
    said = desk.publish("v1/gateway/attributes", {"probe-1": {"a": 1}})
    assert said == [Acknowledge(packet_id=7, code=0x97)]
    assert desk.closed
