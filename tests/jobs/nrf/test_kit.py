"""Which jobs are those of nRF Cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.board import Provisioning
from agent.errors import InputError
from agent.jobs.nrf.kit import NrfKit
from agent.jobs.plan import make_plan
from agent.jobs.request import parse_request
from tests.jobs.nrf.samples import Account, thingy

if TYPE_CHECKING:
    from agent.boards.board import Board
    from agent.catalog import Catalog


def takes(catalog: Catalog, board: Board | None = None, **request: Any) -> bool:
    found = board or thingy()
    account: Any = Account()
    model = catalog.get(found.model) if found.model else None
    asked = parse_request({"board": found.id} | request)
    return NrfKit(account, catalog).takes(asked, found, model)


def test_what_names_its_cloud_is_its_own(catalog: Catalog) -> None:
    for kind in ("provision", "renew", "remove", "identify"):
        assert takes(catalog, kind=kind, cloud="nrf")
    for kind in ("provision", "renew", "remove"):
        assert not takes(catalog, kind=kind, cloud="arduino")
    assert not takes(catalog, kind="identify", cloud="blynk")


@pytest.mark.parametrize(
    ("changes", "is_its_own"),
    [
        ({}, True),
        ({"model": "uno_r4_wifi"}, False),
        ({"model": "uno_r4_wifi", "provisioning": Provisioning(installed="nrf")}, True),
        ({"model": None}, False),
        ({"model": None, "candidates": ["nrf9151_dk", "nrf9160_dk"]}, True),
        ({"model": None, "candidates": ["nrf9151_dk", "uno_r4_wifi"]}, False),
        ({"model": None, "candidates": ["nrf9151_dk", "unknown"]}, False),
    ],
)
def test_boards_that_can_be_nothing_else_are_identified_by_it(
    catalog: Catalog, changes: Any, is_its_own: bool
) -> None:
    assert takes(catalog, thingy(**changes), kind="identify") is is_its_own


async def test_what_only_it_uses_is_refused_elsewhere(catalog: Catalog) -> None:
    for field, value in (("tags", ["a"]), ("token", "x")):
        asked = parse_request({"kind": "provision", "board": "b", "cloud": "arduino", field: value})
        with pytest.raises(InputError) as caught:
            await make_plan(asked, thingy(), attended=True, catalog=catalog, clouds={})
        assert caught.value.facts["field"] == field
