"""What a simulated Blynk board was built with, and what it is given."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from agent.settings import Secret

Inject: TypeAlias = Literal["ap", "ble"]
CloudAnswer: TypeAlias = Literal["ok", "refused", "silent"]
"""To a board that has Internet: let in, its token refused, or nothing."""


class EdgentConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the firmware was built with, and on what."""

    generation: Literal[1, 2] = 1
    inject: Inject = "ap"
    """Generation 2 has one of the two; generation 1 always its access point."""
    vendor: str = "Blynk"
    template: str = "Thermo"
    template_id: str = "TMPLdemo00000"
    version: str = "0.1.0"
    chip: int = 0x4A2F_91C3
    debug: bool = True
    """Prints changes of its state; without it only what the library prints itself."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a board was given."""

    kind: str = "wifi"
    ssid: bytes = b""
    password: Secret = Secret()
    token: Secret = Secret()
    host: str = "blynk.cloud"
    port: int = 443
    static_ip: str = ""
    valid: bool = False
