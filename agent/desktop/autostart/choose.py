"""The ways of this computer, and the switch that the tray shows."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from agent.desktop.autostart.program import own_program
from agent.desktop.autostart.way import LoginState
from agent.errors import AutostartFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.desktop.autostart.program import Program
    from agent.desktop.autostart.way import LoginStatus, LoginWay

_log = logging.getLogger(__name__)


def find_ways(
    environ: Mapping[str, str] = os.environ, program: Program | None = None
) -> list[LoginWay]:
    """The ways of this system; the first one is for a desktop, and shows the tray icon."""
    program = program or own_program(environ)
    if sys.platform == "win32":
        from agent.desktop.autostart.run_key import RunKey, WindowsRegistry

        return [RunKey(program, WindowsRegistry())]
    if sys.platform == "darwin":
        from agent.desktop.autostart.launchd import LaunchAgent

        return [LaunchAgent(program, environ, uid=os.getuid())]
    from agent.desktop.autostart.systemd import SystemdUnit
    from agent.desktop.autostart.xdg import XdgAutostart

    return [XdgAutostart(program, environ), SystemdUnit(program, environ)]


def starts_at_login(found: Iterable[LoginStatus]) -> bool:
    """Whether the system will start the agent in one of these ways."""
    return any(status.state is LoginState.ON for status in found)


class AtLogin:
    """Start at login as one switch. The calls may wait for a program: use a thread."""

    def __init__(self, ways: list[LoginWay]) -> None:
        """``ways`` as :func:`find_ways` gives them."""
        self._ways = ways

    def is_on(self) -> bool:
        """What the system will really do, whoever changed it."""
        return starts_at_login(way.status() for way in self._ways)

    def set(self, on: bool) -> None:
        """Have it start with the desktop, or in no way; raises :class:`AutostartFailed`."""
        if not on:
            for way in self._ways:
                way.uninstall()
        elif not self.is_on():
            self._ways[0].install()
            if not self.is_on():
                status = self._ways[0].status()
                raise AutostartFailed(place=status.place, detail=status.detail or "It stays off")


def find_switch(environ: Mapping[str, str] = os.environ) -> AtLogin | None:
    """The switch for this Mooring; None: it cannot be started by the system."""
    try:
        return AtLogin(find_ways(environ))
    except AutostartFailed as error:
        _log.info("Start at login cannot be offered: %s", error)
        return None
