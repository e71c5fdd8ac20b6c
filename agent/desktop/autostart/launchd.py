"""A LaunchAgent of this user on macOS.

Source: launchd.plist(5), launchctl(1). What a person switches off under “Allow in the background”
in the system's settings is kept where only the administrator can read it, so it is not seen here.
"""

from __future__ import annotations

import os
import plistlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final
from xml.parsers.expat import ExpatError

from agent.desktop.autostart.system import ask_system
from agent.desktop.autostart.way import (
    LoginState,
    LoginStatus,
    read_entry,
    remove_entry,
    write_entry,
)
from agent.errors import AutostartFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.desktop.autostart.program import Program

LABEL: Final = "mooring.agent"
ARGUMENTS: Final = ("run", "--no-page")


def plist_bytes(program: Program) -> bytes:
    """The property list that has launchd start ``program`` at login and after a crash."""
    fields: dict[str, Any] = {
        "Label": LABEL,
        "ProgramArguments": [*program.words, *ARGUMENTS],
        "RunAtLoad": True,
        # Started again after a crash, not after “Quit”.
        "KeepAlive": {"SuccessfulExit": False},
        # Only where there is a desktop for the icon.
        "LimitLoadToSessionType": "Aqua",
        # Not slowed down as something that runs in the background: boards do not wait.
        "ProcessType": "Interactive",
    }
    if program.folder:
        fields["WorkingDirectory"] = program.folder
    if program.home:
        fields["EnvironmentVariables"] = {"MOORING_HOME": program.home}
    return plistlib.dumps(fields)


class LaunchAgent:
    """The property list in ``~/Library/LaunchAgents``, and what launchctl says about it."""

    id: ClassVar[str] = "launchd"
    title: ClassVar[str] = "LaunchAgent"

    def __init__(self, program: Program, environ: Mapping[str, str], *, uid: int) -> None:
        self._program = program
        self._environ = environ
        home = Path(environ.get("HOME") or Path.home())
        self._file = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        self._domain = f"gui/{uid}"

    def status(self) -> LoginStatus:
        """See :class:`LoginWay`."""
        data = read_entry(self._file)
        if data is None:
            return self._told(LoginState.ABSENT)
        try:
            fields = plistlib.loads(data)
            words = [str(word) for word in fields["ProgramArguments"]]
        except (ExpatError, plistlib.InvalidFileException, ValueError, KeyError, TypeError):
            return self._told(LoginState.BROKEN, detail="The property list cannot be read.")
        command = " ".join(words)
        if fields.get("Disabled") is True and not self._override():
            why = "It is switched off in the property list (Disabled)."
            return self._told(LoginState.SWITCHED_OFF, command, why)
        if self._override() is False:
            why = f"It was switched off with launchctl (disable {self._domain}/{LABEL})."
            return self._told(LoginState.SWITCHED_OFF, command, why)
        if not words or not os.access(words[0], os.X_OK):
            named = words[0] if words else "none is named"
            return self._told(LoginState.BROKEN, command, f"The program is not there: {named}.")
        own = words == [*self._program.words, *ARGUMENTS]
        return self._told(
            LoginState.ON, command, "" if own else "It starts another Mooring than this."
        )

    def install(self) -> None:
        """See :class:`LoginWay`."""
        write_entry(self._file, plist_bytes(self._program))
        if self._override() is False:
            done = ask_system(
                "launchctl", "enable", f"{self._domain}/{LABEL}", environ=self._environ
            )
            if done.status != 0:
                raise AutostartFailed(place="launchctl enable", detail=done.problem or "It failed")

    def uninstall(self) -> None:
        """See :class:`LoginWay`."""
        remove_entry(self._file)

    def _override(self) -> bool | None:
        """Whether launchctl was told to start it (True) or not to (False); None: neither."""
        shown = ask_system("launchctl", "print-disabled", self._domain, environ=self._environ)
        # "label" => disabled; until macOS 12 "label" => true, which means disabled as well.
        found = re.search(rf'"{re.escape(LABEL)}" => (\w+)', shown.out)
        return None if found is None else found[1] in {"enabled", "false"}

    def _told(self, state: LoginState, command: str = "", detail: str = "") -> LoginStatus:
        return LoginStatus(
            way=self.id,
            title=self.title,
            state=state,
            place=str(self._file),
            command=command,
            detail=detail,
        )
