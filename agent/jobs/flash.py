"""Flash: write any sketch to a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import SketchGone
from agent.jobs.effects import Event, Failed, Learn
from agent.jobs.flash_effects import Source, WaitSketch
from agent.jobs.flash_steps import FLASH_STEPS, FlashSteps
from agent.jobs.states import State

if TYPE_CHECKING:
    from agent.flash.sketch import SketchKind
    from agent.jobs.machine import Rule


_INSTALLS: Final[dict[SketchKind, str]] = {"provisioning-2.0": "2.0", "provisioning-1.0": "1.0"}
"""Version of provisioning that a board speaks with a sketch of this kind."""


class Flash(FlashSteps):
    """Result: ``{sketch, version, sha256, bytes, seconds, notes}``."""

    def __init__(self, source: Source, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.source = source
        self.state = State.FETCHING
        self.rules: dict[State, Rule] = self.flash_rules() | {State.CLOSING: self._closing_rule()}
        self._began = 0.0
        self._silent = False

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return FLASH_STEPS

    def _fetching(self, event: Event) -> bool:
        self._began = self._began or self.now
        return super()._fetching(event)

    def _starting(self, event: Event) -> bool:
        match event:
            case Failed(WaitSketch(), error) if not (
                self.prepared.shows or isinstance(error, SketchGone)
            ):
                # It was verified; not every sketch of somebody's own uses the USB port.
                self._silent = True
                self._complete("written and verified; it does not show itself on USB")
                self._runs()
                return True
        return super()._starting(event)

    def _flashed(self) -> None:
        sketch = self.prepared
        installed = _INSTALLS.get(sketch.kind)
        if installed:
            self._effects.append(Learn(installed=installed))
        notes = list(sketch.notes)
        if self._silent:
            notes.append("The sketch does not show itself on USB.")
        result: dict[str, Any] = {
            "sketch": sketch.name,
            "version": sketch.version,
            "sha256": sketch.sha256,
            "bytes": sketch.size,
            "seconds": round(self.now - self._began, 3),
            "notes": notes,
        }
        self._close(result=result)
