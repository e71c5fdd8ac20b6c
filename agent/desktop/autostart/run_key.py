"""The Run key of this user in the Windows registry, and that of everybody.

An MSI writes the second one, which only an administrator can change. That a person switched one off
under Settings, Apps, Startup or in the task manager stands beside it in ``StartupApproved``: the
first byte of the value is odd then. Source: Microsoft Learn, “Run and RunOnce Registry Keys”.
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
FOR_EVERYBODY: Final = "It was installed for everybody on this computer."
COMMAND_CHARS: Final = 260
"""Windows passes over a longer command in this key."""


class Registry(Protocol):
    """Values below HKEY_CURRENT_USER; those of everybody below HKEY_LOCAL_MACHINE."""

    def read(self, key: str, name: str, *, everybody: bool = False) -> str | bytes | None:
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
        """See :class:`LoginWay`; an entry for everybody counts where this user's does not start."""
        own = self._status(everybody=False)
        if own.state is LoginState.ON:
            return own
        shared = self._status(everybody=True)
        decides = shared.state is LoginState.ON or own.state is LoginState.ABSENT
        return shared if decides and shared.state is not LoginState.ABSENT else own

    def _status(self, *, everybody: bool) -> LoginStatus:
        def told(state: LoginState, command: str = "", detail: str = "") -> LoginStatus:
            return LoginStatus(
                way=self.id,
                title=self.title,
                state=state,
                place=_place(everybody=everybody),
                command=command,
                detail=detail,
            )

        try:
            command = self._registry.read(RUN_KEY, VALUE, everybody=everybody)
            approved = self._registry.read(APPROVED_KEY, VALUE, everybody=everybody)
        except OSError as error:
            return told(LoginState.BROKEN, detail=f"It cannot be read: {error.strerror}.")
        if not isinstance(command, str):
            return told(LoginState.ABSENT)
        if isinstance(approved, bytes) and approved[:1] and approved[0] & 1:
            why = "It was switched off in the settings of Windows (Apps, Startup)."
            return told(LoginState.SWITCHED_OFF, command, why)
        if command == self._command():
            return told(LoginState.ON, command, FOR_EVERYBODY if everybody else "")
        program = command[1:].partition('"')[0] if command[:1] == '"' else command.split(" ")[0]
        if not os.path.isfile(program):  # noqa: PTH113 - the path of a foreign system in tests
            return told(LoginState.BROKEN, command, f"The program is not there: {program}.")
        return told(LoginState.ON, command, "It starts another Mooring than this.")

    def install(self) -> None:
        """See :class:`LoginWay`. A ``MOORING_HOME`` must be set for the account to hold there."""
        command = self._command()
        if len(command) > COMMAND_CHARS:
            detail = f"The command has {len(command)} characters; Windows takes {COMMAND_CHARS}"
            raise AutostartFailed(place=rf"HKCU\{RUN_KEY}", detail=detail)
        if self._program.folder:
            detail = "Windows starts it in no folder of its own, so Mooring must be installed first"
            raise AutostartFailed(place=rf"HKCU\{RUN_KEY}", detail=detail)
        shared = self._status(everybody=True)
        try:
            if shared.state is LoginState.ON and shared.command == command:
                # A second entry would start it twice, and stay when the package is removed.
                self._registry.delete(RUN_KEY, VALUE)
            else:
                self._registry.write(RUN_KEY, VALUE, command)
            self._registry.delete(APPROVED_KEY, VALUE)
        except OSError as error:
            raise _failed(error) from error

    def uninstall(self) -> None:
        """See :class:`LoginWay`; raises too if it starts for everybody, which stays so."""
        try:
            self._registry.delete(RUN_KEY, VALUE)
            self._registry.delete(APPROVED_KEY, VALUE)
        except OSError as error:
            raise _failed(error) from error
        if self._status(everybody=True).state is LoginState.ON:
            detail = (
                "It was installed for everybody; switch it off in the settings of Windows "
                "(Apps, Startup), or have an administrator remove it"
            )
            raise AutostartFailed(place=_place(everybody=True), detail=detail)

    def _command(self) -> str:
        first, *rest = self._program.words
        # Always in quotes: a path with a space and without them starts another program.
        return f'"{first}" ' + subprocess.list2cmdline([*rest, *ARGUMENTS])


def _place(*, everybody: bool) -> str:
    return rf"{'HKLM' if everybody else 'HKCU'}\{RUN_KEY}\{VALUE}"


def _failed(error: OSError) -> AutostartFailed:
    return AutostartFailed(place=rf"HKCU\{RUN_KEY}", detail=error.strerror or "It failed")


class WindowsRegistry:
    """The registry of the user who runs this."""

    def read(self, key: str, name: str, *, everybody: bool = False) -> str | bytes | None:
        """See :class:`Registry`."""
        if sys.platform != "win32":
            raise NotImplementedError
        import winreg

        root = winreg.HKEY_LOCAL_MACHINE if everybody else winreg.HKEY_CURRENT_USER
        try:
            with winreg.OpenKey(root, key) as opened:
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
