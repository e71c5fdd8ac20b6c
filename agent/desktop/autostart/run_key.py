"""The Run key of this user in the Windows registry.

Source: Microsoft Learn, “Run and RunOnce Registry Keys”. That a person switched it off under
Settings, Apps, Startup or in the task manager stands beside it in ``StartupApproved``: the first
byte of the value is odd then.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from agent.desktop.autostart.way import LoginState, LoginStatus
from agent.errors import AutostartFailed

if TYPE_CHECKING:
    from agent.desktop.autostart.program import Program

VALUE: Final = "Mooring"
RUN_KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED_KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
ARGUMENTS: Final = ("run", "--no-page")
COMMAND_CHARS: Final = 260
"""Windows passes over a longer command in this key."""


class Registry(Protocol):
    """Values below HKEY_CURRENT_USER."""

    def read(self, key: str, name: str) -> str | bytes | None:
        """A text or binary value; None if there is none."""

    def write(self, key: str, name: str, value: str) -> None:
        """Set a text value; the key is made."""

    def delete(self, key: str, name: str) -> None:
        """Remove a value, if there is one."""


class RunKey:
    """The value in the Run key, and what Windows has beside it."""

    id: ClassVar[str] = "run-key"
    title: ClassVar[str] = "Run key"

    def __init__(self, program: Program, registry: Registry) -> None:
        self._program = program
        self._registry = registry

    def status(self) -> LoginStatus:
        """See :class:`LoginWay`."""
        try:
            command = self._registry.read(RUN_KEY, VALUE)
            approved = self._registry.read(APPROVED_KEY, VALUE)
        except OSError as error:
            return self._told(LoginState.BROKEN, detail=f"It cannot be read: {error.strerror}.")
        if not isinstance(command, str):
            return self._told(LoginState.ABSENT)
        if isinstance(approved, bytes) and approved[:1] and approved[0] & 1:
            why = "It was switched off in the settings of Windows (Apps, Startup)."
            return self._told(LoginState.SWITCHED_OFF, command, why)
        if command == self._command():
            return self._told(LoginState.ON, command)
        program = command[1:].partition('"')[0] if command[:1] == '"' else command.split(" ")[0]
        if not os.path.isfile(program):  # noqa: PTH113 - the path of a foreign system in tests
            return self._told(LoginState.BROKEN, command, f"The program is not there: {program}.")
        return self._told(LoginState.ON, command, "It starts another Mooring than this.")

    def install(self) -> None:
        """See :class:`LoginWay`. A ``MOORING_HOME`` must be set for the account to hold there."""
        command = self._command()
        if len(command) > COMMAND_CHARS:
            detail = f"The command has {len(command)} characters; Windows takes {COMMAND_CHARS}"
            raise AutostartFailed(place=rf"HKCU\{RUN_KEY}", detail=detail)
        if self._program.folder:
            detail = "Windows starts it in no folder of its own, so Mooring must be installed first"
            raise AutostartFailed(place=rf"HKCU\{RUN_KEY}", detail=detail)
        try:
            self._registry.write(RUN_KEY, VALUE, command)
            self._registry.delete(APPROVED_KEY, VALUE)
        except OSError as error:
            raise _failed(error) from error

    def uninstall(self) -> None:
        """See :class:`LoginWay`."""
        try:
            self._registry.delete(RUN_KEY, VALUE)
            self._registry.delete(APPROVED_KEY, VALUE)
        except OSError as error:
            raise _failed(error) from error

    def _command(self) -> str:
        first, *rest = self._program.words
        # Always in quotes: a path with a space and without them starts another program.
        return f'"{first}" ' + subprocess.list2cmdline([*rest, *ARGUMENTS])

    def _told(self, state: LoginState, command: str = "", detail: str = "") -> LoginStatus:
        return LoginStatus(
            way=self.id,
            title=self.title,
            state=state,
            place=rf"HKCU\{RUN_KEY}\{VALUE}",
            command=command,
            detail=detail,
        )


def _failed(error: OSError) -> AutostartFailed:
    return AutostartFailed(place=rf"HKCU\{RUN_KEY}", detail=error.strerror or "It failed")


class WindowsRegistry:
    """The registry of the user who runs this."""

    def read(self, key: str, name: str) -> str | bytes | None:
        """See :class:`Registry`."""
        if sys.platform != "win32":
            raise NotImplementedError
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                value = winreg.QueryValueEx(opened, name)[0]
        except FileNotFoundError:
            return None
        return value if isinstance(value, (str, bytes)) else None

    def write(self, key: str, name: str, value: str) -> None:
        """See :class:`Registry`."""
        if sys.platform != "win32":
            raise NotImplementedError
        import winreg

        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key) as opened:
            winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, value)

    def delete(self, key: str, name: str) -> None:
        """See :class:`Registry`."""
        if sys.platform != "win32":
            raise NotImplementedError
        import winreg

        try:
            with winreg.OpenKey(
                winreg.HKEY_CURRENT_USER, key, access=winreg.KEY_SET_VALUE
            ) as opened:
                winreg.DeleteValue(opened, name)
        except FileNotFoundError:
            return
