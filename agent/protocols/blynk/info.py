"""What a board says of itself and of the networks around it, whatever the way it says so.

Everything is text of others: cleaned and bounded here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agent.protocols.blynk.names import parse_name
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.protocols.blynk.names import Generation

TEXT_CHARS: Final = 64
"""Of any text that a board says; the longest that is meant to be longer is no name."""
NETWORKS_MAX: Final = 64
"""A board lists 15 over its access point, 30 over Bluetooth LE, and on its console what it found."""
INTERFACES_MAX: Final = 8
TEMPLATE_PREFIX: Final = "TMPL"
DYNAMIC: Final = "DYNAMIC"
"""A template id that says: who sets the board up chooses one (Linux)."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A way of the board into a network."""

    name: str
    """``wifi``, ``eth`` or ``cell``; others may come."""
    mac: str = ""
    scans: bool = False
    static_ip: bool = False
    five_ghz: bool = False
    wants_pin: bool = False
    wants_apn: bool = False
    status: str = ""
    """``ready``: it is online over this one already."""


@dataclass(frozen=True, slots=True)
class BoardInfo:
    """A board with Edgent firmware, or Linux with the vendor's library."""

    generation: Generation
    name: str = ""
    """As it is called in the air."""
    vendor: str = ""
    template_name: str = ""
    """Generation 1 alone says it."""
    template_id: str = ""
    firmware_type: str = ""
    firmware_version: str = ""
    uid: str = ""
    """Id of the hardware; generation 2 alone says it."""
    last_error: int = 0
    """See :mod:`agent.protocols.blynk.failures`."""
    interfaces: tuple[Interface, ...] = ()
    live_status: bool = False

    @property
    def own_marks(self) -> tuple[str, ...]:
        """What no other board says of itself; the first is the same on every way to it, if it has one.

        The name has a part that is made of the chip's id; a name without is one of many boards.
        """
        name = self.name if parse_name(self.name) is not None else ""
        return tuple(filter(None, (name, self.uid)))

    @property
    def name_was_cut(self) -> bool:
        """Its template's name and its own part did not fit into the name of a network."""
        air = parse_name(self.name)
        shown = air.template.rstrip("\N{REPLACEMENT CHARACTER} ") if air is not None else ""
        return bool(shown) and shown != self.template_name and self.template_name.startswith(shown)

    @property
    def template_problem(self) -> str:
        """Why no cloud can take it; empty: nothing is wrong with its template id."""
        if self.template_id.startswith(TEMPLATE_PREFIX) or self.template_id == DYNAMIC:
            return ""
        return "its firmware was built without the template id of a product (TMPL…)"


@dataclass(frozen=True, slots=True)
class SeenNetwork:
    """A Wi-Fi network that the board sees."""

    ssid: str
    """As the board says it: shown cleaned, sent back unchanged."""
    rssi_dbm: int
    security: str = ""
    """``OPEN``, ``WPA2``, …; empty or ``unknown``: it does not say."""
    bssid: str = ""
    channel: int = 0
    hidden: bool = False

    @property
    def open(self) -> bool:
        """It needs no password."""
        return self.security == "OPEN"


@dataclass(frozen=True, slots=True)
class Scan:
    """What came of looking for networks, strongest first, each name once."""

    networks: tuple[SeenNetwork, ...] = ()
    hidden: int = 0
    """Networks that do not tell their name."""
    damaged: bool = False
    """Some of the list could not be read: the name may have to be typed."""


def make_scan(found: Iterable[SeenNetwork], *, damaged: bool = False) -> Scan:
    """Sorted, each name once, without hidden ones."""
    best: dict[str, SeenNetwork] = {}
    hidden = 0
    for network in found:
        if not network.ssid or network.hidden:
            hidden += 1
        elif network.ssid not in best or best[network.ssid].rssi_dbm < network.rssi_dbm:
            best[network.ssid] = network
    networks = sorted(best.values(), key=lambda network: -network.rssi_dbm)
    return Scan(tuple(networks[:NETWORKS_MAX]), hidden, damaged)


def parse_network(said: dict[str, Any]) -> SeenNetwork | None:
    """One network out of JSON; None if it is none."""
    ssid, rssi = said.get("ssid"), said.get("rssi")
    if not isinstance(ssid, str) or not isinstance(rssi, int) or len(ssid.encode()) > TEXT_CHARS:
        return None
    channel = said.get("ch")
    return SeenNetwork(
        ssid=ssid,
        rssi_dbm=max(-127, min(20, rssi)),
        security=_text(said, "sec"),
        bssid=_text(said, "bssid"),
        channel=channel if isinstance(channel, int) and 0 <= channel < 256 else 0,
        hidden=said.get("hidden") == 1,
    )


def parse_board_info(body: bytes) -> BoardInfo | None:
    """``/board_info.json`` of either generation; None: this is no Blynk board."""
    said = read_object(body)
    if said is None or not isinstance(said.get("tmpl_id"), str):
        return None
    if "board" in said and "ssid" in said:
        wifi = Interface(
            name="wifi",
            mac=_text(said, "mac"),
            scans=bool(said.get("wifi_scan")),
            static_ip=bool(said.get("static_ip")),
            five_ghz=bool(said.get("5ghz")),
        )
        return BoardInfo(
            generation=1,
            name=_text(said, "ssid"),
            template_name=_text(said, "board"),
            interfaces=(wifi,),
            **_common(said),
        )
    if "vendor" not in said and "ifs" not in said:
        return None
    listed = said.get("ifs")
    interfaces = [parse_interface(each) for each in listed] if isinstance(listed, list) else []
    return parse_info(said, [each for each in interfaces if each is not None])


def parse_info(said: dict[str, Any], interfaces: Iterable[Interface] = ()) -> BoardInfo:
    """Generation 2: ``info`` over Bluetooth LE, or the same fields over HTTP."""
    caps = said.get("caps")
    return BoardInfo(
        generation=2,
        name=_text(said, "name"),
        vendor=_text(said, "vendor"),
        uid=_text(said, "uid"),
        interfaces=tuple(interfaces)[:INTERFACES_MAX],
        live_status=isinstance(caps, list) and "live_status" in caps,
        **_common(said),
    )


def parse_interface(said: object) -> Interface | None:
    """One entry of ``ifs``; None if it is none."""
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        return None
    return Interface(
        name=_text(said, "name"),
        mac=_text(said, "mac"),
        scans=bool(said.get("scan")),
        static_ip=bool(said.get("static_ip")),
        five_ghz=bool(said.get("5ghz")),
        wants_pin=bool(said.get("pin")),
        wants_apn=bool(said.get("apn")),
        status=_text(said, "status"),
    )


_DEVINFO: Final = re.compile(
    r'\{"name":"(?P<name>.*)","board":"(?P<board>.*)","tmpl_id":"(?P<tmpl_id>.*)",'
    r'"fw_type":"(?P<fw_type>.*)","fw_ver":"(?P<fw_ver>.*)"\}'
)
"""Not JSON for certain: firmware puts names in as they are, quotes too."""


def parse_devinfo(line: str) -> dict[str, str] | None:
    """The console's answer to ``devinfo``, in a line that may have other text around it."""
    found = _DEVINFO.search(line)
    return None if found is None else found.groupdict()


def console_info(said: dict[str, str], generation: Generation, *, wifi: bool) -> BoardInfo:
    """What a board said on its console; ``wifi``: it has commands for Wi-Fi there."""
    return BoardInfo(
        generation=generation,
        name=_text(said, "name"),
        template_name=_text(said, "board"),
        interfaces=(Interface(name="wifi", scans=True),) * wifi,
        **_common(said),
    )


def read_object(data: bytes) -> dict[str, Any] | None:
    """A JSON object; None for anything else."""
    try:
        said = json.loads(data.decode())
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _common(said: dict[str, Any]) -> dict[str, Any]:
    code = said.get("last_error")
    return {
        "template_id": _text(said, "tmpl_id"),
        "firmware_type": _text(said, "fw_type"),
        "firmware_version": _text(said, "fw_ver"),
        "last_error": code if isinstance(code, int) and 0 <= code < 10_000 else 0,
    }


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    return clean_text(value, TEXT_CHARS) if isinstance(value, str) else ""
