"""Which jobs are the kit's own, and what is refused before any board is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.board import Board, Provisioning
from agent.clouds.accounts import AccountStore
from agent.clouds.blynk.cloud import Blynk
from agent.errors import InputError, MooringError, NotSupported
from agent.jobs.blynk.facts import blynk_left
from agent.jobs.blynk.kit import BlynkKit
from agent.jobs.blynk.provision import ProvisionBlynk
from agent.jobs.kit import RecoveringKit
from agent.jobs.request import parse_request
from tests.jobs.blynk.blynk_bench import NETWORK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TOKEN = "marker_token_0123456789abcdef012"
LINES = f'#define BLYNK_TEMPLATE_ID "TMPLdemo00001"\n#define BLYNK_AUTH_TOKEN "{TOKEN}"'


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[BlynkKit]:
    cloud = Blynk(accounts=AccountStore(tmp_path / "accounts.json", use_keyring=False))
    yield BlynkKit(cloud)
    await cloud.close()


def board(installed: str | None = None) -> Board:
    provisioning = Provisioning(installed=installed)
    return Board(
        id="b",
        name="ESP32",
        model=None,
        fqbn=None,
        ports=[],
        provisioning=provisioning,
        first_seen=0.0,
    )


def request(kind: str = "provision", **fields: Any) -> Any:
    return parse_request({"kind": kind, "board": "b"} | fields)


@pytest.mark.parametrize(
    ("kind", "cloud", "installed", "its"),
    [
        ("provision", "blynk", None, True),
        ("provision", "nrf", "blynk", False),
        ("provision", None, "blynk", False),
        ("identify", "blynk", None, True),
        ("identify", None, "blynk", True),
        ("identify", None, "2.0", False),
        ("forget", None, "blynk", True),
        ("configure", None, "blynk", True),
        ("networks", None, "improv", False),
        ("renew", "blynk", None, True),
        ("remove", "blynk", None, True),
        ("remove", None, "blynk", False),
        ("flash", None, "blynk", False),
    ],
)
def test_what_is_its_own(
    kit: BlynkKit, kind: str, cloud: str | None, installed: str | None, its: bool
) -> None:
    fields = {} if cloud is None else {"cloud": cloud}
    assert kit.takes(request(kind, **fields), board(installed), None) is its
    assert isinstance(kit, RecoveringKit)


@pytest.mark.parametrize(
    ("kind", "fields", "wrong"),
    [
        ("provision", {"token": TOKEN[:-1]}, "token"),
        ("provision", {"token": LINES, "template": "TMPLdemo00000"}, "template"),
        ("provision", {"template": "demo"}, "template"),
        ("provision", {"name": "a/b"}, "name"),
        ("provision", {"network": NETWORK | {"ssid": "é" * 17}}, "ssid"),
        ("provision", {"credentials": "certificate"}, "credentials"),
        ("provision", {"access_point": "x" * 33, "board": ""}, "access_point"),
        ("renew", {"board": "", "name": "Kitchen"}, "board"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field(
    kit: BlynkKit, kind: str, fields: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(InputError) as caught:
        await kit.plan(request(kind, cloud="blynk", **fields), board(), None, "usb", attended=True)
    assert caught.value.facts["field"] == wrong
    assert TOKEN[:-1] not in str(caught.value.report())


async def test_mobile_networks_are_refused(kit: BlynkKit) -> None:
    asked = request(cloud="blynk", network={"kind": "gsm", "apn": "x"})
    with pytest.raises((NotSupported, MooringError)):
        await kit.plan(asked, board(), None, "usb", attended=True)


async def test_what_is_shown_of_a_request_holds_no_secret(kit: BlynkKit) -> None:
    asked = request(cloud="blynk", token=LINES, network=NETWORK, name="Shed")
    way = await kit.plan(asked, board(), None, "usb", attended=True)
    assert isinstance(way.machine, ProvisionBlynk)
    assert way.shown == {
        "cloud": "blynk",
        "name": "Shed",
        "network": {"kind": "wifi", "ssid": "HomeNet"},
    }
    assert way.machine.order.token is not None
    assert way.machine.order.token.template_id == "TMPLdemo00001"
    assert kit.recovery([]) is None
    assert blynk_left([]) is None


async def test_a_board_with_a_link_uses_its_own_network_only_if_that_is_said(kit: BlynkKit) -> None:
    for via, point in (("usb", b""), (None, b""), ("ap", b"Blynk X-0W8N")):
        fields = {} if via is None else {"via": via}
        asked = request("identify", cloud="blynk", access_point="Blynk X-0W8N", **fields)
        way = await kit.plan(asked, board(), None, "usb", attended=True)
        assert way.machine.order.access_point == point  # type: ignore[attr-defined]  # of this kit


FIXED = {"ip": "192.168.1.50", "netmask": "255.255.255.0", "gateway": "192.168.1.1"}


@pytest.mark.parametrize(
    ("address", "network", "field"),
    [
        (FIXED, NETWORK, ""),
        (FIXED | {"gateway": "10.0.0.1"}, NETWORK, "address.gateway"),
        (FIXED | {"netmask": "255.0.255.0"}, NETWORK, "address.netmask"),
        (FIXED | {"ip": "192.168.1.0"}, NETWORK, "address.ip"),
        (FIXED, {"kind": "ethernet", **FIXED}, "address"),
    ],
)
async def test_a_fixed_address_is_checked_before_any_board_is_asked(
    kit: BlynkKit, address: dict[str, str], network: dict[str, Any], field: str
) -> None:
    asked = request(cloud="blynk", network=network, address=address)
    if field:
        with pytest.raises(InputError) as raised:
            await kit.plan(asked, board(), None, "usb", attended=True)
        assert raised.value.facts["field"] == field
        return
    way = await kit.plan(asked, board(), None, "usb", attended=True)
    assert isinstance(way.machine, ProvisionBlynk)
    assert way.machine.order.address is not None
    assert way.machine.order.address.mask == "255.255.255.0"
    assert (way.shown or {})["address"] == FIXED["ip"]
