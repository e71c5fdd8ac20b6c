"""What machines for devices of Improv Wi-Fi want done; ``improv_performer.py`` performs it."""

from __future__ import annotations

from dataclasses import dataclass

from agent.jobs.effects import Request


class ImprovRequest(Request):
    """A request of this module, for the session that is open."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class WaitAuthorised(ImprovRequest):
    """Done when the device takes settings, because somebody pressed its button. Value: None."""


@dataclass(frozen=True, slots=True)
class ShowWhich(ImprovRequest):
    """Have the device blink, or make a sound. Value: None."""
