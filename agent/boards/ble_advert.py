"""What a board says of itself in its advertisements. Pure functions.

Source: protocol-v2, section 3; Arduino_NetworkConfigurator ec9ff8e, BLEAgent.h.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.links.ble import PROVISIONING
from agent.protocols.blynk.ble import SERVICE_UUID as BLYNK
from agent.protocols.improv.gatt import SERVICE_DATA_UUID, SERVICE_UUID, parse_service_data
from agent.protocols.improv.messages import Capability

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from agent.boards.board import Service

SERVICES: Final = (PROVISIONING.service, SERVICE_UUID, BLYNK)
"""What is scanned for."""

COMPANY: Final = 0x09A3
"""Arduino SA (Bluetooth SIG, Company Identifiers)."""
ADDRESS_BYTES: Final = 6
NAME_CHARS: Final = 40
"""A scan response holds 29 bytes of name."""

_NAME: Final = re.compile(r"Arduino-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})")


def service_of(uuids: Collection[str]) -> Service | None:
    """What a device that advertises these services is provisioned with; None: with none of them."""
    if PROVISIONING.service in uuids:
        return "2.0"
    if SERVICE_UUID in uuids:
        return "improv"
    return "blynk" if BLYNK in uuids else None


def can_blink(service_data: Mapping[str, bytes]) -> bool | None:
    """Whether an Improv device can show which one it is; None if this advertisement does not say."""
    data = parse_service_data(service_data.get(SERVICE_DATA_UUID, b""))
    return None if data is None else bool(data.capabilities & Capability.IDENTIFY)


def usb_ids(name: str) -> tuple[int, int] | None:
    """Vendor and product id out of ``Arduino-2341-1002``; UNO R4 WiFi always says just that."""
    found = _NAME.fullmatch(name)
    return (int(found[1], 16), int(found[2], 16)) if found else None


def public_address(manufacturer_data: Mapping[int, bytes]) -> str | None:
    """``A1B2C3D4E5F6`` out of the manufacturer data, which also macOS shows.

    None if the board gives none: all zero, or all ``ff``.
    """
    data = manufacturer_data.get(COMPANY, b"")
    if len(data) != ADDRESS_BYTES or len(set(data)) == 1:
        return None
    return data.hex().upper()
