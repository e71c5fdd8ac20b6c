"""What a board says of itself in its advertisements. Pure functions.

Source: protocol-v2, section 3; Arduino_NetworkConfigurator ec9ff8e, BLEAgent.h.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPANY: Final = 0x09A3
"""Arduino SA (Bluetooth SIG, Company Identifiers)."""
ADDRESS_BYTES: Final = 6
NAME_CHARS: Final = 40
"""A scan response holds 29 bytes of name."""

_NAME: Final = re.compile(r"Arduino-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})")


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
