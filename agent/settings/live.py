"""The settings that count now: a change while the agent runs reaches who can follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.settings.held import Held
from agent.settings.keys import all_keys, build_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.settings.config import Config


class LiveConfig:
    """What the agent works with. For one event loop."""

    def __init__(self, started: Config) -> None:
        """``started``: the settings at the start, which some of them keep until the next one."""
        self._started = started
        self._held = Held(started)

    @property
    def current(self) -> Config:
        """The settings of now."""
        return self._held.value

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after each change; returns what ends it."""
        return self._held.subscribe(callback)

    def take(self, wanted: Config) -> None:
        """What a person wants now; what cannot change while the agent runs stays as it is."""
        values = {
            key.name: key.of(wanted if key.applies == "now" else self._started)
            for key in all_keys()
        }
        # The radio is made at the start, or not at all.
        if "never" in {wanted.bluetooth.scan, self._started.bluetooth.scan}:
            values["bluetooth.scan"] = self._started.bluetooth.scan
        self._held.set(build_config(values))
