"""Addresses of a ThingsBoard server, and which of them secrets may travel to."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agent.clouds.address import is_loopback
from agent.errors import InputError
from agent.settings.credentials import ENCRYPTED

if TYPE_CHECKING:
    from agent.settings.credentials import Scheme

PORTS: Final[dict[str, int]] = {
    "https": 443,
    "http": 80,
    "mqtts": 8883,
    "mqtt": 1883,
    "coaps": 5684,
    "coap": 5683,
}
SCHEMES: Final[dict[str, Scheme]] = {
    "https": "https",
    "http": "http",
    "mqtts": "mqtts",
    "mqtt": "mqtt",
    "coaps": "coaps",
    "coap": "coap",
}
WEB: Final = ("https", "http")
ADDRESS_CHARS: Final = 400
"""A host name has 253; the rest is for a path behind a reverse proxy."""
HOST_CHARS: Final = 253
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_BRACKETS: Final = re.compile(r"\[([0-9a-f:.]+)\](:[0-9]*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Server:
    """One address: ``https://tb.example:8443/base``."""

    scheme: Scheme
    host: str
    """Without brackets."""
    port: int
    path: str = ""
    """HTTP only, without a slash at its end."""

    @property
    def url(self) -> str:
        """The address as people write it; the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def encrypted(self) -> bool:
        """Whether nobody on the way can read along."""
        return self.scheme in ENCRYPTED

    @property
    def for_boards(self) -> Server:
        """Where boards connect if nobody says otherwise: MQTT beside HTTP, else the same."""
        match self.scheme:
            case "https":
                return Server("mqtts", self.host, PORTS["mqtts"])
            case "http":
                return Server("mqtt", self.host, PORTS["mqtt"])
            case _:
                return self


def parse_server(
    field: str, text: str, *, schemes: tuple[str, ...] = tuple(PORTS), insecure_host: str = ""
) -> Server:
    """The server that a person named; :class:`InputError` names ``field``.

    Without encryption only this computer, or the host that was named as ``insecure_host``: whoever
    reads along on the way could then make devices.
    """
    text = text.strip()
    if not text.isascii():
        # Two rules for that are in use, and with some letters they lead to different hosts.
        problem = "has letters beyond a-z; write the name as it travels (xn--…)"
        raise InputError(field=field, problem=problem)
    if not text.isprintable() or " " in text or len(text) > ADDRESS_CHARS:
        raise InputError(field=field, problem="has characters that an address cannot have")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InputError(field=field, problem="is not an address") from None
    if parts.scheme not in schemes or not host:
        begin = ", ".join(f"{scheme}://" for scheme in schemes)
        raise InputError(field=field, problem=f"must begin with one of {begin} and name a host")
    scheme = SCHEMES[parts.scheme]
    if "@" in parts.netloc or "?" in text or "#" in text or "%" in text or port == 0:
        raise InputError(field=field, problem="must be an address alone, without account, ? or #")
    host = host.removesuffix(".")
    if not _is_host(host, parts.netloc):
        raise InputError(field=field, problem="does not name a host as names and addresses are")
    path = parts.path.rstrip("/")
    if path and scheme not in WEB:
        raise InputError(field=field, problem=f"has a path, which {scheme} does not take")
    server = Server(scheme, host, port or PORTS[scheme], path)
    allowed = server.encrypted or is_loopback(host) or host == insecure_host.strip().lower()
    if not allowed:
        problem = (
            f"sends secrets in clear with {scheme}; use {scheme}s, or name {host} as a host to "
            "which that is allowed (insecure_host)"
        )
        raise InputError(field=field, problem=problem)
    return server


def _is_host(host: str, written: str) -> bool:
    """Whether a name or an address can be looked up; what cannot is an error deep in the system."""
    if "[" in written or "]" in written:
        return _BRACKETS.fullmatch(written) is not None
    labels = host.split(".")
    if labels[-1].isdigit():  # the system reads these as addresses, in forms that nobody expects
        try:
            return bool(ipaddress.IPv4Address(host))
        except ValueError:
            return False
    return len(host) <= HOST_CHARS and all(map(_LABEL.fullmatch, labels))
