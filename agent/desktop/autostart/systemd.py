"""A systemd unit of the user: without a desktop too, and started again after a crash.

``systemctl --user`` is called with ``SYSTEMD_OFFLINE``: it then reads and changes the files that the
next login goes by, with a running manager or without one. Sources: systemctl(1), systemd.unit(5),
systemd.service(5), systemd.syntax(7).
"""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from agent.desktop.autostart.system import Answer, ask_system
from agent.desktop.autostart.way import (
    LoginState,
    LoginStatus,
    read_entry,
    remove_entry,
    require_plain,
    write_entry,
)
from agent.errors import AutostartFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.desktop.autostart.program import Program

UNIT_NAME: Final = "mooring.service"
ARGUMENTS: Final = ("run", "--headless")
SHARED_DIRS: Final = ("/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user")
"""Where administrators and packages put units for everybody; the first one counts."""
LINGER_DIR: Final = "/var/lib/systemd/linger"
"""``loginctl enable-linger`` puts a file with the user's name here."""
FORBIDDEN: Final = "\"'\\"
"""systemd refuses a program with one of these in its path, however it is quoted."""
STARTED: Final = frozenset({"enabled", "enabled-runtime", "linked", "static", "alias", "generated"})


def unit_text(program: Program) -> str:
    """The unit that runs ``program``; packages bring the same one for everybody."""
    lines = [
        "[Unit]",
        "Description=Mooring: gets microcontroller boards onto a network and into a cloud",
        # Five crashes in a minute: the next one would not help either.
        "StartLimitIntervalSec=60",
        "StartLimitBurst=5",
        "",
        "[Service]",
        "Type=notify",
        f"ExecStart={_exec_start(program)}",
    ]
    if program.folder:
        lines.append(f"WorkingDirectory={program.folder.replace('%', '%%')}")
    if program.home:
        lines.append(f"Environment={_quoted('MOORING_HOME=' + program.home)}")
    lines += [
        "Restart=on-failure",
        "RestartSec=1",
        # A wrong command stays wrong: the unit is of another version.
        "RestartPreventExitStatus=2",
        # Ended while it was starting.
        "SuccessExitStatus=130",
        # It ends within two seconds, jobs included.
        "TimeoutStopSec=10",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


class SystemdUnit:
    """The unit of this person, before one that a package brought."""

    id: ClassVar[str] = "systemd"
    title: ClassVar[str] = "systemd user unit"

    def __init__(
        self,
        program: Program,
        environ: Mapping[str, str],
        *,
        shared: Sequence[str] = SHARED_DIRS,
        linger: str = LINGER_DIR,
    ) -> None:
        self._program = program
        self._environ = environ
        home = Path(environ.get("HOME") or Path.home())
        given = Path(environ.get("XDG_CONFIG_HOME", ""))
        config = given if given.is_absolute() else home / ".config"
        self._own = config / "systemd" / "user" / UNIT_NAME
        self._shared = [Path(folder) / UNIT_NAME for folder in shared]
        self._linger = Path(linger)

    def status(self) -> LoginStatus:
        """See :class:`LoginWay`."""
        place, command = self._file()
        said = self._systemctl("is-enabled").out.strip()
        detail = ""
        if said in STARTED:
            state, detail = self._judge(command)
        elif said.startswith("masked"):
            state, detail = LoginState.SWITCHED_OFF, "The unit is masked (systemctl --user mask)."
        elif said == "disabled" and place != self._own:
            state, detail = LoginState.ABSENT, "A package brought the unit; it is not enabled."
        elif said:
            state, detail = LoginState.SWITCHED_OFF, f"For systemd the unit is {said}."
        else:
            state = LoginState.ABSENT
        return LoginStatus(
            way=self.id,
            title=self.title,
            state=state,
            place=str(place),
            command=command,
            detail=detail,
        )

    def install(self) -> None:
        """See :class:`LoginWay`; a unit that a package brought is used if it starts this one."""
        found = self._systemctl("is-enabled")
        if found.status == -1:
            raise AutostartFailed(place="systemctl --user", detail=found.problem)
        require_plain(self._program.words[:1], FORBIDDEN, "systemd units")
        remove_entry(self._own)  # also a mask, which is a link to nowhere
        text = unit_text(self._program)
        _, brought = self._file()
        if brought != _started_by(text):
            write_entry(self._own, text.encode())
        done = self._systemctl("enable")
        if done.status != 0:
            raise AutostartFailed(
                place="systemctl --user enable", detail=done.problem or "It failed"
            )
        self._reload()

    def uninstall(self) -> None:
        """See :class:`LoginWay`; a unit that is enabled for everybody is masked."""
        if self._systemctl("is-enabled").status == -1:
            return
        before = self._files()
        self._systemctl("disable")
        if not self._is_mask():
            remove_entry(self._own)
        if self._systemctl("is-enabled").out.strip() in STARTED:
            done = self._systemctl("mask")
            if done.status != 0:
                problem = done.problem or "It failed"
                raise AutostartFailed(place="systemctl --user mask", detail=problem)
        if self._files() != before:
            self._reload()

    def _files(self) -> dict[Path, str | bytes | None]:
        """The unit of this person and what has it started, with what each file says."""
        return {
            path: str(path.readlink()) if path.is_symlink() else read_entry(path)
            for path in self._own.parent.rglob(UNIT_NAME)
        }

    def _file(self) -> tuple[Path, str]:
        """The file that counts, and what it starts; own and empty if there is none."""
        for path in (self._own, *self._shared):
            text = read_entry(path)
            if text is not None:
                return path, _started_by(text.decode(errors="replace"))
        return self._own, ""

    def _judge(self, command: str) -> tuple[LoginState, str]:
        if command != _exec_start(self._program):
            program = command.removeprefix('"').partition('"')[0] or command
            if command.startswith('"') and not Path(_plain(program)).is_file():
                return LoginState.BROKEN, f"The program is not there: {_plain(program)}."
            return LoginState.ON, "It starts another Mooring than this."
        if not Path(self._program.words[0]).is_file():
            return LoginState.BROKEN, f"The program is not there: {self._program.words[0]}."
        shown = ask_system(
            *("systemctl", "--user", "show", UNIT_NAME, "--property=ActiveState"),
            environ=self._environ,
        )
        if "ActiveState=failed" in shown.out:
            told = "Its last run failed; “systemctl --user status mooring” says why."
            return LoginState.ON, told
        if (self._linger / self._environ.get("USER", getpass.getuser())).exists():
            return LoginState.ON, "It starts with the computer, before the login."
        return LoginState.ON, ""

    def _is_mask(self) -> bool:
        return self._own.is_symlink() and self._own.readlink() == Path("/dev/null")

    def _systemctl(self, verb: str) -> Answer:
        offline = {**self._environ, "SYSTEMD_OFFLINE": "1"}
        return ask_system("systemctl", "--user", verb, UNIT_NAME, environ=offline)

    def _reload(self) -> None:
        # Without a running manager there is nothing that would have to read the files again.
        ask_system("systemctl", "--user", "daemon-reload", environ=self._environ)


def _started_by(text: str) -> str:
    starts = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    return starts[-1].removeprefix("ExecStart=") if starts else ""


def _exec_start(program: Program) -> str:
    first, *rest = program.words
    # Variables are put into the arguments, never into the path of the program.
    words = [_quoted(first), *(_quoted(word).replace("$", "$$") for word in rest)]
    return " ".join([*words, *ARGUMENTS])


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _plain(quoted: str) -> str:
    return quoted.replace("%%", "%").replace("\\\\", "\\")
