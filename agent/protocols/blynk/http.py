"""The board's access point: what is asked of its web server, and what it answers.

A target that holds settings holds them in clear, and travels over open Wi-Fi: it is a :class:`Secret`
and is never logged. Sources: ConfigMode.h (generation 1), BlynkInjectWiFiAP.cpp (generation 2).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from agent.protocols.blynk.info import Scan, SeenNetwork, make_scan, parse_network, read_object
from agent.settings import Secret

if TYPE_CHECKING:
    from agent.protocols.blynk.config import BlynkConfig
    from agent.protocols.blynk.names import Generation

ADDRESS: Final = "192.168.4.1"
PORT: Final = 80
INFO: Final = "/board_info.json"
SCAN: Final = "/wifi_scan.json"
CONFIG: Final = "/config"
RESET: Final = "/reset"
REBOOT: Final = "/reboot"
"""Answered by silence: the connection drops."""
BODY_BYTES: Final = 16 * 1024
"""Fifteen networks with names of 32 bytes are some 2 kB."""

_ROW: Final = re.compile(
    rb'\{"ssid":"(?P<ssid>.{0,64}?)","bssid":"(?P<bssid>[0-9A-Fa-f:]{0,17})","rssi":(?P<rssi>-?\d{1,3}),'
    rb'"sec":"(?P<sec>[^"]{0,16})","ch":(?P<ch>\d{1,3})(?:,"hidden":(?P<hidden>[01]))?\}',
    re.DOTALL,
)
"""One network as firmware prints it, with a name that is put in as it is."""


def config_target(config: BlynkConfig) -> Secret:
    """Path and query that give a board its settings; each generation passes over what it does not know."""
    fields = [*config.fields(), ("port_ssl", str(config.port).encode())]
    if config.save:
        fields.append(("save", b"1"))
    # Every byte that is no letter or digit: the firmware takes + for a blank.
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields)
    return Secret(f"{CONFIG}?{query}")


def parse_scan(body: bytes, generation: Generation) -> Scan:
    """``/wifi_scan.json``.

    Generation 1 prints names as they are, so a quote breaks its JSON, and a backslash makes another name
    of it; what it prints is read by its form first.
    """
    if generation == 1:
        printed = _salvage(body)
        if printed.networks or printed.hidden:
            return printed
    try:
        said = json.loads(body.decode())
    except (ValueError, RecursionError):
        return Scan(damaged=True)
    if not isinstance(said, list):
        return Scan(damaged=True)
    found = [parse_network(each) for each in said if isinstance(each, dict)]
    networks = [network for network in found if network is not None]
    return make_scan(networks, damaged=len(networks) < len(said))


def _salvage(body: bytes) -> Scan:
    rows = list(_ROW.finditer(body))
    found: list[SeenNetwork] = []
    for row in rows:
        try:
            ssid = row["ssid"].decode()
        except UnicodeDecodeError:
            continue
        found.append(
            SeenNetwork(
                ssid=ssid,
                rssi_dbm=int(row["rssi"]),
                security=row["sec"].decode("ascii", "replace"),
                bssid=row["bssid"].decode("ascii"),
                channel=min(int(row["ch"]), 255),
                hidden=row["hidden"] == b"1",
            )
        )
    whole = len(found) == body.count(b'","bssid":"')
    return make_scan(found, damaged=not whole)


def parse_message(body: bytes) -> tuple[bool, str]:
    """Whether it is an ``ok``, and the board's words (not cleaned)."""
    said = read_object(body)
    if said is None:
        return False, ""
    words = said.get("msg")
    return said.get("status") == "ok", words if isinstance(words, str) else ""
