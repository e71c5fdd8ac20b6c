"""What types cannot say of a setting: addresses, whole paths, and settings that fit together."""

from __future__ import annotations

import difflib
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Final

from agent.settings.addresses import beginning_problem, server_problem
from agent.settings.config import TOOLS
from agent.settings.nvs_names import keys_problem
from agent.settings.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.settings.config import Config
    from agent.settings.proxy import ProxyAddress

CONTROL_PROBLEM: Final = "holds a character that cannot be typed"
"""Of a text; in a file it is most often a path with single backslashes in double quotes."""


def check_value(name: str, value: object) -> str | None:
    """Why the setting ``name`` cannot have this value, of the right type; None: it can."""
    if any(_control(text) for text in _texts(value)):
        return CONTROL_PROBLEM
    check = _CHECKS.get(name)
    return None if check is None else check(value)


def check_together(config: Config) -> dict[str, str]:
    """What is wrong with settings that do not fit each other, said of each of them."""
    first, last = config.bridge.first_port, config.bridge.last_port
    if first <= last:
        return {}
    return {
        "bridge.first_port": f"is {first}, which is above bridge.last_port ({last})",
        "bridge.last_port": f"is {last}, which is below bridge.first_port ({first})",
    }


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for text in pair]
    return value if isinstance(value, list) else []


def _control(text: str) -> bool:
    """Also half characters (lone surrogates), which no file can hold."""
    return any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in text)


def _tools_problem(tools: dict[str, str]) -> str | None:
    for name, program in tools.items():
        if name not in TOOLS:
            near = difflib.get_close_matches(name, TOOLS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(TOOLS)}"
            return f"names {clean_text(name, 40)} ({hint})"
        # The agent has no folder of its own that a name could be below.
        if not _is_whole(program):
            return f"must have a whole path for {name}"
    return None


def _urls_problem(urls: list[str]) -> str | None:
    for number, url in enumerate(urls, 1):
        problem = beginning_problem(url)
        if problem is not None and "@" in url:
            # It may be a password, and what is said here stands in logs and reports.
            return f"must hold addresses without a name or password (entry {number} has an @)"
        if problem is not None:
            return f"holds {clean_text(url)}, which {problem}"
    return None


def _ports_problem(addresses: list[str]) -> str | None:
    for address in addresses:
        if "," in address:
            apart = ", ".join(f'"{part}"' for part in split_addresses(address))
            return f"takes a text for each address, without commas inside: [{clean_text(apart)}]"
    return None


def split_addresses(text: str) -> list[str]:
    """The addresses of ports that were meant by one text with commas."""
    return [part for each in text.split(",") if (part := each.strip(" []\"'"))]


def _path_problem(path: str) -> str | None:
    return "must be a whole path" if path and not _is_whole(path) else None


def _is_whole(path: str) -> bool:
    """Of any system: people share their settings between computers."""
    return PureWindowsPath(path).is_absolute() or PurePosixPath(path).is_absolute()


def _server_problem(url: str) -> str | None:
    return server_problem(url) if url else None


def _list_problem(url: str) -> str | None:
    """Of a signed list that the agent fetches by itself."""
    return server_problem(url) or ("must have no #" if "#" in url else None)


def _base_problem(url: str) -> str | None:
    """Of an address to which secrets travel, and that paths are put behind."""
    return server_problem(url) or ("must have no ? or #" if {"?", "#"} & set(url) else None)


def _broker_problem(url: str) -> str | None:
    """Of the server of a gateway; whether it may be reached unencrypted is said when it is."""
    host = url.partition("://")[2]
    right = url.startswith(("mqtts://", "mqtt://")) and host and not set(host) & set("/?#@ ")
    return None if right or not url else "must be mqtts:// (or mqtt://) and a host, maybe a port"


def _name_problem(name: str) -> str | None:
    return "begins or ends with a blank" if name != name.strip() else None


def _proxy_problem(proxy: ProxyAddress) -> str | None:
    return proxy.problem()


_CHECKS: Final[dict[str, Callable[[Any], str | None]]] = {
    "flash.tools": _tools_problem,
    "flash.urls": _urls_problem,
    "nvs.keys": keys_problem,
    "ports.ignore": _ports_problem,
    "ports.extra": _ports_problem,
    "network.certificates": _path_problem,
    "network.proxy": _proxy_problem,
    "gateway.server": _broker_problem,
    "gateway.ca": _path_problem,
    "gateway.device_name": _name_problem,
    "updates.url": _server_problem,
    "arduino.base_url": _base_problem,
    "nrf.provisioning_url": _base_problem,
    "nrf.devices_url": _base_problem,
    "sketches.index_url": _list_problem,
    "compat.tool_index_url": _list_problem,
}
