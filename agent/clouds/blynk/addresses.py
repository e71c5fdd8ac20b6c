"""Servers of Blynk.Cloud, and which of them may be followed with secrets."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from agent.clouds.address import check_base_url, is_loopback

CLOUD: Final = "blynk"
"""Its id."""
HOME: Final = "blynk.cloud"
DEFAULT: Final = f"https://{HOME}"
REGIONS: Final = {
    "fra1": "Frankfurt",
    "lon1": "London",
    "ny3": "New York",
    "sgp1": "Singapore",
    "blr1": "Bangalore",
}
"""Source: documentation of the device HTTPS interface, troubleshooting."""
SERVER_CHARS: Final = 260


def parse_server(text: str, field: str = "server") -> str:
    """The address of a server: ``fra1``, ``fra1.blynk.cloud`` or with https:// before it.

    Empty: Blynk's own, wherever its name leads. :class:`agent.errors.InputError` names ``field``.
    """
    bare = text.strip().lower() if "://" not in text else text.strip()
    if not bare:
        return DEFAULT
    if bare in REGIONS:
        return f"https://{bare}.{HOME}"
    return check_base_url(field, bare if "://" in bare else f"https://{bare}")


def host_of(base_url: str) -> str:
    """The host of an address, as boards are told it."""
    return urlsplit(base_url).hostname or ""


def port_of(base_url: str) -> int:
    """Its port."""
    parts = urlsplit(base_url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def redirected(base_url: str, path: str, location: str) -> str | None:
    """The address of the server that ``location`` names for ``path``; None: not one to follow.

    Tokens go along, so it has to be another server of Blynk's, a host below the one that sent, or
    this computer if that is where it was sent from.
    """
    try:
        target, now = urlsplit(location), urlsplit(base_url)
        port = f":{target.port}" if target.port else ""
    except ValueError:
        return None
    here, there = (now.hostname or "").lower(), (target.hostname or "").lower()
    if target.path != path or target.username is not None or not there.isascii():
        return None
    scheme_kept = target.scheme == "https" or (target.scheme == now.scheme and is_loopback(there))
    family = HOME if _within(here, HOME) else here
    if not scheme_kept or not (
        _within(there, family) or (is_loopback(here) and is_loopback(there))
    ):
        return None
    host = f"[{there}]" if ":" in there else there
    return f"{target.scheme}://{host}{port}"


def _within(host: str, family: str) -> bool:
    return bool(family) and (host == family or host.endswith(f".{family}"))
