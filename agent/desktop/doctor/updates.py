"""Whether a newer Mooring is known. Asks nobody: what the agent was told last is in a file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.desktop.doctor.found import fine, found
from agent.desktop.installed import own_installed, update_command, update_words
from agent.desktop.updates import known_update, read_kept
from agent.errors import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.desktop.doctor.found import Found
    from agent.desktop.installed import Installed
    from agent.settings.config import UpdatesConfig

AREA: Final = "updates"


class NewerVersion:
    """Looks at the last answer about updates."""

    area = AREA

    def __init__(
        self,
        kept_file: Path,
        settings: Callable[[], UpdatesConfig],
        own_version: str,
        *,
        installed: Callable[[], Installed] = own_installed,
    ) -> None:
        self._file = kept_file
        self._settings = settings
        self._own_version = own_version
        self._installed = installed

    async def look(self) -> Sequence[Found]:
        """The newer version, with how it is installed in the way that this one was."""
        settings = self._settings()
        if not settings.check:
            return [fine(AREA, "Newer versions are not looked for (updates.check).")]
        kept = await asyncio.to_thread(read_kept, self._file)
        newer = known_update(kept, settings, self._own_version)
        if newer is None:
            return [fine(AREA, f"No newer version than {self._own_version} is known.")]
        way = self._installed()
        since = f" of {newer.date}" if newer.date else ""
        return [
            found(
                AREA,
                "update",
                Level.FINE,
                f"Version {newer.version}{since} of Mooring is there; this is {self._own_version}.",
                newer.notes,
                f"Download it from {newer.url} and {update_words(way, newer.version)}",
                facts={"version": newer.version, "url": newer.url, "installed": way.value},
                commands=[command] if (command := update_command(way, newer.version)) else [],
            )
        ]
