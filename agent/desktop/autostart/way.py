"""What every way to start at login can do, and what it reports."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec

from agent.errors import AutostartFailed
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class LoginState(Enum):
    """What the system will do at the next login."""

    ON = "on"
    """It starts the agent."""
    ABSENT = "absent"
    """Nothing is installed."""
    SWITCHED_OFF = "switched-off"
    """Installed, and switched off elsewhere: the desktop's settings, systemctl, launchctl."""
    BROKEN = "broken"
    """Installed, but the program that it names is gone."""


class LoginStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One way as the system has it."""

    way: str
    """``xdg``, ``systemd``, ``launchd`` or ``run-key``."""
    title: str
    """The way's name for people."""
    state: LoginState
    place: str
    """File or registry value that decides; where it would be, if nothing is installed."""
    command: str = ""
    """What is started, as written there."""
    detail: str = ""
    """A sentence about the state for people; may be empty."""


class LoginWay(Protocol):
    """One way. The calls read and write small files; some wait for a program of the system."""

    id: ClassVar[str]
    title: ClassVar[str]

    def status(self) -> LoginStatus:
        """What the system has now, whoever changed it."""

    def install(self) -> None:
        """Start at login, also if it was switched off; raises :class:`AutostartFailed`."""

    def uninstall(self) -> None:
        """Do not start at login; done if nothing is installed. Raises :class:`AutostartFailed`."""


def require_plain(texts: Iterable[str], forbidden: str, starters: str) -> None:
    """Raise :class:`AutostartFailed` for a name that ``starters`` would not start."""
    for text in texts:
        if any(char in forbidden for char in text):
            shown = " ".join(forbidden)
            detail = f"{starters} do not start what has one of {shown} in its name"
            raise AutostartFailed(place=text, detail=detail)


def write_entry(path: Path, text: bytes) -> None:
    """Replace a file of the system's start folders as a whole."""
    try:
        write_private(path, text)
    except OSError as error:
        raise AutostartFailed(place=str(path), detail=_reason(error)) from error


def remove_entry(path: Path) -> None:
    """Remove such a file, if it is there."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise AutostartFailed(place=str(path), detail=_reason(error)) from error


def read_entry(path: Path) -> bytes | None:
    """Such a file; None if there is none that can be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
