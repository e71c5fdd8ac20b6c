"""From requests to procedures of nRF Cloud: everything that is refused before a board is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import MooringError
from agent.jobs.absent import absent_board
from agent.jobs.nrf import effects as fx
from agent.jobs.nrf.identify import NrfIdentify
from agent.jobs.nrf.plan import nrf_way
from agent.jobs.nrf.provision import NrfProvision
from agent.jobs.nrf.remove import NrfRemove
from agent.jobs.nrf.renew import NrfRenew
from agent.jobs.request import parse_request
from tests.jobs.nrf import samples
from tests.jobs.nrf.samples import Account, thingy

if TYPE_CHECKING:
    from agent.jobs.planner import Way

ID = samples.ID


async def way(*, signed_in: bool = True, via: Any = "usb", **request: Any) -> Way:
    parsed = parse_request({"cloud": "nrf", "board": "thingy91x-1"} | request)
    board = absent_board(parsed) or thingy()
    account: Any = Account(signed_in=signed_in)
    return await nrf_way(parsed, board, account, via, attended=True)


async def code(**request: Any) -> str:
    with pytest.raises(MooringError) as caught:
        await way(**request)
    field = caught.value.facts.get("field")
    return f"{caught.value.code} {field}" if field else caught.value.code


async def test_each_kind_has_its_procedure_and_shows_no_secret() -> None:
    token = samples.token().text
    found = await way(kind="provision", name="kitchen", tags=["a"], token=token)
    assert isinstance(found.machine, NrfProvision)
    assert found.shown == {"cloud": "nrf", "name": "kitchen", "tags": ["a"]}
    assert found.machine.order.token
    found = await way(kind="renew", commands=[{"psk": {"identity": "i", "secret": "c0ffee"}}])
    assert isinstance(found.machine, NrfRenew)
    assert found.shown == {"cloud": "nrf", "commands": ["psk"]}
    assert isinstance((await way(kind="remove")).machine, NrfRemove)
    found = await way(kind="identify", signed_in=False)
    assert isinstance(found.machine, NrfIdentify)


@pytest.mark.parametrize("foreign", [False, True])
async def test_the_team_is_asked_about_a_board_for_own_pages_alone(*, foreign: bool) -> None:
    found = await way(kind="identify", foreign=foreign)
    drive = samples.NrfDrive(found.machine).done(fx.OpenModem, samples.modem())
    drive.done(fx.ReadToken, samples.token())
    asked = drive.waits_for(fx.LookClaimed) is not None
    assert asked is not foreign


async def test_what_is_not_here_is_known_by_its_token_or_its_id() -> None:
    found = await way(kind="provision", board="", token=samples.token().text.reveal())
    assert isinstance(found.machine, NrfProvision)
    assert not found.machine.order.has_board
    for kind in ("renew", "remove"):
        found = await way(kind=kind, board="", name=ID.upper())
        assert found.machine.device_id == ID  # type: ignore[attr-defined]  # of both of them
        found = await way(kind=kind, board="", name=" Gewächshaus 2 ")
        assert found.machine.order.wanted == "Gewächshaus 2"  # type: ignore[attr-defined]  # as above
        assert found.machine.device_id == ""  # type: ignore[attr-defined]  # as above


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"kind": "provision", "signed_in": False}, "cloud-not-signed-in"),
        ({"kind": "provision", "via": "ble"}, "needs-cable"),
        ({"kind": "provision", "tags": ["a,b"]}, "input tags"),
        ({"kind": "provision", "tags": [" a"]}, "input tags"),
        ({"kind": "provision", "tags": "a"}, "input tags"),
        ({"kind": "provision", "name": " "}, "input name"),
        ({"kind": "provision", "network": {"kind": "wifi", "ssid": "x"}}, "input network"),
        ({"kind": "provision", "procedure": "improv"}, "input procedure"),
        ({"kind": "provision", "token": "x.y"}, "nrf-token-input"),
        ({"kind": "provision", "token": samples.IDENTITY.attest()[:100]}, "nrf-token-input"),
        ({"kind": "provision", "board": ""}, "input board"),
        ({"kind": "provision", "commands": []}, "input commands"),
        ({"kind": "renew", "commands": "x"}, "input commands"),
        ({"kind": "renew", "name": "x"}, "input name"),
        ({"kind": "renew", "board": ""}, "input board"),
        ({"kind": "remove", "board": "", "name": "a\nb"}, "input name"),
        ({"kind": "remove", "board": "", "name": "x" * 257}, "input name"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(request_: Any, expected: str) -> None:
    assert await code(**request_) == expected


async def test_a_token_that_is_refused_is_shown_nowhere() -> None:
    text = samples.IDENTITY.attest()[:-8]
    with pytest.raises(MooringError) as caught:
        await way(kind="provision", token=text)
    assert text[:20] not in repr(caught.value.report())
