"""What the procedures for Blynk boards need to know before they begin, and what a board is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.errors import NotSupported
from agent.jobs.check import KIND_NAMES, kind_of
from agent.protocols.blynk.config import DEFAULT_PORT, BlynkConfig, StaticAddress
from agent.settings.network import Ethernet, WiFi

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.protocols.blynk.config import Way
    from agent.protocols.blynk.names import Generation
    from agent.protocols.blynk.tokens import Pasted
    from agent.settings import Secret
    from agent.settings.network import NetworkSetting

CLOUD: Final = "blynk"
INSTALLED: Final = "blynk"
"""``provisioning.installed`` of a board that has answered as one of these."""

BoardNetwork: TypeAlias = WiFi | Ethernet
"""Kinds of network that these boards are given from here."""

_HOME: Final = "blynk.cloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlynkOrder:
    """A request, checked."""

    board: str
    """What people call it."""
    cloud: str
    """Title of the cloud."""
    platform: bool
    """The account has an OAuth client."""
    make_name: Callable[[str, str], str]
    """The usual name, out of template and the board's own part."""
    check_template: Callable[[str, str], None]
    """Raises :class:`BlynkTemplate`; the board's and the wanted one."""
    name: str = ""
    network: BoardNetwork | None = None
    """None: the person chooses one of those that the board sees."""
    address: StaticAddress | None = None
    """In its network; None: it asks DHCP."""
    token: Pasted | None = None
    template: str = ""
    listed: bool = True
    """The board is in the list of boards; one that is only reached in its own network is in none."""
    has_board: bool = True
    """False: only its device is meant."""
    access_point: bytes = b""
    """The board's own network, which is to be used; empty: it is not."""
    confirmed: bool = False
    """The person knows the warnings."""


def board_network(network: NetworkSetting) -> BoardNetwork:
    """``network``, if these boards can be given it from here; :class:`NotSupported` else."""
    if isinstance(network, WiFi | Ethernet):
        return network
    raise NotSupported(
        model="Firmware of Blynk",
        what=f"be given a {KIND_NAMES[kind_of(network)]} network",
        why="Its settings for mobile networks are built into the firmware.",
        action="Choose a Wi-Fi network or a cable.",
    )


def board_host(server: str, way: Way, generation: Generation) -> str:
    """What a board is told of the server of its token; empty: its firmware knows the way by itself.

    Any server of Blynk sends boards on to that of the right region, so that a console which knows no
    servers does no harm. A server on this computer is simulated, and so are its boards.
    """
    if server in {"", _HOME, "localhost"} or server.startswith(("127.", "::1")):
        return ""
    of_blynk = server.endswith(f".{_HOME}")
    return "" if of_blynk and way == "console" and generation == 1 else server


def board_port(host: str, port: int) -> int:
    """Of the server that a board is told of; without one its firmware knows it by itself."""
    return port if host else DEFAULT_PORT


def make_config(
    network: BoardNetwork,
    token: Secret,
    host: str,
    *,
    port: int = DEFAULT_PORT,
    address: StaticAddress | None = None,
) -> BlynkConfig:
    """What goes to the board; checked by whoever sends it."""
    static = address
    if isinstance(network, WiFi):
        return BlynkConfig(token=token, wifi=network, host=host, port=port, static=static)
    if network.ip:
        static = StaticAddress(
            ip=network.ip, mask=network.netmask, gateway=network.gateway, dns=network.dns
        )
    return BlynkConfig(token=token, kind="eth", host=host, port=port, static=static)
