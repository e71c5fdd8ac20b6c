"""What simulated nRF91 boards can be, and what can be wrong with them."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

NrfFirmware: TypeAlias = Literal["at", "tracker", "tracker-old", "sample", "other", "none"]
"""AT commands alone; the asset tracker with ``att_cloud provision`` or the older command; the
provisioning sample, whose shell has no AT commands; another program; the bootloader alone."""
NrfModel: TypeAlias = Literal["thingy91", "thingy91x", "nrf9151_dk", "nrf9160_dk"]

USB: Final[dict[str, tuple[int, int, str, str]]] = {
    "thingy91": (0x1915, 0x9100, "Nordic Semiconductor", "Thingy:91 UART"),
    "thingy91x": (0x1915, 0x910A, "Nordic Semiconductor", "Thingy:91 X UART"),
    "nrf9151_dk": (0x1366, 0x1069, "SEGGER", "J-Link"),
    "nrf9160_dk": (0x1366, 0x1069, "SEGGER", "J-Link"),
}
"""Vendor, product and what they are called. That of the debug probes differs between them."""
SERIALS: Final = {
    "thingy91": "THINGY91_5A{number:010}",
    "thingy91x": "THINGY91X_5A{number:09}",
    "nrf9151_dk": "00105120{number:04}",
    "nrf9160_dk": "00096000{number:04}",
}
"""Serial numbers as the vendor's boards have them: their beginning names the model."""


class NrfConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One board."""

    model: NrfModel = "thingy91x"
    firmware: NrfFirmware = "tracker"
    serial_number: str = ""
    """Empty: made from its number."""
    claimed: bool = False
    """Its service knows it; only of a board that is told no service."""
    modem: bool = True
    """Its modem's library runs."""
    sim: bool = True
    battery: bool = False
    """It runs on without its cable."""
    echo: bool | None = None
    """None: a shell echoes, a raw port does not."""
    colours: bool = True
    log: bool = False
    """It goes on logging."""
    flood_lines: Annotated[int, Meta(ge=0, le=10_000)] = 0
    """Of log, before the last line of each answer."""
    cut_columns: Annotated[int, Meta(ge=0)] = 0
    """Lines of answers lose what is beyond this column; 0: nothing is lost."""
    line_bytes: Annotated[int, Meta(ge=16)] = 4096
    """What its shell keeps of a line."""
    refuse: dict[str, int] = {}
    """Commands (``%ATTESTTOKEN``) and the number with which the modem refuses them."""
    old_requests: bool = False
    """The modem writes requests with the superfluous NULL, the library device ids without hyphens."""
    stale_nonce: bool = False
    """The modem makes tokens with another number than it is asked for."""
    no_start: Annotated[int, Meta(ge=0)] = 0
    """Its program refuses to provision, with this number; 0: it does."""
