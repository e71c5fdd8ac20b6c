"""What the simulated ThingsBoard decides of a provision request, row by row of the document."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.settings import Secret
from agent.simulator.thingsboard_credentials import (
    BasicLogin,
    CredentialsType,
    basic_credentials,
    certificate_credentials,
    sha3,
    token_credentials,
)
from agent.simulator.thingsboard_devices import InternalError, Profile, Strategy
from agent.simulator.thingsboard_requests import NotJsonError, UnreadableError, read_request
from tests.simulator.thingsboard_talk import (
    CHECK_KEY,
    KEY,
    SECRET,
    der,
    make_certificate,
    make_state,
    request,
)

if TYPE_CHECKING:
    from agent.simulator.thingsboard_state import ThingsBoardState

FAILURE = {"errorMsg": "Failed to provision device!", "status": "FAILURE"}
NOT_FOUND = {"errorMsg": "Provision data was not found!", "status": "NOT_FOUND"}


@pytest.fixture
def state() -> ThingsBoardState:
    return make_state()


def ask(state: ThingsBoardState, said: dict[str, Any]) -> dict[str, Any]:
    return state.provision(read_request(json.dumps(said).encode()))


def kinds(state: ThingsBoardState) -> list[str]:
    return [event.kind for event in state.events]


def test_the_server_makes_a_token_of_twenty_letters_and_digits(state):
    reply = ask(state, request())
    assert list(reply) == ["credentialsValue", "credentialsType", "status"]
    assert reply["credentialsType"] == "ACCESS_TOKEN"
    assert reply["status"] == "SUCCESS"
    assert len(reply["credentialsValue"]) == 20
    assert reply["credentialsValue"].isalnum()
    device = state.devices["bench-07"]
    assert device.attributes["SERVER_SCOPE"]["provisionState"] == "provisioned"
    assert device.profile.name == "create"
    assert not device.gateway
    assert kinds(state) == ["ENTITY_CREATED", "PROVISION_SUCCESS"]
    assert state.by_token(reply["credentialsValue"]) is device


def test_a_device_brings_its_token(state):
    reply = ask(state, request(credentialsType="ACCESS_TOKEN", token="my-own-token"))
    assert reply == {
        "credentialsValue": "my-own-token",
        "credentialsType": "ACCESS_TOKEN",
        "status": "SUCCESS",
    }


def test_the_reply_says_user_name_where_the_request_says_username(state):
    basic = {"clientId": "c9", "username": "u9", "password": "p9"}
    reply = ask(state, request(credentialsType="MQTT_BASIC", **basic))
    assert reply["credentialsValue"] == {"clientId": "c9", "userName": "u9", "password": "p9"}


def test_a_certificate_comes_back_in_one_line_and_is_known_by_its_hash(state):
    pem, _ = make_certificate("bench-10")
    reply = ask(state, request(credentialsType="X509_CERTIFICATE", hash=pem))
    line = "".join(pem.splitlines()[1:-1])
    assert reply["credentialsValue"] == line
    device = state.devices["bench-07"]
    assert device.credentials.id == hashlib.sha3_256(line.encode()).hexdigest()
    assert state.by_certificate(der(pem)) is device


def test_the_bare_base64_of_a_certificate_is_the_same(state):
    pem, _ = make_certificate("bench-10")
    line = "".join(pem.splitlines()[1:-1])
    ask(state, request(credentialsType="X509_CERTIFICATE", hash=line))
    assert state.by_certificate(der(pem)) is not None


def test_lwm2m_without_anything_gives_a_reply_without_a_value(state):
    reply = ask(state, request(credentialsType="LWM2M_CREDENTIALS"))
    # The server keeps a token then, and says so.
    assert reply["credentialsType"] == "ACCESS_TOKEN"
    assert ask(state, request("b", credentialsType="LWM2M_CREDENTIALS", token="t")) == FAILURE


def test_a_gateway_has_gateway_rights(state):
    ask(state, request(gateway=True))
    assert state.devices["bench-07"].gateway


@pytest.mark.parametrize("name", [None, ""])
def test_without_a_name_the_server_invents_one_and_does_not_say_it(state, name):
    reply = ask(state, request(name))
    (made,) = state.devices
    assert len(made) == 20
    assert made.isalnum()
    assert made not in json.dumps(reply)


def test_blanks_around_a_name_are_cut(state):
    ask(state, request("  bench-07 \t"))
    assert list(state.devices) == ["bench-07"]


@pytest.mark.parametrize("name", [" ", "\t \n", "x" * 256, "x" * 300, "a\0b", "\U0001f642" * 128])
def test_a_name_that_no_device_can_have_is_a_failure(state, name):
    assert ask(state, request(name)) == FAILURE
    assert not state.devices


def test_a_name_of_255_characters_is_a_name(state):
    assert ask(state, request("ä" * 255))["status"] == "SUCCESS"


@pytest.mark.parametrize(
    "change",
    [
        {"provisionDeviceKey": "other"},
        {"provisionDeviceSecret": "other"},
        {"provisionDeviceKey": ""},
        {"provisionDeviceSecret": ""},
        {"provisionDeviceKey": "pk-off"},
    ],
)
def test_a_wrong_key_a_wrong_secret_and_a_profile_that_is_off_look_the_same(state, change):
    assert ask(state, request() | change) == NOT_FOUND
    assert not state.devices


def test_a_name_that_is_taken_anywhere_is_a_failure(state):
    state.add_device("bench-07", state.profile_named("elsewhere"))
    assert ask(state, request()) == FAILURE
    assert kinds(state)[-1] == "PROVISION_FAILURE"


def test_a_token_that_another_device_has_is_a_failure_and_leaves_no_device(state):
    ask(state, request(token="mine"))
    assert ask(state, request("bench-08", token="mine")) == FAILURE
    assert list(state.devices) == ["bench-07"]


@pytest.mark.parametrize(
    "basic",
    [
        {"password": "p"},
        {"clientId": "c", "password": "p"},
        {"clientId": "a\x01b"},
        {"username": "u", "password": "\x7f"},
    ],
)
def test_basic_credentials_that_say_too_little_are_a_failure(state, basic):
    assert ask(state, request(credentialsType="MQTT_BASIC", **basic)) == FAILURE
    assert not state.devices


def test_the_limit_of_devices_is_a_failure():
    state = make_state(max_devices=1)
    assert ask(state, request())["status"] == "SUCCESS"
    assert ask(state, request("bench-08")) == FAILURE


class TestPrepared:
    """Profiles that check."""

    def test_the_stored_credentials_are_given_whatever_the_device_brought(self, state):
        profile = next(p for p in state.profiles.values() if p.key == CHECK_KEY)
        stored = state.add_device("bench-07", profile, token_credentials("stored"))
        reply = ask(state, request(key=CHECK_KEY, credentialsType="MQTT_BASIC", username="mine"))
        assert reply["credentialsType"] == "ACCESS_TOKEN"
        assert reply["credentialsValue"] == "stored"
        assert stored.attributes["SERVER_SCOPE"]["provisionState"] == "provisioned"

    def test_a_second_time_is_a_failure_until_the_mark_is_gone(self, state):
        profile = next(p for p in state.profiles.values() if p.key == CHECK_KEY)
        device = state.add_device("bench-07", profile)
        first = ask(state, request(key=CHECK_KEY))
        assert ask(state, request(key=CHECK_KEY)) == FAILURE
        assert kinds(state)[-1] == "PROVISION_FAILURE"
        state.delete_attributes(device, "SERVER_SCOPE", ["provisionState"])
        assert ask(state, request(key=CHECK_KEY)) == first

    def test_any_other_mark_is_a_failure_too(self, state):
        profile = next(p for p in state.profiles.values() if p.key == CHECK_KEY)
        device = state.add_device("bench-07", profile)
        device.attributes["SERVER_SCOPE"]["provisionState"] = "no"
        assert ask(state, request(key=CHECK_KEY)) == FAILURE

    @pytest.mark.parametrize("name", ["unknown", None, "elsewhere"])
    def test_a_device_that_is_unknown_or_of_another_profile_is_a_failure(self, state, name):
        state.add_device("elsewhere", state.profile_named("create"))
        assert ask(state, request(name, key=CHECK_KEY)) == FAILURE


class TestChains:
    """Profiles with an authority."""

    def test_the_usual_request_has_no_answer(self, state):
        pem, _ = make_certificate("CA")
        profile = state.add_profile(Profile("chain", Strategy.CHAIN, chain_ca=pem))
        with pytest.raises(InternalError):
            ask(state, request(key=profile.key))

    def test_a_certificate_of_the_authority_becomes_a_device_and_later_its_new_certificate(
        self, state
    ):
        ca = make_certificate("CA")
        state.add_profile(
            Profile("chain", Strategy.CHAIN, chain_ca=ca[0], name_pattern=r"^(.*)\.example$")
        )
        first, _ = make_certificate("board-1.example", signer=ca)
        device = state.by_chain([der(first), der(ca[0])])
        assert device is not None
        assert device.name == "board-1"
        assert state.by_certificate(der(first)) is device
        second, _ = make_certificate("board-1.example", signer=ca)
        assert state.by_chain([der(second), der(ca[0])]) is device
        assert state.by_certificate(der(first)) is None
        assert state.by_certificate(der(second)) is device

    def test_an_unknown_one_is_nobody_where_new_ones_are_not_allowed(self, state):
        ca = make_certificate("CA")
        profile = Profile("chain", Strategy.CHAIN, chain_ca=ca[0], allow_new=False)
        state.add_profile(profile)
        leaf, _ = make_certificate("board-1", signer=ca)
        assert state.by_chain([der(leaf), der(ca[0])]) is None
        profile.allow_new = True
        profile.name_pattern = "no group"
        assert state.by_chain([der(leaf), der(ca[0])]) is None
        assert not state.devices


class TestReading:
    """What makes the server fail while it reads."""

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[1]", b'"text"', b"\xff", b"7", b"null", b"[" * 100_000]
    )
    def test_what_is_no_object_is_told_apart(self, body):
        with pytest.raises(NotJsonError):
            read_request(body)

    @pytest.mark.parametrize("field", ["provisionDeviceKey", "provisionDeviceSecret"])
    def test_a_missing_key_or_secret(self, field):
        said = request()
        del said[field]
        with pytest.raises(UnreadableError):
            read_request(json.dumps(said).encode())

    @pytest.mark.parametrize(
        "field",
        [
            *("provisionDeviceKey", "provisionDeviceSecret", "deviceName", "credentialsType"),
            *("token", "clientId", "username", "password", "hash", "gateway"),
        ],
    )
    @pytest.mark.parametrize("value", [None, {}, [], ["a", "b"]])
    def test_a_null_and_what_has_no_text(self, field, value):
        with pytest.raises(UnreadableError):
            read_request(json.dumps(request() | {field: value}).encode())

    @pytest.mark.parametrize("kind", ["", "access_token", "TOKEN"])
    def test_an_unknown_kind_of_credentials(self, kind):
        with pytest.raises(UnreadableError):
            read_request(json.dumps(request(credentialsType=kind)).encode())

    def test_numbers_and_truth_are_texts_too(self):
        said = read_request(json.dumps(request(deviceName=7, token=True, gateway="TRUE")).encode())
        assert (said.name, said.token, said.gateway) == ("7", "true", True)

    def test_half_a_character_is_a_question_mark(self):
        for field in ("deviceName", "token"):
            said = json.dumps(request(**{field: "a\ud83db \U0001f642"})).encode()
            read = read_request(said)
            assert (read.name if field == "deviceName" else read.token) == "a?b \U0001f642"

    def test_a_list_of_one_is_a_text_however_deep(self):
        deep = json.dumps(request(deviceName="n")).replace('"n"', "[" * 900 + '"n"' + "]" * 900)
        assert read_request(deep.encode()).name == "n"

    def test_a_secret_is_not_shown(self):
        assert SECRET not in repr(read_request(json.dumps(request()).encode()))


class TestLogins:
    """Who a CONNECT is."""

    def test_a_token_is_a_user_name_and_the_password_is_not_looked_at(self, state):
        device = state.add_device("a", state.profile_named("p"), token_credentials("tok"))
        assert state.by_login("anything", "tok", "") is device
        assert state.by_login("", "tok", "whatever") is device
        assert state.by_login("tok", "", "") is None

    @pytest.mark.parametrize(
        ("stored", "said", "right"),
        [
            (("c", "u", "p"), ("c", "u", "p"), True),
            (("c", "u", "p"), ("c", "u", "q"), False),
            (("c", "u", "p"), ("c", "u", ""), False),
            (("c", "u", "p"), ("d", "u", "p"), False),
            (("c", "u", "p"), ("", "u", "p"), False),
            (("c", "u", ""), ("c", "u", "any"), True),
            (("", "u", "p"), ("any", "u", "p"), True),
            (("", "u", "p"), ("any", "u", "q"), False),
            (("c", "", ""), ("c", "", ""), True),
            (("c", "", ""), ("c", "other", ""), False),
        ],
    )
    def test_basic_ones_must_match_in_what_is_stored(self, state, stored, said, right):
        device = state.add_device(
            "a", state.profile_named("p"), basic_credentials(BasicLogin(*stored))
        )
        assert (state.by_login(*said) is device) is right

    def test_a_certificate_is_no_token(self, state):
        credentials = certificate_credentials("MIIB")
        state.add_device("a", state.profile_named("p"), credentials)
        assert state.by_token(credentials.id) is None
        assert state.by_login("", credentials.id, "") is None

    def test_the_ids_are_those_of_the_document(self):
        assert basic_credentials(BasicLogin("c", "u", "p")).id == sha3("c|u")
        assert basic_credentials(BasicLogin("", "u", "p")).id == "u"
        assert basic_credentials(BasicLogin("c", "", "")).id == sha3("c")


@given(st.text(), st.sampled_from([KEY, CHECK_KEY]), st.sampled_from(list(CredentialsType)))
def test_every_readable_request_has_a_reply_and_no_reply_has_the_secret(name, key, kind):
    state = make_state()
    said = json.dumps(request(name, key=key, credentialsType=kind.value)).encode()
    reply = state.provision(read_request(said))
    assert reply["status"] in {"SUCCESS", "FAILURE", "NOT_FOUND"}
    assert SECRET not in json.dumps(reply)
    assert len(state.devices) == (reply["status"] == "SUCCESS")


def test_two_profiles_cannot_have_one_key(state):
    with pytest.raises(ValueError, match="key already exists"):
        state.add_profile(Profile("more", Strategy.CREATE, KEY, Secret("x")))
    with pytest.raises(ValueError, match="name already exists"):
        state.add_profile(Profile("create", Strategy.CREATE, "other", Secret("x")))
