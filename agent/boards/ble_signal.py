"""How strong a board is heard: a number that stands still while the board does.

Pure: time enters as an argument. Single values of one board jump by 10 dB from one advertisement to
the next, as they come on three channels and bodies move about.
"""

from __future__ import annotations

import math
from typing import Final

SMOOTH_S: Final = 2.0
"""Time constant: after a step, two thirds of it show after 2 s. People walk with a board, and an
order by nearness that changes faster cannot be read."""
STEP_DB: Final = 3
"""Smaller changes are not shown: pages would be told of nothing but noise."""
RSSI_MIN_DBM: Final = -126
RSSI_MAX_DBM: Final = 20
"""Range of HCI; 127 stands for “not known” (Bluetooth Core 5.4, Vol 4, Part E, 7.7.65.2)."""


class Signal:
    """The strength of one board in dBm."""

    def __init__(self) -> None:
        self.shown_dbm: int | None = None
        """What people see; None: not known."""
        self._level = 0.0
        self._at = 0.0

    def add(self, rssi_dbm: int, now: float) -> bool:
        """One measurement at ``now`` (seconds of any clock that only grows); whether it shows."""
        if not RSSI_MIN_DBM <= rssi_dbm <= RSSI_MAX_DBM:
            return False
        if self.shown_dbm is None:
            self._level, self._at, self.shown_dbm = float(rssi_dbm), now, rssi_dbm
            return True
        weight = 1 - math.exp(-max(0.0, now - self._at) / SMOOTH_S)
        self._level += weight * (rssi_dbm - self._level)
        self._at = now
        if abs(self._level - self.shown_dbm) < STEP_DB:
            return False
        self.shown_dbm = round(self._level)
        return True
