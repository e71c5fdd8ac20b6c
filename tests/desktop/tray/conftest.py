"""What the tests of the tray share: a bus of their own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from agent.simulator.ble_bus import PrivateBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LINUX_ONLY = [
    "test_agent.py",
    "test_dbus_menu.py",
    "test_notify.py",
    "test_panel.py",
    "test_status_notifier.py",
]
"""They import the D-Bus library, which is not installed on other systems."""
collect_ignore = [] if sys.platform == "linux" else LINUX_ONLY


@pytest.fixture
async def bus() -> AsyncIterator[str]:
    """The address of a bus that only this test uses."""
    async with PrivateBus() as private:
        yield private.address
