"""What a board is given of a network and a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import NotSupported
from agent.jobs.blynk.order import board_host, board_network, board_port, make_config
from agent.protocols.blynk.config import StaticAddress
from agent.settings.network import CatM1, Ethernet
from tests.jobs.blynk.samples import HOME, TOKEN

if TYPE_CHECKING:
    from agent.protocols.blynk.config import Way
    from agent.protocols.blynk.names import Generation


@pytest.mark.parametrize(
    ("server", "way", "generation", "told"),
    [
        ("", "ble", 2, ""),
        ("blynk.cloud", "http", 1, ""),
        ("127.0.0.1", "http", 2, ""),
        ("fra1.blynk.cloud", "console", 1, ""),
        ("fra1.blynk.cloud", "console", 2, "fra1.blynk.cloud"),
        ("fra1.blynk.cloud", "http", 1, "fra1.blynk.cloud"),
        ("blynk.example.com", "console", 1, "blynk.example.com"),
    ],
)
def test_a_board_is_told_its_server_unless_it_finds_it_by_itself(
    server: str, way: Way, generation: Generation, told: str
) -> None:
    assert board_host(server, way, generation) == told


def test_a_cable_goes_with_its_addresses_and_without() -> None:
    fixed = Ethernet(ip="10.0.0.5", netmask="255.255.255.0", gateway="10.0.0.1", dns="10.0.0.2")
    config = make_config(fixed, TOKEN, "")
    assert (config.kind, config.wifi) == ("eth", None)
    assert config.static == StaticAddress("10.0.0.5", "255.255.255.0", "10.0.0.1", "10.0.0.2")
    config.check()
    assert make_config(Ethernet(), TOKEN, "").static is None
    assert make_config(HOME, TOKEN, "x.example").host == "x.example"


def test_a_wifi_network_goes_with_a_fixed_address_and_the_port_of_ones_own_server() -> None:
    fixed = StaticAddress("10.0.0.5", "255.255.255.0", "10.0.0.1", "10.0.0.2", "9.9.9.9")
    port = board_port("x.example", 9443)
    config = make_config(HOME, TOKEN, "x.example", port=port, address=fixed)
    assert (config.wifi, config.static, config.port) == (HOME, fixed, 9443)
    config.check_for("http", 1)
    assert board_port("", 9443) == 443
    assert make_config(Ethernet(), TOKEN, "", address=fixed).static == fixed


def test_other_networks_are_refused() -> None:
    assert board_network(HOME) is HOME
    with pytest.raises(NotSupported):
        board_network(CatM1(apn="x"))
