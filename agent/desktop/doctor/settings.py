"""Whether the agent itself is well: its settings, and what it noticed at its start."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.desktop.doctor.found import fine, found, from_error
from agent.errors import InputError, Level, SettingsBroken
from agent.settings.load import load_config

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.desktop.doctor.found import Found
    from agent.errors import ErrorReport, Finding

AREA: Final = "agent"


class AgentItself:
    """Reads the settings again, and repeats the notices of the running agent."""

    area = AREA

    def __init__(
        self, config_file: Path, notices: Callable[[], Sequence[ErrorReport]] = lambda: ()
    ) -> None:
        self._config_file = config_file
        self._notices = notices

    async def look(self) -> Sequence[Found]:
        """Settings that cannot be used, and what was wrong at the start."""
        notices = list(self._notices())
        findings = [
            from_error(AREA, notice, Level.PROBLEM)
            for notice in notices
            if notice.code != SettingsBroken.code
        ]
        try:
            await asyncio.to_thread(load_config, self._config_file)
        except (SettingsBroken, InputError) as error:
            one = from_error(AREA, error, Level.PROBLEM)
            if one.key not in {each.key for each in findings}:
                findings.append(one)
        else:
            if len(findings) < len(notices):
                findings.append(_mended_since())
        if findings:
            return findings
        where = self._config_file if self._config_file.exists() else "none, so all are the usual"
        return [fine(AREA, f"The settings can be used: {where}.")]


def _mended_since() -> Found:
    return found(
        AREA,
        "settings-mended",
        Level.WARNING,
        "The settings can be used again, but the agent works without them.",
        "They could not be used when it started.",
        "Look at them on the page or with “mooring config”, or start the agent again.",
    )


def silent_agent(process: int) -> Finding:
    """An agent holds its place and cannot be talked to."""
    return found(
        AREA,
        "agent-stuck",
        Level.PROBLEM,
        f"The agent of this user (process {process}) does not answer.",
        "It holds the boards and the place of the agent, so no other one can start.",
        f"End it (on Linux and macOS: kill {process}), and start mooring again; what it had begun "
        "is finished or undone then.",
        facts={"process": process},
    ).finding


def older_agent(running: str, installed: str) -> Finding:
    """The agent that runs is of another version than this command."""
    return found(
        AREA,
        "agent-old",
        Level.WARNING,
        f"The agent that runs is version {running}; installed is {installed}.",
        "It was started before the last update.",
        "Quit it and start mooring again.",
        facts={"running": running, "installed": installed},
    ).finding
