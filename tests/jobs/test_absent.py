"""Jobs that need no board."""

from __future__ import annotations

from typing import Any

import pytest

from agent.errors import InputError
from agent.jobs.absent import absent_board
from agent.jobs.request import parse_request


def asked(kind: str, **more: Any) -> Any:
    return parse_request({"kind": kind, "board": "", **more})


def test_a_board_that_is_named_is_looked_for():
    assert absent_board(parse_request({"kind": "identify", "board": "kitchen"})) is None


@pytest.mark.parametrize(
    "request_of",
    [
        {"kind": "remove", "cloud": "thingsboard", "name": "gate"},
        {"kind": "provision", "cloud": "thingsboard", "name": "gate", "delivery": "header"},
        {"kind": "provision", "cloud": "thingsboard", "name": "gate", "delivery": "image"},
    ],
)
def test_what_needs_none_goes_by_the_name_of_the_device(request_of: dict[str, Any]):
    board = absent_board(asked(**request_of))
    assert board is not None
    assert (board.id, board.name, board.ports) == ("", "gate", [])


@pytest.mark.parametrize(
    ("request_of", "field"),
    [
        ({"kind": "identify"}, "board"),
        ({"kind": "provision", "cloud": "thingsboard", "name": "gate"}, "board"),
        ({"kind": "provision", "name": "gate", "delivery": "console"}, "board"),
        ({"kind": "provision", "delivery": "image"}, "name"),
        ({"kind": "provision", "delivery": "image", "name": "a-{hardware_id}"}, "name"),
        ({"kind": "remove", "cloud": "thingsboard"}, "board"),
    ],
)
def test_everything_else_needs_a_board_or_says_what_is_missing(
    request_of: dict[str, Any], field: str
):
    with pytest.raises(InputError) as caught:
        absent_board(asked(**request_of))
    assert caught.value.facts["field"] == field


def test_a_board_that_has_opened_its_own_network_is_known_by_that():
    board = absent_board(asked("provision", cloud="blynk", access_point="hex:426c796e6bff"))
    assert board is not None
    assert (board.id, board.name, board.via) == ("", "Blynk\ufffd", "ap")
    assert [(port.kind, port.address) for port in board.ports] == [("ap", "hex:426c796e6bff")]


def test_a_board_that_is_there_stays_what_it_is_whatever_network_it_has_opened():
    request = {"kind": "provision", "board": "b", "via": "ap", "access_point": "Blynk-4Y1H"}
    assert absent_board(parse_request(request)) is None


@pytest.mark.parametrize(
    ("more", "field"),
    [({"access_point": "hex:0"}, "access_point"), ({"access_point": "x", "via": "ble"}, "via")],
)
def test_a_network_that_cannot_be_meant_is_refused(more: dict[str, Any], field: str):
    with pytest.raises(InputError) as caught:
        absent_board(asked("identify", **more))
    assert caught.value.facts["field"] == field
