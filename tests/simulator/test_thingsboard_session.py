"""One MQTT connection of the simulated ThingsBoard, packet by packet, in both versions."""

from __future__ import annotations

import json

import pytest

from agent.protocols.mqtt import (
    V5,
    V311,
    Acknowledge,
    ConnAck,
    Connect,
    Disconnect,
    PingReq,
    PingResp,
    Publish,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
)
from agent.simulator.thingsboard_credentials import (
    BasicLogin,
    basic_credentials,
    certificate_credentials,
    token_credentials,
)
from agent.simulator.thingsboard_devices import Profile, Strategy
from agent.simulator.thingsboard_faults import Fault
from agent.simulator.thingsboard_limits import Rates, SessionLimits
from tests.simulator.thingsboard_talk import (
    NOW,
    Clock,
    Desk,
    der,
    make_certificate,
    make_state,
    messages,
    request,
)

REQUEST, RESPONSE = "/provision/request", "/provision/response"
BOTH = pytest.mark.parametrize("version", [V311, V5])


def provisioning(version: int = V311, **options) -> Desk:
    desk = Desk(make_state(), version=version, **options)
    assert desk.connect("provision") == 0
    assert desk.subscribe(RESPONSE) == (1,)
    return desk


def signed_in(version: int = V311, **options) -> Desk:
    state = make_state()
    state.add_device("probe", state.profile_named("create"), token_credentials("tok"))
    desk = Desk(state, version=version, **options)
    assert desk.connect("tok") == 0
    return desk


class TestProvisioning:
    @BOTH
    def test_a_request_is_acknowledged_and_answered_on_the_response_topic(self, version):
        desk = provisioning(version)
        acknowledged, answer = desk.publish(REQUEST, request())
        assert acknowledged == Acknowledge(packet_id=7)
        assert isinstance(answer, Publish)
        assert (answer.topic, answer.qos) == (RESPONSE, 1)
        assert json.loads(answer.payload)["status"] == "SUCCESS"
        assert not desk.closed

    def test_either_the_user_name_or_the_client_id_says_what_it_is_for(self):
        for said in (Connect(username="provision"), Connect(client_id="provision")):
            desk = Desk(make_state())
            assert desk.say(said) == [ConnAck()]
            assert desk.subscribe(RESPONSE) == (1,)

    def test_the_password_does_not_matter(self):
        desk = Desk(make_state())
        assert desk.connect("provision", password=b"whatever") == 0

    @pytest.mark.parametrize(("version", "code"), [(V311, 0x80), (V5, 0x8F)])
    def test_any_other_subscription_is_refused(self, version, code):
        desk = provisioning(version)
        names = (RESPONSE, REQUEST, "#", "v1/devices/me/attributes", "provision/response")
        assert desk.subscribe(*names, qos=2) == (1, code, code, code, code)
        assert not desk.closed

    def test_a_publish_elsewhere_ends_a_session_of_3_1_1(self):
        desk = provisioning(V311)
        assert desk.publish("v1/devices/me/telemetry", {"a": 1}) == [Acknowledge(packet_id=7)]
        assert desk.closed

    def test_a_publish_elsewhere_ends_a_session_of_5_with_the_reason(self):
        desk = provisioning(V5)
        said = desk.publish("provision/request", request())
        assert said == [Acknowledge(packet_id=7, code=0x90), Disconnect(code=0x90)]
        assert desk.closed

    @pytest.mark.parametrize(
        "body",
        [
            request(token=None),
            request(credentialsType="OTHER"),
            {"provisionDeviceKey": "pk-demo"},
        ],
    )
    @pytest.mark.parametrize("qos", [0, 1])
    def test_what_it_fails_on_ends_the_session_without_a_message(self, body, qos):
        desk = provisioning(V311)
        assert desk.publish(REQUEST, body, qos=qos) == [Acknowledge(packet_id=7)] * qos
        assert desk.closed
        desk = provisioning(V5)
        said = desk.publish(REQUEST, body, qos=qos)
        assert said == [Acknowledge(packet_id=7, code=0x83)] * qos + [Disconnect(code=0x83)]
        assert desk.closed

    @pytest.mark.parametrize("body", [b"no json", b"[1, 2]"])
    def test_what_is_no_json_object_ends_the_session_or_is_told(self, body):
        desk = provisioning(V311)
        assert desk.publish(REQUEST, body) == []
        assert desk.closed
        desk = provisioning(V5)
        assert desk.publish(REQUEST, body) == [Acknowledge(packet_id=7, code=0x99)]
        assert not desk.closed
        assert desk.publish(REQUEST, body, qos=0) == [Disconnect(code=0x99)]
        assert desk.closed

    @BOTH
    def test_a_profile_with_an_authority_ends_the_session(self, version):
        desk = provisioning(version)
        pem, _ = make_certificate("CA")
        profile = Profile("chain", Strategy.CHAIN, chain_ca=pem)
        desk.around.state.add_profile(profile)
        said = desk.publish(REQUEST, request(key=profile.key))
        assert not messages(said)
        assert desk.closed

    def test_the_session_ends_a_minute_after_the_reply(self):
        clock = Clock()
        desk = provisioning(clock=clock)
        assert desk.session.deadline() is None
        desk.publish(REQUEST, request())
        assert desk.session.deadline() == NOW + 60
        clock.now = NOW + 59.9
        desk.session.tick()
        assert not desk.closed
        clock.now = NOW + 60
        desk.session.tick()
        assert desk.closed

    def test_a_refusal_is_a_message_and_the_session_stays(self):
        desk = provisioning()
        desk.publish(REQUEST, request())
        ((topic, said),) = messages(desk.publish(REQUEST, request()))
        assert (topic, said["status"]) == (RESPONSE, "FAILURE")
        assert not desk.closed

    def test_the_reply_comes_without_a_subscription_too(self):
        desk = Desk(make_state())
        desk.connect("provision")
        assert len(messages(desk.publish(REQUEST, request()))) == 1

    def test_the_reply_has_the_qos_that_was_asked_for(self):
        desk = Desk(make_state())
        desk.connect("provision")
        assert desk.subscribe(RESPONSE, qos=0) == (0,)
        (answer,) = desk.publish(REQUEST, request(), qos=0)
        assert isinstance(answer, Publish)
        assert (answer.qos, answer.packet_id) == (0, 0)

    @BOTH
    def test_what_is_too_large_ends_the_session(self, version):
        desk = provisioning(version)
        said = desk.publish(REQUEST, request("x" * 70_000))
        assert said == ([Disconnect(code=0x81)] if version == V5 else [])
        assert desk.closed

    def test_what_is_just_not_too_large_is_read(self):
        desk = provisioning()
        body = json.dumps(request("x")).encode()
        room = 65_536 - 2 - len(REQUEST) - 2 - len(body)
        (_, answer) = desk.publish(REQUEST, body + b" " * room)
        assert isinstance(answer, Publish)

    def test_a_client_that_leaves_is_let_go(self):
        desk = provisioning()
        assert desk.say(Disconnect()) == []
        assert desk.closed


class TestConnect:
    @pytest.mark.parametrize(
        ("said", "code_311", "code_5"),
        [
            ({"username": "nobody"}, 5, 0x86),
            ({"username": "nobody", "password": b"x"}, 5, 0x86),
            ({"client_id": "nobody"}, 2, 0x85),
            ({}, 5, 0x87),
        ],
    )
    def test_who_is_no_device_is_refused(self, said, code_311, code_5):
        desk = Desk(make_state())
        assert desk.say(Connect(**said)) == [ConnAck(code=code_311)]
        assert desk.closed
        desk = Desk(make_state(), version=V5)
        expected = [ConnAck(code=code_5), Disconnect(code=code_5)]
        assert desk.say(Connect(**said, version=V5)) == expected
        assert desk.closed

    @BOTH
    def test_each_kind_of_credentials_connects(self, version):
        state = make_state()
        profile = state.profile_named("create")
        pem, _ = make_certificate("c")
        state.add_device("a", profile, token_credentials("tok"))
        state.add_device("b", profile, basic_credentials(BasicLogin("cid", "u", "p")))
        state.add_device("c", profile, certificate_credentials(pem))
        assert Desk(state, version=version).connect("tok") == 0
        desk = Desk(state, version=version)
        assert desk.connect("u", client_id="cid", password=b"p") == 0
        desk = Desk(state, version=version, chain=(der(pem),))
        assert desk.connect() == 0
        assert [event.device for event in state.events if event.kind == "CONNECT"] == [
            "a",
            "b",
            "c",
        ]

    @pytest.mark.parametrize("days", [-1, 365])
    def test_a_certificate_that_is_unknown_or_has_ended_is_not_authorised(self, days):
        state, clock = make_state(), Clock()
        pem, _ = make_certificate("c", days=days)
        if days < 0:
            state.add_device("c", state.profile_named("create"), certificate_credentials(pem))
        assert Desk(state, clock, chain=(der(pem),)).connect() == 5
        assert Desk(state, clock, chain=(der(pem),), version=V5).connect("a") == 0x87

    def test_with_a_certificate_a_token_is_not_looked_at(self):
        state = make_state()
        pem, _ = make_certificate("c")
        state.add_device("a", state.profile_named("create"), token_credentials("tok"))
        assert Desk(state, chain=(der(pem),)).connect("tok") == 5

    def test_a_session_that_is_to_last_is_said_to_be_there(self):
        state = make_state()
        state.add_device("a", state.profile_named("create"), token_credentials("tok"))
        (said,) = Desk(state).say(Connect(username="tok", clean_start=False))
        assert said == ConnAck(session_present=True)

    def test_a_device_has_one_session_and_the_new_one_stays(self):
        state = make_state()
        state.add_device("a", state.profile_named("create"), token_credentials("tok"))
        first, second = Desk(state, version=V5), Desk(state, version=V5)
        first.connect("tok")
        woken = first.woken
        second.connect("tok")
        assert first.closed
        assert first.woken > woken
        assert first.heard() == [Disconnect(code=0x8E)]
        first.session.lost()
        assert not second.closed
        assert len(state.sessions[state.devices["a"].id]) == 1

    def test_who_says_it_again_is_the_same_and_gone_with_the_connection(self):
        desk = signed_in()
        assert desk.connect("tok") == 0
        assert not desk.closed
        desk.session.lost()
        assert not any(desk.around.state.sessions.values())

    def test_before_connect_nothing_is_answered(self):
        desk = Desk(make_state())
        assert desk.say(PingReq(), Subscribe(packet_id=1, filters=(("a", 0),))) == []
        assert desk.publish("v1/devices/me/telemetry", {"a": 1}) == []
        assert not desk.closed

    def test_what_is_no_mqtt_but_tls_ends_it(self):
        desk = Desk(make_state())
        desk.session.feed(b"\x16\x03\x01\x02\x00")
        assert desk.closed
        assert desk.heard() == []


class TestDevice:
    @BOTH
    def test_telemetry_in_three_forms(self, version):
        desk = signed_in(version)
        device = desk.around.state.devices["probe"]
        for value in ({"t": 1}, {"ts": 5000, "values": {"t": 2}}, [{"t": 3}, {"t": 4}]):
            said = desk.publish("v1/devices/me/telemetry", value)
            assert said == [Acknowledge(packet_id=7)]
        assert [values["t"] for _, values in device.telemetry] == [1, 2, 3, 4]
        assert device.telemetry[1][0] == 5.0
        assert device.last_seen == NOW

    def test_attributes_are_set_and_asked_for(self):
        desk = signed_in()
        desk.publish("v1/devices/me/attributes", {"a": 1, "b": 2})
        desk.around.state.set_shared(desk.around.state.devices["probe"], {"c": 3})
        said = desk.publish("v1/devices/me/attributes/request/4", {"clientKeys": "a,x"})
        assert messages(said) == [("v1/devices/me/attributes/response/4", {"client": {"a": 1}})]
        said = desk.publish("v1/devices/me/attributes/request/5", {})
        both = {"client": {"a": 1, "b": 2}, "shared": {"c": 3}}
        assert messages(said) == [("v1/devices/me/attributes/response/5", both)]

    def test_shared_attributes_are_told_to_who_subscribed(self):
        desk = signed_in()
        state, device = desk.around.state, desk.around.state.devices["probe"]
        state.set_shared(device, {"c": 3})
        assert desk.heard() == []
        assert desk.subscribe("v1/devices/me/attributes") == (1,)
        state.set_shared(device, {"c": 4})
        state.delete_attributes(device, "SHARED_SCOPE", ["c"])
        assert messages(desk.heard()) == [
            ("v1/devices/me/attributes", {"c": 4}),
            ("v1/devices/me/attributes", {"deleted": ["c"]}),
        ]

    def test_a_device_is_asked_and_answers(self):
        desk = signed_in()
        state, device = desk.around.state, desk.around.state.devices["probe"]
        answers: list[object] = []
        assert state.call(device, "blink", None, answers.append) == 0
        desk.subscribe("v1/devices/me/rpc/request/+")
        number = state.call(device, "blink", {"n": 2}, answers.append)
        asked = messages(desk.heard())
        assert asked == [
            (f"v1/devices/me/rpc/request/{number}", {"method": "blink", "params": {"n": 2}})
        ]
        desk.publish(f"v1/devices/me/rpc/response/{number}", {"done": True})
        desk.publish(f"v1/devices/me/rpc/response/{number}", {"done": "again"})
        assert answers == [{"done": True}]

    @pytest.mark.parametrize("gateway", [False, True])
    def test_the_limits_are_told(self, gateway):
        desk = signed_in()
        desk.around.state.devices["probe"].gateway = gateway
        said = desk.publish(
            "v1/devices/me/rpc/request/1", {"method": "getSessionLimits", "params": {}}
        )
        ((topic, limits),) = messages(said)
        assert topic == "v1/devices/me/rpc/response/1"
        assert (limits["maxPayloadSize"], limits["maxInflightMessages"]) == (65536, 100)
        assert set(limits["rateLimits"]) == {
            "messages",
            "telemetryMessages",
            "telemetryDataPoints",
        }
        assert ("gatewayRateLimits" in limits) is gateway

    def test_other_questions_to_the_server_are_not_answered(self):
        desk = signed_in()
        said = desk.publish("v1/devices/me/rpc/request/1", {"method": "other"})
        assert said == [Acknowledge(packet_id=7)]

    @pytest.mark.parametrize(
        ("topic", "value"),
        [
            ("v1/devices/me/telemetry", b"{"),
            ("v1/devices/me/telemetry", 7),
            ("v1/devices/me/attributes", [1]),
            ("v1/devices/me/rpc/request/1", b"x"),
        ],
    )
    def test_wrong_values_end_3_1_1_and_are_told_in_5(self, topic, value):
        desk = signed_in(V311)
        assert desk.publish(topic, value) == []
        assert desk.closed
        desk = signed_in(V5)
        assert desk.publish(topic, value) == [Acknowledge(packet_id=7, code=0x99)]
        assert not desk.closed

    def test_topics_that_the_server_does_not_have(self):
        desk = signed_in(V5)
        assert desk.publish("v1/other", {}) == [Acknowledge(packet_id=7, code=0x90)]
        assert desk.subscribe("#", "v1/other", "v1/devices/me/rpc/request/+") == (0x8F, 0x8F, 1)
        assert desk.subscribe("v1/devices/me/attributes", qos=2) == (1,)

    def test_the_topics_of_gateways_are_left_without_an_answer(self):
        desk = signed_in(V5)
        assert desk.publish("v1/gateway/connect", {"device": "x"}) == []
        assert not desk.closed
        assert list(desk.around.state.devices) == ["probe"]

    def test_new_credentials_end_the_session(self):
        desk = signed_in(V5)
        state = desk.around.state
        state.replace_credentials(state.devices["probe"], token_credentials("new"))
        assert desk.heard() == [Disconnect(code=0x98)]
        assert desk.closed

    def test_a_deleted_device_loses_its_session(self):
        desk = signed_in()
        desk.around.state.delete(desk.around.state.devices["probe"])
        assert desk.closed

    def test_a_lost_connection_is_an_event(self):
        desk = signed_in()
        desk.session.lost()
        desk.session.lost()
        kinds = [event.kind for event in desk.around.state.events]
        assert kinds == ["ENTITY_CREATED", "CONNECT", "DISCONNECT"]

    def test_pings_and_unsubscribing(self):
        desk = signed_in(V5)
        assert desk.say(PingReq()) == [PingResp()]
        desk.subscribe("v1/devices/me/attributes")
        names = ("v1/devices/me/attributes", "v1/devices/me/attributes")
        said = desk.say(Unsubscribe(packet_id=3, filters=names))
        assert said == [UnsubAck(packet_id=3, codes=(0, 0x11))]

    def test_one_message_too_many_ends_the_session(self):
        limits = SessionLimits(device=Rates(messages="2:1,3:60"))
        clock = Clock()
        desk = signed_in(V5, clock=clock, limits=limits)
        for _ in range(2):
            desk.publish("v1/devices/me/telemetry", {"a": 1})
        clock.now += 1.5
        desk.publish("v1/devices/me/telemetry", {"a": 1})
        assert not desk.closed
        clock.now += 1.5
        assert desk.publish("v1/devices/me/telemetry", {"a": 1}) == [Disconnect(code=0x83)]
        assert len(desk.around.state.devices["probe"].telemetry) == 3


class TestFaults:
    """What goes wrong on request."""

    def desk(self, fault: Fault) -> Desk:
        desk = provisioning()
        desk.around.faults.add(fault)
        return desk

    def test_hang_says_and_does_nothing(self):
        desk = self.desk(Fault("hang"))
        assert desk.publish(REQUEST, request()) == []
        assert not desk.closed
        assert not desk.around.state.devices
        assert len(desk.publish(REQUEST, request())) == 2

    @pytest.mark.parametrize("act", ["close", "status"])
    def test_close_does_nothing_and_ends(self, act):
        desk = self.desk(Fault(act))
        assert desk.publish(REQUEST, request()) == []
        assert desk.closed
        assert not desk.around.state.devices

    @BOTH
    def test_a_core_that_says_nothing_ends_it_with_a_code_that_says_little(self, version):
        desk = provisioning(version)
        desk.around.faults.add(Fault("status", text=""))
        said = desk.publish(REQUEST, request())
        codes = [getattr(each, "code", None) for each in said]
        assert codes == ([0x83, 0x83] if version == V5 else [0])
        assert desk.closed

    def test_lose_does_it_and_ends_without_a_message(self):
        desk = self.desk(Fault("lose", "provision", "mqtt"))
        assert not messages(desk.publish(REQUEST, request()))
        assert desk.closed
        assert "bench-07" in desk.around.state.devices

    def test_twice(self):
        first, second = messages(self.desk(Fault("twice")).publish(REQUEST, request()))
        assert first == second

    def test_elsewhere(self):
        desk = self.desk(Fault("elsewhere", text="/provision/other"))
        ((topic, _),) = messages(desk.publish(REQUEST, request()))
        assert topic == "/provision/other"

    def test_slow(self):
        desk = self.desk(Fault("slow", seconds=5))
        assert desk.publish(REQUEST, request()) == [Acknowledge(packet_id=7)]
        assert desk.session.deadline() == NOW + 5
        desk.clock.now = NOW + 5
        desk.session.tick()
        assert len(messages(desk.heard())) == 1
        assert desk.session.deadline() == NOW + 65

    def test_another_text(self):
        desk = self.desk(Fault("text", text='{"status":'))
        _, answer = desk.publish(REQUEST, request())
        assert isinstance(answer, Publish)
        assert answer.payload == b'{"status":'

    def test_what_is_for_others_waits(self):
        desk = self.desk(Fault("close", "device"))
        desk.around.faults.add(Fault("close", "provision", "http"))
        assert len(desk.publish(REQUEST, request())) == 2
        assert len(desk.around.faults.waiting) == 2

    def test_a_device_that_cannot_connect(self):
        state = make_state()
        state.add_device("probe", state.profile_named("create"), token_credentials("tok"))
        desk = Desk(state)
        desk.around.faults.add(Fault("status", "connect", times=None))
        assert desk.connect("tok") == 3
        assert desk.closed

    def test_the_record_says_what_became_of_requests(self):
        desk = self.desk(Fault("lose"))
        desk.publish(REQUEST, request())
        assert desk.around.record.count("provision") == 1
        assert desk.around.record.count("provision", "SUCCESS") == 1


def test_a_suback_is_one_code_per_filter():
    desk = provisioning()
    (said,) = desk.say(Subscribe(packet_id=9, filters=((RESPONSE, 2), ("x", 0))))
    assert said == SubAck(packet_id=9, codes=(1, 0x80))
