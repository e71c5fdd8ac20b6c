"""Which Wi-Fi there is on this system."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.links.access_point_wifi import WifiSystem


def wifi_system(bus_address: str | None = None) -> WifiSystem:
    """The adapter of this operating system; touches nothing yet.

    ``bus_address``: on Linux, of the bus that NetworkManager is on, if it is not the system's.
    """
    if sys.platform == "win32":
        from agent.links.access_point_windows import WindowsWifi

        return WindowsWifi()
    if sys.platform == "darwin":
        from agent.links.access_point_macos import MacWifi

        return MacWifi()
    from agent.links.access_point_nm import NetworkManager

    return NetworkManager(bus_address)
