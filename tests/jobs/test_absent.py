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
