"""Addresses that Mooring may fetch for somebody else: a list of beginnings, compared by parts.

Comparing text would let ``https://good.example.evil.net`` pass for ``https://good.example``.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from urllib.parse import SplitResult

ADDRESS_CHARS: Final = 2000
"""Longest address; servers and proxies take no longer ones."""

_ORDINARY = re.compile(r"[!-~]+", re.ASCII)
"""What an address consists of; other characters travel encoded."""
_PORTS: Final = {"https": 443, "http": 80}


def beginning_problem(beginning: str) -> str | None:
    """Why ``beginning`` cannot be an entry of such a list; None: it can."""
    parts = _split(beginning)
    if parts is None:
        return "is not an address"
    if parts.scheme != "https" and not is_here(parts.hostname):
        return "must begin with https://"
    if not parts.path.endswith("/") or parts.query or parts.fragment:
        return "must end with /"
    return None


def server_problem(address: str) -> str | None:
    """Why ``address`` cannot be one that the agent asks by itself; None: it can."""
    parts = _split(address)
    if parts is None:
        return "must be an address such as https://host.example"
    if parts.scheme != "https" and not is_here(parts.hostname):
        return "must begin with https://"
    return None


def is_below(address: str, beginnings: Iterable[str]) -> bool:
    """Whether ``address`` lies below one of them: same scheme, host and port, inside the folder."""
    parts = _split(address)
    if parts is None or ".." in unquote(parts.path).replace("\\", "/").split("/"):
        return False
    for beginning in beginnings:
        allowed = _split(beginning)
        if allowed and _server(parts) == _server(allowed) and parts.path.startswith(allowed.path):
            return True
    return False


def _split(address: str) -> SplitResult | None:
    """The parts of an http(s) address; None for anything that two readers may read differently."""
    if len(address) > ADDRESS_CHARS or not _ORDINARY.fullmatch(address) or "\\" in address:
        return None
    try:
        parts = urlsplit(address)
        _server(parts)
    except ValueError:
        return None
    usual = parts.scheme in _PORTS and parts.hostname and "@" not in parts.netloc
    return parts if usual else None


def is_here(host: str | None) -> bool:
    """Whether it is this computer."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def _server(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
