"""Changing ``config.toml``: what others wrote meanwhile stays, and half a file is never there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from agent.errors import SettingRefused, SettingsFailed
from agent.settings.files import write_private
from agent.settings.load import broken, parse_settings, read_settings
from agent.settings.toml_edit import set_key, unset_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.settings.load import Written

LOCK_S: Final = 5.0
"""A change takes some milliseconds; who holds the lock for longer hangs."""
TRIES: Final = 5
"""How often an editor may save between reading and writing before that is given up."""

_BOM: Final = b"\xef\xbb\xbf"


class SettingsFile:
    """The file of one user. All of it blocks for some milliseconds."""

    def __init__(self, path: Path, lock: Path, *, wait_s: float = LOCK_S) -> None:
        """``lock`` is held while the file is changed, and waited for; it is made if missing."""
        self.path = path
        self._lock = lock
        self._wait_s = wait_s

    def read(self) -> Written:
        """What it says now; raises :class:`SettingsBroken` if it cannot be read."""
        return read_settings(self.path)

    def change(self, values: Mapping[str, Any]) -> Written:
        """Set these keys (``section.field``) and no others; None: back to the default.

        The values are those of TOML, and each is right by itself. Raises :class:`SettingsBroken`
        for a file that has to be mended first, :class:`SettingRefused` for values that do not fit
        the others, or :class:`SettingsFailed`; nothing is changed then.
        """
        from filelock import FileLock, Timeout

        try:
            self._lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(self._lock, timeout=self._wait_s):
                return self._change(values)
        except Timeout:
            detail = "another program of yours changes them"
            raise SettingsFailed(path=str(self.path), detail=detail) from None
        except OSError as error:
            detail = error.strerror or type(error).__name__
            raise SettingsFailed(path=str(self.path), detail=detail) from error

    def _change(self, values: Mapping[str, Any]) -> Written:
        for _ in range(TRIES):
            now = self.read()
            if now.problems:
                raise broken(self.path, now.problems)
            wanted = self._edited(now, values)
            if wanted.data == now.data:
                return now
            if now.data:
                # Its folder lets it be replaced even where a person protected it.
                self.path.open("r+b").close()
            if self.read().data == now.data:
                # Through a link, so that it stays one.
                write_private(self.path.resolve(), wanted.data)
                return wanted
        detail = "it is changed by something else all the time"
        raise SettingsFailed(path=str(self.path), detail=detail)

    def _edited(self, now: Written, values: Mapping[str, Any]) -> Written:
        text = now.text
        for name, value in values.items():
            section, _, field = name.partition(".")
            change = unset_key if value is None else partial(set_key, value=value)
            text = change(text, section, field)
        mark = _BOM if now.data.startswith(_BOM) else b""
        wanted = parse_settings(mark + text.encode())
        if wanted.problems:
            first = wanted.problems[0]
            key = next((each for each in values if each in first.problem), next(iter(values)))
            raise SettingRefused(field=key, problem=first.problem.removeprefix(f"{key} "))
        return wanted
