"""What starts at login really is, also if it was switched off elsewhere."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from agent.desktop.autostart import LoginState
from agent.desktop.doctor.found import fine, found
from agent.errors import AutostartFailed, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.desktop.autostart import LoginStatus, LoginWay
    from agent.desktop.doctor.found import Found

AREA: Final = "login"


class AtLogin:
    """Asks each way of this system."""

    area = AREA

    def __init__(self, find_ways: Callable[[], Sequence[LoginWay]]) -> None:
        """``find_ways`` may raise :class:`AutostartFailed`: this program has no usable name."""
        self._find_ways = find_ways

    async def look(self) -> Sequence[Found]:
        """A broken entry is a warning; what a person chose is only told."""
        try:
            ways = self._find_ways()
        except AutostartFailed:
            return []
        told = [(way, await asyncio.to_thread(way.status)) for way in ways]
        broken = [_broken(way, status) for way, status in told if status.state is LoginState.BROKEN]
        if broken:
            return broken
        statuses = [status for _, status in told]
        for state, title in (
            (LoginState.ON, "The agent starts at login"),
            (LoginState.SWITCHED_OFF, "Start at login is installed, but switched off"),
        ):
            shown = [_shown(status) for status in statuses if status.state is state]
            if shown:
                return [fine(AREA, f"{title}: {'; '.join(shown)}")]
        title = "The agent does not start at login (mooring service install changes that)."
        return [fine(AREA, title)]


def _shown(status: LoginStatus) -> str:
    return f"{status.title}. {status.detail}".strip()


def _broken(way: LoginWay, status: LoginStatus) -> Found:
    return found(
        AREA,
        "login-broken",
        Level.WARNING,
        f"Start at login does not work: {status.place}.",
        status.detail or "What it names is not there.",
        "Run: mooring service install",
        commands=["mooring service install"],
        facts={"way": status.way, "place": status.place, "command": status.command},
        # It was wanted once; now it names this Mooring.
        fix=partial(asyncio.to_thread, way.install),
        will=f"Installs start at login again: {status.place}.",
    )
