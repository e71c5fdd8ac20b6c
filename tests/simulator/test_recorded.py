"""The simulated board behaves as the reference firmware did in every recorded conversation."""

from __future__ import annotations

from typing import Any

import pytest

from agent.simulator.recorded import change_world, parse_networks
from agent.simulator.world import SecureElement, Uplink, World
from tests.simulator.replay import differences, vectors_of


@pytest.mark.parametrize("vector", vectors_of("sessions"))
def test_vectors_of_conversations_replay_exactly(vector: dict[str, Any]) -> None:
    assert differences(vector) == []


@pytest.mark.parametrize("vector", vectors_of("serial_reactions"))
def test_vectors_of_reactions_to_bad_input_replay_exactly(vector: dict[str, Any]) -> None:
    assert differences(vector) == []


def test_surroundings_are_read_from_their_description() -> None:
    text = "Home, sweet/-45 (password 'a b'), Open/-60, Deep/-70 ('x', no internet), H/-80 ('y', hidden)"
    with pytest.raises(ValueError, match="unknown network"):
        parse_networks("Home")
    networks = parse_networks(text.removeprefix("Home, "))
    assert [(n.ssid, n.rssi, n.password.reveal(), n.internet, n.hidden) for n in networks] == [
        ("sweet", -45, "a b", True, False),
        ("Open", -60, "", True, False),
        ("Deep", -70, "x", False, False),
        ("H", -80, "y", True, True),
    ]


def test_a_series_of_networks_has_names_of_the_said_length() -> None:
    networks = parse_networks("twelve networks, names of 24 characters, -60")
    assert len(networks) == 12
    assert {len(n.ssid) for n in networks} == {24}
    assert len({n.ssid for n in networks}) == 12


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("storage stops working", "storage", False),
        ("scans fail", "scans", False),
        ("secure element does not start", "secure_element", SecureElement.NO_ANSWER),
        (
            "secure element configuration cannot be written",
            "secure_element",
            SecureElement.NO_CONFIGURATION,
        ),
        ("secure element cannot be locked", "secure_element", SecureElement.NO_LOCK),
        ("storage cannot be partitioned", "partition", False),
        ("storage cannot be written", "storage_writes", False),
        ("no unique hardware id", "unique_id", False),
        ("the cable is pulled", "ethernet", Uplink.ABSENT),
        ("the internet is gone", "internet", False),
        ("only one network left", "networks", parse_networks("HomeNet/-45 ('correct horse')")),
    ],
)
def test_a_change_of_the_surroundings_is_understood_from_its_words(
    words: str, field: str, value: object
) -> None:
    world = World(networks=parse_networks("A/-1"), ethernet=Uplink.OK)
    change_world(world, words)
    assert getattr(world, field) == value


def test_a_change_that_is_not_understood_is_an_error() -> None:
    with pytest.raises(ValueError, match="the moon rises"):
        change_world(World(), "the moon rises")
