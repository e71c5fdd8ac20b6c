"""The interface of a delivery: a way to put settings and credentials on a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.settings.credentials import BoardSettings

DeliveryKind: TypeAlias = Literal["console", "repl", "nvs"]
"""A serial console, a file on a board with MicroPython or CircuitPython, an NVS image."""

CloudOutcome: TypeAlias = Literal["connected", "refused", "network-failed", "unknown"]
"""``refused``: the cloud does not know these credentials. ``unknown``: the board cannot tell, or
did not within the limit."""


class BoardHardware(msgspec.Struct, frozen=True, kw_only=True):
    """What a board says of itself; cleaned, fit to be shown. What it does not say is empty."""

    hardware_id: str = ""
    """Hex digits, lower case; the same in every delivery of one board, and of no other board."""
    family: str = ""
    """``esp32``, ``rp2040``, …; lower case."""
    firmware: str = ""
    version: str = ""
    holds: str = ""
    """Name of the device whose cloud settings it has; empty: none."""
    networks: bool = False
    """It takes network settings too."""
    note: str = ""
    """What a person should know beside that; a part of a sentence."""


class CloudState(msgspec.Struct, frozen=True, kw_only=True):
    """What a board says of its connection to its cloud."""

    outcome: CloudOutcome
    detail: str = ""
    """In the board's words, cleaned; may be empty."""


class Delivery(Protocol):
    """A way to put settings on one board. One request at a time.

    Errors are ``agent.errors``; :class:`PortGone` when the board vanished, always.
    """

    @property
    def kind(self) -> DeliveryKind:
        """Which way this is."""

    async def identify(self) -> BoardHardware:
        """What the board is and holds; changes nothing on it."""

    async def put(self, settings: BoardSettings, progress: Callable[[int, int], None]) -> None:
        """Replace the parts of the board's settings that ``settings`` holds; the others stay.

        Returns when the board has proved by a digest that it holds them. ``progress`` gets the
        bytes done and all of them; it may fall back when the board restarted. An interrupted
        delivery leaves the old settings whole. Raises :class:`InputError` before anything is
        sent, :class:`SettingsTooLong` and :class:`SettingNotTaken` with nothing changed,
        :class:`DigestDiffers`, :class:`DeliveryFailed`, and :class:`DeliveryUnproven` if the
        board may hold either the old settings or the new.
        """

    async def cloud_state(self, limit_s: float) -> CloudState:
        """Wait until the board knows how its connection ended, at most ``limit_s``."""

    async def erase(self) -> None:
        """Remove all settings that :meth:`put` puts there, with the proof and errors of it."""

    async def close(self) -> None:
        """Release the board; never raises, may be called again."""
