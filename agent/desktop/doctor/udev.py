"""Whether the udev rule of Mooring is in force on this Linux."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.desktop.doctor.found import fine, found
from agent.desktop.doctor.udev_rules import RULE_NAME
from agent.errors import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.desktop.doctor.found import Fix, Found

AREA: Final = "udev"
FOLDERS: Final = (
    "etc/udev/rules.d",
    "run/udev/rules.d",
    "usr/local/lib/udev/rules.d",
    "usr/lib/udev/rules.d",
    "lib/udev/rules.d",
)
"""Of files with the same name the first is taken. Source: systemd, udev(7), “Rules files”."""
CONTROL: Final = "run/udev/control"
"""There while udev runs; a container has none."""
INSTALL: Final = (
    f"mooring doctor --udev-rules | sudo tee /etc/udev/rules.d/{RULE_NAME} && "
    "sudo udevadm control --reload && sudo udevadm trigger"
)
WILL: Final = f"Writes /{FOLDERS[0]}/{RULE_NAME} and has udev read it."


class UdevRule:
    """Looks for the rule; ``rules`` is what it should be."""

    area = AREA

    def __init__(
        self, rules: str, root: Path = Path("/"), *, environ: Mapping[str, str] = os.environ
    ) -> None:
        """``root``: the folder that stands for ``/``."""
        self._rules = rules
        self._root = root
        self._environ = environ

    async def look(self) -> Sequence[Found]:
        """Missing, older than this Mooring, or switched off by the administrator."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> list[Found]:
        if sys.platform != "linux" or not (self._root / CONTROL).exists():
            return []
        rule = self.installed()
        if rule is None:
            return [
                found(
                    AREA,
                    "udev-rule-missing",
                    Level.WARNING,
                    "The udev rule that gives boards to the person at this computer is missing.",
                    "Boards can be used only by who is in the group of their ports, and boards in "
                    "a bootloader without a serial port only by the administrator. Programs such "
                    "as ModemManager may open a board when it is plugged in.",
                    f"Run: {INSTALL}",
                    commands=[INSTALL],
                    fix=self._fix(),
                    will=WILL,
                )
            ]
        if os.path.realpath(rule) == os.devnull or not rule.stat().st_size:
            return [
                found(
                    AREA,
                    "udev-rule-masked",
                    Level.WARNING,
                    f"The udev rule for boards was switched off: {rule}.",
                    "Somebody with the rights of the administrator did that, so it is left so.",
                    f"To have it again remove that file, and then run: {INSTALL}",
                    commands=[INSTALL],
                    facts={"file": str(rule)},
                )
            ]
        if rule.read_text(encoding="utf-8", errors="replace") != self._rules:
            return [
                found(
                    AREA,
                    "udev-rule-other",
                    Level.WARNING,
                    f"The udev rule for boards is not the one of this version: {rule}.",
                    "Some boards may belong to the administrator only.",
                    f"Run: {INSTALL}",
                    commands=[INSTALL],
                    fix=self._fix(),
                    will=WILL,
                    facts={"file": str(rule)},
                )
            ]
        return [fine(AREA, "The udev rule for boards is in force.", file=str(rule))]

    def installed(self) -> Path | None:
        """The file that is in force."""
        for folder in FOLDERS:
            path = self._root / folder / RULE_NAME
            if path.is_symlink() or path.exists():
                return path
        return None

    def _fix(self) -> Fix | None:
        # A person who typed sudo means the system; a service of the administrator may not.
        return self._install if _is_root() and "SUDO_UID" in self._environ else None

    async def _install(self) -> None:
        await asyncio.to_thread(self._write)
        # For the system itself only; a folder that stands for it has no udev.
        program = shutil.which("udevadm")
        if program is None or self._root != Path("/"):
            return
        for words in (("control", "--reload"), ("trigger",)):
            process = await asyncio.create_subprocess_exec(program, *words)
            await process.wait()

    def _write(self) -> None:
        folder = self._root / FOLDERS[0]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RULE_NAME).write_text(self._rules, encoding="utf-8")


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0
