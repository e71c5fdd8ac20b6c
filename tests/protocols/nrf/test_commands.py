"""Commands for claimed devices: what is queued, in which order, and how long it is followed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError
from agent.protocols.nrf import commands as nrf
from agent.protocols.nrf.commands import Command, Credential, Progress
from agent.settings import Secret

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = Secret("-----BEGIN PRIVATE KEY-----\nMARKER\n-----END PRIVATE KEY-----\n")


@pytest.mark.parametrize(
    ("command", "request_"),
    [
        (nrf.cloud_access_key(), {"cloudAccessKeyGeneration": {"secTag": 16842753}}),
        (nrf.client_private_key(7), {"clientPrivateKeyGeneration": {"secTag": 7}}),
        (
            nrf.signing_request("CN=a,O=b"),
            {
                "certificateSigningRequest": {
                    "secTag": 16842753,
                    "attributes": "CN=a,O=b",
                    "keyUsage": "101010000",
                }
            },
        ),
        (
            nrf.client_certificate(PEM),
            {"clientCertificate": {"secTag": 16842753, "content": PEM}},
        ),
        (
            nrf.server_certificate(f" {PEM}\r\n"),
            {"serverCertificate": {"secTag": 16842753, "content": PEM}},
        ),
        (
            nrf.client_key(KEY, password=Secret("p")),
            {"clientPrivateKey": {"secTag": 16842753, "content": KEY.reveal(), "password": "p"}},
        ),
        (
            nrf.pre_shared_key("me", Secret("00ff")),
            {"psk": {"secTag": 16842753, "identity": "me", "secret": "00ff"}},
        ),
        (nrf.configuration({"a": "1"}), {"config": {"a": "1"}}),
        (
            nrf.deletion(Credential.CLIENT_KEY, 3),
            {"credentialDeletion": {"secTag": 3, "type": 2}},
        ),
        (nrf.finished(), {"finished": {}}),
    ],
)
def test_each_command_has_the_body_that_is_documented(command, request_):
    body = nrf.encode_command(command)
    assert body["request"] == request_
    assert body["description"]


def test_a_command_does_not_show_its_keys():
    command = nrf.client_key(KEY, password=Secret("MARKER-2"))
    assert "MARKER" not in repr(command)
    assert command.secrets == (KEY, Secret("MARKER-2"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: nrf.cloud_access_key(-1),
        lambda: nrf.cloud_access_key(1 << 31),
        lambda: nrf.signing_request(""),
        lambda: nrf.signing_request('CN="x"'),
        lambda: nrf.signing_request("CN=x", key_usage="10101000"),
        lambda: nrf.signing_request("CN=x", key_usage="10101000x"),
        lambda: nrf.client_certificate("no PEM"),
        lambda: nrf.client_certificate(PEM + "é"),
        lambda: nrf.server_certificate(PEM * 80),
        lambda: nrf.pre_shared_key("", Secret("00")),
        lambda: nrf.pre_shared_key("me", Secret("0")),
        lambda: nrf.pre_shared_key("me", Secret("MARKER")),
        lambda: nrf.configuration({}),
        lambda: nrf.configuration({str(number): "" for number in range(11)}),
        lambda: nrf.configuration({"é": ""}),
        lambda: nrf.check_order([]),
        lambda: nrf.check_order([nrf.finished()] * 2),
        lambda: nrf.check_order([nrf.cloud_access_key()] * 21),
        lambda: nrf.check_order([nrf.cloud_access_key()], present=20),
    ],
)
def test_what_a_device_cannot_have_is_refused_before_it_is_sent(make):
    with pytest.raises(InputError) as caught:
        make()
    assert "MARKER" not in repr(caught.value.report())


def test_twenty_commands_with_finished_at_their_end_are_a_device_s_fill():
    nrf.check_order([nrf.cloud_access_key()] * 19 + [nrf.finished()])


@given(st.text(max_size=300))
def test_a_mark_finds_a_command_again_however_long_its_description_is(text):
    body = nrf.encode_command(Command("finished", {}, text), "4f2a")
    assert body["description"].endswith("[4f2a]")
    assert len(body["description"]) <= nrf.DESCRIPTION_CHARS


def test_only_the_documented_end_is_one_that_worked():
    assert nrf.progress_of("PENDING") is Progress.WAITING
    assert nrf.progress_of("IN_PROGRESS") is Progress.WAITING
    assert nrf.progress_of("SUCCEEDED") is Progress.DONE
    assert {nrf.progress_of(word) for word in ("FAILED", "", "EXPIRED")} == {Progress.FAILED}


def test_looks_are_2_3_5_5_seconds_apart_and_end_after_ten_minutes():
    waited, looks, waits = 0.0, 0, []
    while (delay := nrf.poll_delay_s(looks, waited)) is not None:
        waits.append(delay)
        waited += delay
        looks += 1
    assert waits[:6] == [0, 2, 3, 5, 5, 5]
    assert waited == 600


@pytest.mark.parametrize("field", ["csr", "message"])
def test_a_signing_request_is_found_where_both_firmwares_put_it(field):
    assert nrf.signing_request_of({"certificateSigningRequest": {field: "a.b"}}) == "a.b"


@pytest.mark.parametrize("response", [None, {}, [], {"certificateSigningRequest": {}}, "x"])
def test_a_response_without_a_signing_request_has_none(response):
    assert nrf.signing_request_of(response) is None
