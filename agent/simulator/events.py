"""What a simulated board tells those who watch it: events, and its status."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

EventName: TypeAlias = Literal[
    "plugged",
    "unplugged",
    "step",
    "reset",
    "cloud",
    "touch",
    "bootloader",
    "flashed",
    "sketch",
]
"""``touch``: felt. ``bootloader``: it can be talked to. ``flashed``: a bootloader was told to start
what it wrote. ``sketch``: one began after the bootloader."""


class DeviceEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened to a board, for those who wait for it."""

    event: EventName
    board: str
    """USB serial number."""
    address: str | None = None
    step: str | None = None
    status: int | None = None
    """Answer of the cloud to the board."""
    runs: str | None = None
    """What the board runs from now on, as in :class:`DeviceStatus`."""


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a board is doing now."""

    board: str
    address: str | None
    state: str
    host_connected: bool
    resets: int
    board_seconds: float
    """Time on the board's own clock since it got power."""
    working_seconds: float
    """Real time in which a host that waited for the board waited for the board itself."""
    lost_bytes: int
    device_id: str
    runs: str | None
    """What is in its flash, as ``agent.simulator.images.Runs``; None: nothing that starts."""
    in_bootloader: bool
    advertises: bool = False
    """Whether it can be heard over Bluetooth LE."""
