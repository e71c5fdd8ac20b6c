"""What is known to be personal on this computer and in what Mooring keeps.

By the names of fields, for the same fields have the same names everywhere: in requests, results,
errors and files.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agent.boards.board import Board
    from agent.desktop.report.masks import Masks
    from agent.jobs.job import Job

KINDS: Final = {
    "ssid": "network",
    "network": "network",
    "apn": "network",
    "access_point": "network",
    "bssid": "hardware",
    "login": "account",
    "username": "account",
    "client_id": "account",
    "organization": "account",
    "organization_id": "account",
    "ip": "address",
    "dns": "address",
    "gateway": "address",
    "netmask": "address",
    "url": "address",
    "app_eui": "id",
    "dev_eui": "id",
    "name": "device",
    "device_name": "device",
    "board_name": "board",
    "board": "board",
    "id": "id",
    "device": "id",
    "device_id": "id",
    "thing_id": "id",
    "claim": "id",
    "expected_board": "board",
    "found_board": "board",
    "uhwid": "board",
    "hardware_id": "board",
    "serial_number": "board",
    "ble_address": "hardware",
    "mac": "hardware",
    "imei": "hardware",
    "also": "board",
    "origin": "page",
    "wanted": "name",
    "user": "user",
}
"""What a field of this name holds. Other texts are looked at for their shape only."""
_NOT_PERSONAL: Final = frozenset({"root", "user", "admin", "administrator", "localhost", "none"})
"""Names that many computers have; without them the report could not be read."""
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy")
_OF_GATEWAY: Final = ("KEY", "SECRET", "TOKEN", "USERNAME", "PASSWORD", "CLIENT_ID")
"""How variables end that hold secrets of the agent as a gateway of ThingsBoard."""
PART_CHARS: Final = 3
"""Shorter parts of a person's name are too common to be looked for."""


def learn_computer(masks: Masks, environ: Mapping[str, str] = os.environ) -> None:
    """The account, the computer's name, the home folder and what the environment has."""
    homes = [Path.home()] if _has_home() else []
    for home in homes:
        masks.learn("home", str(home))
        _learn(masks, "user", home.name)
    for name in _users(environ):
        _learn(masks, "user", name)
    for name in {platform.node(), environ.get("HOSTNAME", ""), environ.get("COMPUTERNAME", "")}:
        _learn(masks, "computer", name)
        _learn(masks, "computer", name.partition(".")[0])
    for name, value in environ.items():
        if name.lower() in _PROXIES:
            learn_url(masks, value)
        elif _is_secret(name):
            masks.learn("secret", value)


def _is_secret(variable: str) -> bool:
    if variable.startswith("TB_GW_"):
        return variable.endswith(_OF_GATEWAY)
    return variable.startswith("MOORING_") and variable != "MOORING_HOME"


def learn_url(masks: Masks, url: str) -> None:
    """The login of an address, as it stands and as it is meant."""
    from urllib.parse import unquote

    with contextlib.suppress(ValueError):
        parts = urlsplit(url if "://" in url else f"//{url}")
        for secret in (parts.username, parts.password):
            if secret:
                masks.learn("secret", secret)
                masks.learn("secret", unquote(secret))
        if parts.hostname:
            _learn(masks, "host", parts.hostname)


def learn_secrets(masks: Masks, data: object) -> None:
    """Every text of an account, and of what tells programs of this user where the agent is."""
    for text in _texts(data):
        masks.learn("secret", text)


def learn_gateway(masks: Masks, data: object) -> None:
    """What the agent is on a ThingsBoard server, and what it proves that with."""
    for part in data.values() if isinstance(data, dict) else ():
        if isinstance(part, dict):
            learn_fields(masks, {"name": part.get("name")}, frozenset())
            credentials = part.get("credentials")
            if isinstance(credentials, dict):
                learn_secrets(masks, {k: text for k, text in credentials.items() if k != "type"})


def learn_jobs(masks: Masks, jobs: Iterable[Job], models: frozenset[str]) -> None:
    """Names and ids in what jobs were asked for, what they found and what they asked.

    ``models``: names of models and ids, which are nobody's.
    """
    import msgspec

    for job in jobs:
        asked = msgspec.to_builtins(job.question, enc_hook=_hidden) if job.question else {}
        asked = {name: asked.get(name) for name in ("network", "networks", "old_devices")}
        error = dict(job.error.facts) if job.error is not None else {}
        known = {"board": job.board, "board_name": job.board_name}
        for data in (job.request, job.result or {}, error, asked, known):
            learn_fields(masks, data, models)


def learn_boards(masks: Masks, boards: Iterable[Board], models: frozenset[str]) -> None:
    """Ids, serial numbers and names of boards."""
    import msgspec

    for board in boards:
        learn_fields(masks, {"board": board.id, "board_name": board.name}, models)
        learn_fields(masks, {"uhwid": board.uhwid}, models)
        for port in board.ports:
            learn_fields(masks, msgspec.to_builtins(port), models)


def learn_fields(masks: Masks, data: object, models: frozenset[str], name: str = "") -> None:
    """Texts of JSON data by the names of their fields, at any depth."""
    if isinstance(data, dict):
        for key, value in data.items():
            learn_fields(masks, value, models, str(key))
        if isinstance(raw := data.get("ssid_hex"), str):
            with contextlib.suppress(ValueError):
                masks.learn("network", bytes.fromhex(raw).decode("utf-8", "replace"))
    elif isinstance(data, list):
        for value in data:
            learn_fields(masks, value, models, name)
    elif isinstance(data, str) and name in KINDS and data not in models:
        _learn(masks, KINDS[name], data)


def _learn(masks: Masks, kind: str, value: str) -> None:
    if value.lower() not in _NOT_PERSONAL:
        masks.learn(kind, value)


def _users(environ: Mapping[str, str]) -> Iterator[str]:
    with contextlib.suppress(OSError, KeyError, ImportError):
        yield getpass.getuser()
    yield from (environ.get(name, "") for name in ("SUDO_USER", "USER", "USERNAME", "LOGNAME"))
    if sys.platform != "win32":
        import pwd

        with contextlib.suppress(KeyError):
            person = pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0]
            if person.lower() not in _NOT_PERSONAL:
                yield person
                yield from (part for part in person.split() if len(part) > PART_CHARS)


def _has_home() -> bool:
    try:
        return len(Path.home().parts) > 1
    except RuntimeError:
        return False


def _texts(data: object) -> Iterator[str]:
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, list):
        for value in data:
            yield from _texts(value)
    elif isinstance(data, str):
        yield data


def _hidden(value: object) -> object:
    return str(value) if isinstance(value, Secret) else None
