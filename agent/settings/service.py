"""The settings as people see and change them, over the bridge or from the command line."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from agent.errors import ErrorReport, InputError, SettingRefused, SettingsBroken
from agent.settings.keys import Applies, Key, all_keys, build_config, find_key
from agent.settings.load import broken, from_environment
from agent.settings.proxy import ProxyAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.settings.config import Config
    from agent.settings.file import SettingsFile
    from agent.settings.live import LiveConfig

Source = Literal["default", "file", "environment"]


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as it is."""

    key: str
    title: str
    meaning: str
    schema: dict[str, Any]
    """JSON Schema of the value; ``x-masked``: it is shown without the login in it."""
    value: Any
    """What a person wants; it counts already unless it is pending."""
    default: Any
    source: Source
    applies: Applies
    """From when on a change counts."""
    variable: str | None
    """Of the environment, that takes its place."""
    pending: bool
    """It counts only after a restart of the agent."""


class SettingList(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, and where they are."""

    path: str
    problem: ErrorReport | None
    """Why the file, or a variable of the environment, cannot be used; None: it can."""
    settings: list[Setting]


class SettingsService:
    """Reads the file again each time, so that what an editor wrote meanwhile is seen and kept."""

    def __init__(
        self,
        file: SettingsFile,
        live: LiveConfig,
        *,
        on_problem: Callable[[ErrorReport | None], None] = lambda _problem: None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """``on_problem`` is told at each look why the settings cannot be used, or None."""
        self._file = file
        self._live = live
        self._on_problem = on_problem
        self._environ = environ
        self._turn = asyncio.Lock()

    async def get(self) -> SettingList:
        """All settings; what can change while the agent runs counts from now on."""
        async with self._turn:
            return await self._look()

    async def set(self, values: Mapping[str, Any]) -> SettingList:
        """Change these; None: back to the default. All of them, or none and an error.

        What was written counts, also if the caller leaves meanwhile.
        """
        return await asyncio.shield(asyncio.ensure_future(self._set(values)))

    async def _set(self, values: Mapping[str, Any]) -> SettingList:
        async with self._turn:
            written = await asyncio.to_thread(self._plain, values)
            await asyncio.to_thread(self._file.change, written)
            return await self._look()

    async def _look(self) -> SettingList:
        problem: ErrorReport | None = None
        in_file: dict[str, Any] = {}
        by_variable: dict[str, Any] = {}
        wanted = self._live.current
        try:
            written = await asyncio.to_thread(self._file.read)
            if written.problems:
                raise broken(self._file.path, written.problems)
            in_file = written.values
            by_variable = from_environment(self._environ)
            wanted = build_config(in_file | by_variable)
            self._live.take(wanted)
        except (SettingsBroken, InputError) as error:
            problem = error.report()
        self._on_problem(problem)
        settings = []
        for key in all_keys():
            source: Source = "default"
            if key.name in by_variable:
                source = "environment"
            elif key.name in in_file or (problem and key.of(wanted) != key.default):
                source = "file"
            settings.append(_setting(key, source, wanted, self._live.current))
        return SettingList(path=str(self._file.path), problem=problem, settings=settings)

    def _plain(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as they are written; raises :class:`SettingRefused`."""
        found: dict[str, Any] = {}
        for name, value in values.items():
            key = find_key(name)
            if value is None:
                found[name] = None
                continue
            try:
                taken = key.read(value)
            except ValueError as error:
                raise SettingRefused(field=name, problem=str(error)) from None
            if isinstance(taken, ProxyAddress):
                if self._is_shown(name, taken):
                    continue
                taken = taken.reveal()
            found[name] = taken
        return found

    def _is_shown(self, name: str, address: ProxyAddress) -> bool:
        """It is the one that is written, as it is shown: a form that was sent back unchanged."""
        if "***" not in address.reveal():
            return False
        known = self._file.read().values.get(name)
        if known is not None and repr(known) == address.reveal():
            return True
        raise SettingRefused(field=name, problem="has its login masked; give all of it")


def _setting(key: Key, source: Source, wanted: Config, current: Config) -> Setting:
    return Setting(
        key=key.name,
        title=key.title,
        meaning=key.meaning,
        schema=key.schema,
        value=key.plain(key.of(wanted)),
        default=key.plain(key.default),
        source=source,
        applies=key.applies,
        variable=key.variable,
        pending=key.of(wanted) != key.of(current),
    )
