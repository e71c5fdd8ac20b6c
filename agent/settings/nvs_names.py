"""The names of a namespace and its keys in the settings area (NVS) of a chip; docs/nvs.md.

A sketch that has keys of its own tells them with ``nvs.keys``; everybody who reads or writes the
area goes through :class:`NvsNames`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.settings.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

BOARD_KEYS: Final = (
    "net_kind",
    "wifi_ssid",
    "wifi_pass",
    "eth_ip",
    "eth_dns",
    "eth_gateway",
    "eth_netmask",
    "eth_timeout",
    "eth_answer",
    "sim_pin",
    "sim_apn",
    "sim_login",
    "sim_pass",
    "sim_bands",
    "lora_eui",
    "lora_key",
    "lora_band",
    "lora_mask",
    "lora_class",
    "tb_host",
    "tb_port",
    "tb_proto",
    "tb_tls",
    "tb_ca",
    "tb_name",
    "tb_token",
    "tb_client",
    "tb_user",
    "tb_pass",
    "tb_cert",
    "tb_key",
)
"""Our own, as ``agent.protocols.board_keys``, which stands above this; a test compares them."""
LEGAL: Final = r"^[!-~]{1,15}$"
"""A namespace or key. NVS takes at most 15 characters (ESP-IDF, NVS_KEY_NAME_MAX_SIZE, 16 with its
zero); a blank in one would be a slip of the finger."""
_SHOWN_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class NvsNames:
    """Where a sketch looks for its settings; raises ValueError for what is no name."""

    namespace: str = "mooring"
    keys: dict[str, str] = field(default_factory=dict, hash=False)
    """Our key to that of the sketch, where they differ."""

    def __post_init__(self) -> None:
        """Two settings under one key would be lost without a word."""
        problem = keys_problem(self.keys)
        if not re.fullmatch(LEGAL, self.namespace):
            problem = "has a namespace that is not 1 to 15 printable ASCII characters"
        if problem is not None:
            raise ValueError(problem)

    def key(self, name: str) -> str:
        """The sketch's key for our ``name``."""
        return self.keys.get(name, name)

    def name_of(self, key: str) -> str | None:
        """Ours for a key of the sketch; None: it is none of ours."""
        return next((name for name in BOARD_KEYS if self.key(name) == key), None)

    def placed(self, values: Mapping[str, bytes]) -> dict[str, bytes]:
        """``values`` by our names, under the sketch's keys."""
        return {self.key(name): value for name, value in values.items()}

    def ours(self, found: Mapping[str, object]) -> dict[str, bytes]:
        """The reverse: what a namespace has, under our names; the rest, and numbers, are others'."""
        return {
            name: value
            for key, value in found.items()
            if isinstance(value, bytes) and (name := self.name_of(key)) is not None
        }


def keys_problem(keys: Mapping[str, str]) -> str | None:
    """Why ``nvs.keys`` cannot be this; None: it can."""
    for name, key in keys.items():
        if name not in BOARD_KEYS:
            return f"names {clean_text(name, _SHOWN_CHARS)} ({_meant(name, key)})"
        if not re.fullmatch(LEGAL, key):
            return f"must have 1 to 15 printable ASCII characters, without blanks, for {name}"
    taken: dict[str, str] = {}
    for name in BOARD_KEYS:
        key = keys.get(name, name)
        if key in taken:
            return f"gives {taken[key]} and {name} the same key, {key}"
        taken[key] = name
    return None


def _meant(name: str, key: str) -> str:
    if key in BOARD_KEYS and re.fullmatch(LEGAL, name):
        return f"the other way round: {key} has the key {name}"
    near = difflib.get_close_matches(name, BOARD_KEYS, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(BOARD_KEYS)}"


OUR_NAMES: Final = NvsNames()
"""Those that sketches look for unless a person names others."""
