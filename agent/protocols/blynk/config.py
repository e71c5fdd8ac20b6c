"""What a Blynk board is given: one configuration for three deliveries, checked before anything is sent.

Limits are bytes of UTF-8 and come from the buffers of generation 1 (ConfigStore.h: ``wifiSSID[34]``,
``wifiPass[64]``, ``cloudToken[34]``, ``cloudHost[34]``); what is longer would be cut without a word.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from agent.errors import InputError, NotSupported

if TYPE_CHECKING:
    from agent.protocols.blynk.names import Generation
    from agent.settings import Secret
    from agent.settings.network import WiFi

Way: TypeAlias = Literal["console", "ble", "http"]
NetworkKind: TypeAlias = Literal["wifi", "eth", "cell"]

TOKEN_CHARS: Final = 32
HOST_BYTES: Final = 33
DEFAULT_HOST: Final = "blynk.cloud"
DEFAULT_PORT: Final = 443
_TOKEN: Final = re.compile(r"[-_a-zA-Z0-9]*")
_HOST: Final = re.compile(r"[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class StaticAddress:
    """A fixed IPv4 address in place of DHCP."""

    ip: str
    mask: str
    gateway: str
    dns: str = ""
    dns2: str = ""

    def check(self) -> None:
        """Raise :class:`InputError` for what a board would silently replace by DHCP."""
        ip, gateway = _address("ip", self.ip), _address("gateway", self.gateway)
        _address("mask", self.mask)
        for name in ("dns", "dns2"):
            if getattr(self, name):
                _address(name, getattr(self, name))
        try:
            network = ipaddress.IPv4Network((ip, self.mask), strict=False)
        except ValueError:
            network = None
        if network is None or ipaddress.IPv4Address(self.mask) != network.netmask:
            raise InputError(field="mask", problem="is no netmask, as 255.255.255.0 is one")
        if ip in (network.network_address, network.broadcast_address) and network.prefixlen < 31:
            raise InputError(field="ip", problem="stands for the whole network, not for one board")
        if gateway not in network:
            raise InputError(field="gateway", problem="is not in the same network as the address")


@dataclass(frozen=True, slots=True)
class BlynkConfig:
    """Settings and token of one board."""

    token: Secret = field(repr=False)
    wifi: WiFi | None = None
    """For the kind ``wifi``."""
    kind: NetworkKind = "wifi"
    host: str = ""
    """Of the server; empty: the board's own, most often ``blynk.cloud``."""
    port: int = DEFAULT_PORT
    static: StaticAddress | None = None
    save: bool = False
    """Store it at once, without trying it first: for a place where the network is not there."""

    def check(self) -> None:
        """Raise :class:`InputError` that names the first field that no board could take."""
        check_token(self.token)
        if self.kind == "wifi":
            if self.wifi is None:
                raise InputError(field="ssid", problem="the network name is empty")
            self.wifi.check()
            if b"\0" in self.wifi.ssid_bytes:
                problem = "contains a zero character, which the board cannot store"
                raise InputError(field="ssid", problem=problem)
        elif self.wifi is not None:
            raise InputError(field="ssid", problem=f"is not used with {self.kind}")
        if self.host:
            _check_host(self.host)
        if not 0 < self.port < 0x10000:
            raise InputError(field="port", problem="is between 1 and 65535")
        if self.static is not None:
            self.static.check()

    def check_for(self, way: Way, generation: Generation) -> None:
        """:meth:`check`, and raise :class:`NotSupported` for what gets lost on this way."""
        self.check()
        for what, why in self._lost(way, generation):
            action = "Use the board's access point, or leave this setting out."
            if way == "http":
                action = "Leave this setting out."
            raise NotSupported(model="This board", what=what, why=why, action=action)
        if way == "ble" and self.wifi is not None:
            try:
                self.wifi.ssid_bytes.decode()
            except UnicodeDecodeError:
                problem = (
                    "is no text, which Bluetooth needs; use the board's console or access point"
                )
                raise InputError(field="ssid", problem=problem) from None

    def _lost(self, way: Way, generation: Generation) -> list[tuple[str, str]]:
        other_host = self.host not in {"", DEFAULT_HOST}
        other_port = self.port != DEFAULT_PORT
        console = way == "console"
        lost = [
            (
                generation == 1 and self.kind != "wifi",
                f"use {self.kind}",
                "Firmware of this generation knows Wi-Fi alone.",
            ),
            (
                console and generation == 1 and other_host,
                "use another server",
                "Its console has no setting for it.",
            ),
            (
                other_port and (console or generation == 2),
                "use another port",
                "Firmware of this generation, or its console, always uses 443.",
            ),
            (
                console and self.static is not None,
                "use a fixed address",
                "Its console has no setting for it.",
            ),
            (
                console and self.save,
                "store settings untested",
                "On its console settings are tested first.",
            ),
        ]
        return [(what, why) for applies, what, why in lost if applies]

    def fields(self) -> list[tuple[str, bytes]]:
        """Name and value of each parameter, in the vendor's words; secrets in clear."""
        said: list[tuple[str, bytes]] = [("if", self.kind.encode())]
        if self.wifi is not None:
            said += [
                ("ssid", self.wifi.ssid_bytes),
                ("pass", self.wifi.password.reveal().encode()),
            ]
        said.append(("blynk", self.token.reveal().encode()))
        if self.host:
            said.append(("host", self.host.encode()))
        static = self.static
        if static is not None:
            names = ("ip", "mask", "gw", "dns", "dns2")
            values = (static.ip, static.mask, static.gateway, static.dns, static.dns2)
            said += [(n, v.encode()) for n, v in zip(names, values, strict=True) if v]
        return said


def check_token(token: Secret) -> None:
    """Raise :class:`InputError` unless it is 32 of the characters that tokens are made of."""
    text = token.reveal()
    if len(text) != TOKEN_CHARS:
        problem = f"has {len(text)} characters; a token of Blynk has exactly {TOKEN_CHARS}"
        raise InputError(field="token", problem=problem)
    if not _TOKEN.fullmatch(text):
        problem = "holds something else than letters, digits, - and _"
        raise InputError(field="token", problem=problem)


def _check_host(host: str) -> None:
    if len(host.encode()) > HOST_BYTES:
        problem = f"is {len(host.encode())} bytes long; at most {HOST_BYTES} fit"
        raise InputError(field="host", problem=problem)
    if not _HOST.fullmatch(host):
        raise InputError(field="host", problem="is a name alone, as fra1.blynk.cloud is one")


def _address(name: str, text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise InputError(field=name, problem="is not an IPv4 address") from None
