"""XDG autostart: an entry in the folder that every Linux desktop starts programs from.

Source: freedesktop.org, Desktop Application Autostart Specification 0.5. An entry of the person
hides one of the same name that a package brought for everybody.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from agent.desktop.autostart.desktop_entry import (
    exec_line,
    exec_words,
    is_true,
    names,
    read_desktop_entry,
    write_desktop_entry,
)
from agent.desktop.autostart.way import (
    LoginState,
    LoginStatus,
    read_entry,
    remove_entry,
    require_plain,
    write_entry,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.desktop.autostart.program import Program

ENTRY_NAME: Final = "mooring.desktop"
ARGUMENTS: Final = ("run", "--no-page")
DEFAULT_CONFIG_DIRS: Final = "/etc/xdg"
FORBIDDEN: Final = "\"'`$%\\"
"""The specification has escapes for these, but not everybody reads them: systemd 252, which starts
the entries for GNOME and KDE, refuses the program then, and dex 0.9 looks for another one."""
SWITCHES: Final = ("X-GNOME-Autostart-enabled", "X-MATE-Autostart-enabled")
"""Keys of desktops that switch an entry off without hiding it."""


def entry_text(program: Program) -> str:
    """The entry that starts ``program``; packages bring the same one for everybody."""
    fields = {
        "Type": "Application",
        "Name": "Mooring",
        "Comment": "Gets microcontroller boards onto a network and into a cloud",
        "Exec": exec_line(_words(program)),
        "TryExec": program.words[0],
        "Path": program.folder,
        "Icon": "mooring",
        "Terminal": "false",
        "StartupNotify": "false",
        "X-GNOME-Autostart-enabled": "true",
    }
    return write_desktop_entry({key: value for key, value in fields.items() if value})


def _words(program: Program) -> list[str]:
    before = ["env", f"MOORING_HOME={program.home}"] if program.home else []
    return [*before, *program.words, *ARGUMENTS]


class XdgAutostart:
    """The entry of this person, before those that packages brought."""

    id: ClassVar[str] = "xdg"
    title: ClassVar[str] = "Desktop autostart"

    def __init__(self, program: Program, environ: Mapping[str, str]) -> None:
        self._program = program
        self._environ = environ
        home = Path(environ.get("HOME") or Path.home())
        # The specification of base directories: a path that is not whole is not meant.
        given = [Path(environ.get("XDG_CONFIG_HOME", "")), home / ".config"]
        own = next(folder for folder in given if folder.is_absolute())
        shared = (environ.get("XDG_CONFIG_DIRS") or DEFAULT_CONFIG_DIRS).split(":")
        folders = [own, *(Path(name) for name in shared if Path(name).is_absolute())]
        self._own, *self._shared = [folder / "autostart" / ENTRY_NAME for folder in folders]

    def status(self) -> LoginStatus:
        """See :class:`LoginWay`."""
        return self._status([self._own, *self._shared])

    def install(self) -> None:
        """See :class:`LoginWay`; an entry that a package brought is used if it starts this one."""
        brought = self._status(self._shared)
        if brought.state is LoginState.ON and exec_words(brought.command) == _words(self._program):
            remove_entry(self._own)
            return
        program = self._program
        if program.home:
            # The program env takes such a name for another variable.
            require_plain(program.words[:1], "=", "Desktops")
        require_plain([*_words(program), program.folder], FORBIDDEN, "Desktops")
        write_entry(self._own, entry_text(program).encode())

    def uninstall(self) -> None:
        """See :class:`LoginWay`; an entry that a package brought is hidden."""
        if self._status(self._shared).state is LoginState.ON:
            hidden = {"Type": "Application", "Name": "Mooring", "Hidden": "true"}
            write_entry(self._own, write_desktop_entry(hidden).encode())
        else:
            remove_entry(self._own)

    def _status(self, files: list[Path]) -> LoginStatus:
        for file in files:
            text = read_entry(file)
            if text is not None:
                return self._judge(file, read_desktop_entry(text.decode(errors="replace")))
        return self._told(self._own, LoginState.ABSENT)

    def _judge(self, file: Path, fields: Mapping[str, str]) -> LoginStatus:
        command = fields.get("Exec", "")
        if is_true(fields, "Hidden", default=False):
            why = "It was switched off in the settings of the desktop, or here."
            return self._told(file, LoginState.SWITCHED_OFF, command, why)
        for key in SWITCHES:
            if not is_true(fields, key, default=True):
                why = f"It was switched off in the settings of the desktop ({key})."
                return self._told(file, LoginState.SWITCHED_OFF, command, why)
        desktops = set(filter(None, self._environ.get("XDG_CURRENT_DESKTOP", "").split(":")))
        only, never = names(fields, "OnlyShowIn"), names(fields, "NotShowIn")
        if desktops and ((only and not desktops & set(only)) or desktops & set(never)):
            why = f"It is not meant for this desktop ({':'.join(sorted(desktops))})."
            return self._told(file, LoginState.SWITCHED_OFF, command, why)
        program = fields.get("TryExec") or next(iter(exec_words(command)), "")
        if not program or shutil.which(program, path=self._environ.get("PATH")) is None:
            why = f"The program is not there: {program or 'none is named'}."
            return self._told(file, LoginState.BROKEN, command, why)
        why = (
            ""
            if exec_words(command) == _words(self._program)
            else "It starts another Mooring than this."
        )
        return self._told(file, LoginState.ON, command, why)

    def _told(
        self, file: Path, state: LoginState, command: str = "", detail: str = ""
    ) -> LoginStatus:
        return LoginStatus(
            way=self.id,
            title=self.title,
            state=state,
            place=str(file),
            command=command,
            detail=detail,
        )
