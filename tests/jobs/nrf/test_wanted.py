"""Commands of a renewal as data: what is taken, and what is refused by its field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError
from agent.jobs.nrf.wanted import command_names, parse_wanted
from agent.protocols.nrf.commands import SEC_TAG
from agent.settings import Secret

PEM = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n"
MARKER = "c0ffee5ec2e7"


def test_without_any_it_is_a_new_key_for_the_cloud():
    (command,) = parse_wanted(None)
    assert (command.name, command.fields) == ("cloudAccessKeyGeneration", {"secTag": SEC_TAG})


def test_every_command_of_the_service_can_be_asked_for():
    wanted: list[Any] = [
        "clientPrivateKeyGeneration",
        {"cloudAccessKeyGeneration": {"secTag": 7}},
        {"certificateSigningRequest": {"attributes": "CN=x"}},
        {"clientCertificate": {"content": PEM}},
        {"serverCertificate": {"content": PEM, "secTag": 8}},
        {"clientPrivateKey": {"content": Secret(PEM), "password": MARKER}},
        {"psk": {"identity": "me", "secret": MARKER}},
        {"config": {"interval": "60"}},
        {"credentialDeletion": {"type": 2}},
        "finished",
    ]
    commands = parse_wanted(wanted)
    assert command_names(commands) == [
        each if isinstance(each, str) else next(iter(each)) for each in wanted
    ]
    assert [command.fields.get("secTag") for command in commands[1:3]] == [7, SEC_TAG]
    assert [len(command.secrets) for command in commands[5:7]] == [2, 1]
    assert MARKER not in repr(commands)


@pytest.mark.parametrize(
    "wanted",
    [
        "finished",
        [],
        [3],
        [{}],
        ["nothing like it"],
        [{"finished": {}, "config": {}}],
        [{"finished": 3}],
        [{"finished": {"x": "y"}}],
        [{"cloudAccessKeyGeneration": {"secTag": "7"}}],
        [{"cloudAccessKeyGeneration": {"secTag": True}}],
        [{"serverCertificate": {}}],
        [{"serverCertificate": {"content": 3}}],
        [{"credentialDeletion": {"type": 9}}],
        [{"credentialDeletion": {"type": "2"}}],
        [{"config": {"a": 3}}],
        ["finished", "cloudAccessKeyGeneration"],
        ["clientPrivateKeyGeneration"] * 21,
    ],
)
def test_what_is_none_is_refused(wanted: Any):
    with pytest.raises(InputError) as caught:
        parse_wanted(wanted)
    assert caught.value.facts["field"] == "commands"


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["psk", "config", "secTag", "content", "finished"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@given(DATA)
def test_anything_is_commands_or_a_refusal(data: Any):
    try:
        commands = parse_wanted(data)
    except InputError:
        return
    assert commands
