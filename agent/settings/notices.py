"""What people should know of the agent itself: its troubles, and that there is a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.errors import ErrorReport
from agent.settings.held import Held

if TYPE_CHECKING:
    from collections.abc import Callable


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """A newer version of the agent; nobody installs it without being asked."""

    version: str
    url: str
    """Where a person gets it."""


class GatewayInfo(msgspec.Struct, frozen=True, kw_only=True):
    """How the agent is doing as a gateway of ThingsBoard."""

    phase: str
    """``provisioning``, ``connecting``, ``connected``, or ``waiting`` for the next try."""
    server: str
    name: str
    """Of its device there; empty where nobody told."""
    again_s: float
    """Seconds from the last try to the next one, while it waits."""
    error: ErrorReport | None
    """What is wrong; it is a notice too."""


class Notices:
    """What is wrong with the agent itself, one report for each cause. For one event loop."""

    def __init__(self) -> None:
        self._held: Held[dict[str, ErrorReport]] = Held({})

    def set(self, key: str, report: ErrorReport | None) -> None:
        """``key`` names the cause (``journal``); None: it is mended, or never was."""
        notices = dict(self._held.value)
        if report is None:
            notices.pop(key, None)
        else:
            # One that only got other words keeps its place.
            notices[key] = report
        self._held.set(notices)

    def list(self) -> list[ErrorReport]:
        """All of now, the one that is there for longest first."""
        return list(self._held.value.values())

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after each change; returns what ends it."""
        return self._held.subscribe(callback)
