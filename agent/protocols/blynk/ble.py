"""Blynk over Bluetooth LE (generation 2 and Linux): one JSON object per write and per notification.

Source: BlynkInjectBLE.cpp and BlynkBleNimBLE.h of the Edgent library; ``blynk-provisioning`` 1.3.0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from agent.protocols.blynk.failures import Failure, from_message
from agent.protocols.blynk.info import (
    BoardInfo,
    Interface,
    SeenNetwork,
    parse_info,
    parse_interface,
    parse_network,
    read_object,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.protocols.blynk.config import BlynkConfig

SERVICE_UUID: Final = "95e30001-5737-45a9-a092-a88e2e5dd659"
TO_BOARD_UUID: Final = "95e30002-5737-45a9-a092-a88e2e5dd659"
FROM_BOARD_UUID: Final = "95e30003-5737-45a9-a092-a88e2e5dd659"

MESSAGE_BYTES: Final = 180
"""A ``set`` is cut into parts of at most so many bytes, where one value is not longer by itself: the
least room that systems agree on with boards is 182 bytes, and 20 with very old ones, for which they cut
a write themselves."""


@dataclass(frozen=True, slots=True)
class Info:
    """What the board is."""

    board: BoardInfo


@dataclass(frozen=True, slots=True)
class Found:
    """One interface or one network of a list."""

    what: Interface | SeenNetwork


@dataclass(frozen=True, slots=True)
class Said:
    """A message that is a word alone: ``ifs_end``, ``scan_end``, ``set_ok``, ``connecting``."""

    word: str


@dataclass(frozen=True, slots=True)
class Status:
    """``connecting_net``, ``connecting_cloud``, ``connected``, ``error`` or ``unknown``."""

    state: str


@dataclass(frozen=True, slots=True)
class NetStatus:
    """How an interface is doing right now."""

    address: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt, or a request to make one, failed."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Refused:
    """The board did not understand; in its words (not cleaned)."""

    words: str


Heard: TypeAlias = Info | Found | Said | Status | NetStatus | Failed | Refused | None
"""None: a message of a kind that is not known, or none at all."""

_WORDS: Final = frozenset(
    (
        "ifs_start",
        "ifs_end",
        "scan_start",
        "scan_end",
        "set_ok",
        "set_fail",
        "connecting",
        "reset_ok",
    )
)
_FAILS: Final = frozenset(("net_fail", "cloud_fail", "connect_fail"))


def encode(kind: str, **more: object) -> bytes:
    """One message to the board."""
    said = {"t": kind, **more}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def encode_config(config: BlynkConfig, limit: int = MESSAGE_BYTES) -> list[bytes]:
    """``set`` in parts; the board keeps them until ``connect``, or until the link falls."""
    fields: list[tuple[str, Any]] = [(name, value.decode()) for name, value in config.fields()]
    if config.save:
        fields.append(("save", True))
    return list(_parts(fields, limit))


def _parts(fields: list[tuple[str, Any]], limit: int) -> Iterator[bytes]:
    part: dict[str, Any] = {}
    for name, value in fields:
        if part and len(encode("set", **part, **{name: value})) > limit:
            yield encode("set", **part)
            part = {}
        part[name] = value
    yield encode("set", **part)


def parse(value: bytes) -> Heard:
    """One notification."""
    said = read_object(value)
    kind = said.get("t") if said is not None else None
    if said is None or not isinstance(kind, str):
        return None
    match kind:
        case "info":
            return Info(parse_info(said))
        case "if":
            interface = parse_interface(said)
            return None if interface is None else Found(interface)
        case "scan":
            network = parse_network(said)
            return None if network is None else Found(network)
        case "status":
            return Status(str(said.get("s")))
        case "net_status":
            return NetStatus(_str(said, "ip"))
        case "error":
            return Refused(_str(said, "msg"))
    if kind in _FAILS:
        return Failed(from_message(kind, _str(said, "reason")))
    return Said(kind) if kind in _WORDS else None


def _str(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""
