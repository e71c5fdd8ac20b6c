"""Commands about the tools that pages have installed: ``tools`` and what is below it.

Processes may use the store at the same time, so they work on it directly, agent or not.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus, InputError
from agent.flash.toolstore.store import ToolStore
from agent.flash.toolstore.tool import LATEST, tool_id
from agent.settings import clean_text
from agent.settings.load import load_config
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from agent.cli.shell import Shell
    from agent.flash.toolstore.store import InstalledTool

HEAD: Final = ("TOOL", "SIZE", "SINCE", "FOLDER")
PACKAGER: Final = "arduino"
"""Of a tool that is named without one."""


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def tools(context: click.Context, *, as_json: bool) -> None:
    """The upload tools that web pages had installed."""
    if context.invoked_subcommand is None:
        _list(as_json)


@tools.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """The tools that are on this computer."""
    _list(as_json)


@tools.command()
@click.argument("wanted", metavar="[PACKAGER:]NAME[@VERSION]")
@json_option
def install(*, wanted: str, as_json: bool) -> None:
    """Install a tool of the vendor's list, so that pages find it without the Internet.

    Without a packager that of Arduino, without a version the newest one.
    """

    async def get(shell: Shell) -> ExitStatus:
        from agent.alone import make_tools

        packager, name, version = _parse(wanted)
        shell.output.status(f"{packager}:{name} …")
        paths = find_paths()
        toolbox = make_tools(load_config(paths.config_file), paths)
        got = await toolbox.install(packager, name, version)
        for note in got.notes:
            shell.output.note(clean_text(note, 500), "yellow")
        if shell.output.as_json:
            shell.output.document({**_about(got.tool), "fetched": got.fetched})
        else:
            came = "is installed" if got.fetched else "was installed already"
            shell.output.line(f"{got.tool.id} {came}.")
        return ExitStatus.DONE

    run_command(as_json, get)


@tools.command()
@click.argument("wanted", metavar="[PACKAGER:]NAME[@VERSION]")
@json_option
def remove(*, wanted: str, as_json: bool) -> None:
    """Take a tool out; the next page that needs it installs it again."""

    async def delete(shell: Shell) -> ExitStatus:
        packager, name, version = _parse(wanted)
        store = _store()
        named = [
            tool
            for tool in await asyncio.to_thread(store.list)
            if (tool.id.packager, tool.id.name) == (packager, name)
            and version in {LATEST, tool.id.version}
        ]
        if len(named) != 1:
            raise _not_one(wanted, named)
        await asyncio.to_thread(store.remove, named[0].id)
        if shell.output.as_json:
            shell.output.document({"removed": [_about(named[0])]})
        else:
            shell.output.line(f"{named[0].id} is removed.")
        return ExitStatus.DONE

    run_command(as_json, delete)


def _list(as_json: bool) -> None:
    async def show(shell: Shell) -> ExitStatus:
        found = await asyncio.to_thread(_store().list)
        if shell.output.as_json:
            shell.output.document({"tools": [_about(tool) for tool in found]})
        else:
            empty = "No page has had a tool installed yet."
            shell.output.table(HEAD, map(_row, found), empty=empty)
        return ExitStatus.DONE

    run_command(as_json, show)


def _parse(wanted: str) -> tuple[str, str, str]:
    """Packager, name and version of ``arduino:bossac@1.7.0``; raises :class:`InputError`."""
    before, colon, rest = wanted.partition(":")
    packager, named = (before, rest) if colon else (PACKAGER, wanted)
    name, at, version = named.partition("@")
    tool = tool_id(packager, name, version if at else LATEST)
    return tool.packager, tool.name, tool.version


def _not_one(wanted: str, named: list[InstalledTool]) -> InputError:
    problem = f"{clean_text(wanted)} is not installed"
    if named:
        versions = ", ".join(tool.id.version for tool in named)
        problem = f"{clean_text(wanted)} is installed in several versions ({versions}); name one"
    return InputError(field="tool", problem=problem, effect="Nothing was removed.")


def _store() -> ToolStore:
    return ToolStore(find_paths().tools_dir)


def _about(tool: InstalledTool) -> dict[str, Any]:
    return {
        "packager": tool.id.packager,
        "name": tool.id.name,
        "version": tool.id.version,
        "size": tool.size,
        "installed_at": tool.installed_at,
        "folder": str(tool.folder),
    }


def _row(tool: InstalledTool) -> tuple[str, ...]:
    since = datetime.fromtimestamp(tool.installed_at, UTC).astimezone().strftime("%Y-%m-%d")
    return str(tool.id), f"{(tool.size + 1023) // 1024} KiB", since, str(tool.folder)
