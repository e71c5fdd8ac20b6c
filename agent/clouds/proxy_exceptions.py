"""Which hosts are reached without the proxy: ``NO_PROXY`` and the exceptions of systems.

A name stands for itself and for everything below it, with or without a dot before it. Addresses
and blocks of addresses (``10.0.0.0/8``) are compared with addresses only; nothing is looked up.
``*`` alone is everything, within a name it stands for any letters. A port narrows an exception.
"""

from __future__ import annotations

import ipaddress
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from agent.clouds.system_proxy import LOCAL_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORT_BLOCK = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})(/[0-9]{1,2})")
"""``169.254/16``, as macOS writes it."""
_WITH_PORT = re.compile(r"(\[[^\]]*\]|[^:]*):([0-9]{1,5})")


def is_excepted(host: str, port: int, exceptions: Iterable[str]) -> bool:
    """Whether one of ``exceptions`` is ``host`` at ``port``; what is no exception is none."""
    name = host.rstrip(".").lower()
    return any(_matches(name, port, each.lower()) for each in exceptions)


def _matches(host: str, port: int, exception: str) -> bool:
    if exception == LOCAL_NAMES:
        return "." not in host and ":" not in host
    wanted = exception.partition("://")[2] or exception
    with_port = _WITH_PORT.fullmatch(wanted)
    if with_port is not None:
        wanted = with_port[1]
        if int(with_port[2]) != port:
            return False
    wanted = wanted.strip("[]").rstrip(".")
    if not wanted:
        return False
    inside = _inside(host, wanted)
    if inside is not None:
        return inside
    if wanted.startswith("*."):
        wanted = wanted[1:]
    if "*" in wanted:
        # Only the star has a meaning here, not the other signs of patterns.
        return fnmatchcase(host, re.sub(r"([\[?])", r"[\1]", wanted))
    wanted = wanted.lstrip(".")
    return host == wanted or (bool(wanted) and host.endswith(f".{wanted}"))


def _inside(host: str, block: str) -> bool | None:
    """Whether the address ``host`` lies in the block of addresses; None: ``block`` is none."""
    short = _SHORT_BLOCK.fullmatch(block)
    if short is not None:
        block = short[1] + ".0" * (3 - short[1].count(".")) + short[2]
    try:
        network = ipaddress.ip_network(block, strict=False)
    except ValueError:
        return None
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False
