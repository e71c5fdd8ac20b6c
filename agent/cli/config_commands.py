"""``mooring config``: the settings, where each comes from, and changing them."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from agent.cli.inputs import first_line
from agent.cli.options import json_option
from agent.cli.output import cell_width, clean_lines, cut_to_width
from agent.cli.shell import run_command
from agent.errors import AgentGone, ExitStatus, ReportedError, SettingRefused, UnknownMethod
from agent.settings import Secret, clean_text
from agent.settings.checks import split_addresses
from agent.settings.keys import Key, find_key
from agent.settings.paths import find_paths
from agent.settings.service import SettingList
from agent.settings.toml_text import toml_literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.cli.output import Output
    from agent.cli.shell import Shell
    from agent.desktop.instance import Instance
    from agent.settings.paths import Paths
    from agent.settings.service import Setting

ANSWER_LIMIT_S: Final = 20.0
"""The agent reads one file, and waits 5 s at most for who else changes it."""
ROOM: Final = 24
"""Columns of a value on the narrowest terminal."""
HIDDEN: Final = "-"
"""In the place of a value that nobody shall see: it is typed, or comes from standard input."""


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def config(context: click.Context, *, as_json: bool) -> None:
    """The settings: all of them, and where each comes from."""
    if context.invoked_subcommand is not None:
        return

    async def show(shell: Shell) -> ExitStatus:
        return _show(shell.output, await _settings(shell.output))

    run_command(as_json, show)


@config.command()
@click.argument("key", metavar="KEY")
@json_option
def get(*, key: str, as_json: bool) -> None:
    """One of them; KEY is such as log.level."""

    async def show(shell: Shell) -> ExitStatus:
        find_key(key)
        document = await _settings(shell.output)
        setting = _one(document, key)
        if shell.output.as_json:
            shell.output.document(setting)
        else:
            text = setting.value if isinstance(setting.value, str) else toml_literal(setting.value)
            shell.output.line(clean_lines(text))
        return _told(shell.output, document)

    run_command(as_json, show)


@config.command("set")
@click.argument("key", metavar="KEY")
@click.argument("words", metavar="VALUE...", nargs=-1, required=True)
@json_option
def set_(*, key: str, words: tuple[str, ...], as_json: bool) -> None:
    """Change one; KEY is such as log.level, VALUE such as debug.

    A list takes several values (COM7 COM9) or one in brackets ('["COM7", "COM9"]'), flash.tools
    and nvs.keys take all their pairs (NAME=VALUE NAME=VALUE). A proxy with a password is given as
    -, and then typed without being seen, or read from standard input.
    """

    async def change(shell: Shell) -> ExitStatus:
        value = await _value(shell, find_key(key), words)
        document = await _settings(shell.output, {key: value})
        return _changed(shell.output, document, [key])

    run_command(as_json, change)


@config.command()
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@json_option
def unset(*, keys: tuple[str, ...], as_json: bool) -> None:
    """Bring settings back to their defaults."""

    async def change(shell: Shell) -> ExitStatus:
        document = await _settings(shell.output, dict.fromkeys(keys))
        return _changed(shell.output, document, keys)

    run_command(as_json, change)


@config.command()
@json_option
def path(*, as_json: bool) -> None:
    """Where the file is, whether there is one or not."""

    async def show(shell: Shell) -> ExitStatus:
        file = find_paths().config_file
        if shell.output.as_json:
            shell.output.document({"path": str(file), "exists": file.exists()})
        else:
            shell.output.line(str(file))
        return ExitStatus.DONE

    run_command(as_json, show)


@config.command()
@json_option
def check(*, as_json: bool) -> None:
    """Whether the file can be used; what cannot is named with its line and the mend."""

    async def examine(shell: Shell) -> ExitStatus:
        from agent.settings.load import load_config, read_settings

        file = find_paths().config_file
        written = await asyncio.to_thread(read_settings, file)
        if shell.output.as_json:
            problems = [dataclasses.asdict(each) for each in written.problems]
            shell.output.document({"path": str(file), "problems": problems})
        for each in () if shell.output.as_json else written.problems:
            where = f"{file}, line {each.line}" if each.line else f"{file}"
            shell.output.line(f"✗ {clean_lines(where)}: {each.problem}", "red")
            shell.output.line(f"    {each.mend}")
        if written.problems:
            return ExitStatus.USAGE
        load_config(file)  # With the variables of the environment.
        there = str(file) if file.exists() else "no file, so all settings are the usual ones"
        shell.output.note(f"✓ The settings can be used: {clean_lines(there)}.")
        return ExitStatus.DONE

    run_command(as_json, examine)


async def _settings(output: Output, values: Mapping[str, Any] | None = None) -> SettingList:
    """All settings, once ``values`` are taken: by the agent that runs, else by this process."""
    from agent.desktop.instance import find_instance

    paths = find_paths()
    try:
        instance = find_instance(paths)
    except OSError:
        instance = None
    found = None if instance is None else await _by_agent(output, instance, values)
    return found or await _alone(paths, values)


async def _by_agent(
    output: Output, instance: Instance, values: Mapping[str, Any] | None
) -> SettingList | None:
    from agent.cli.remote import remote_client

    try:
        async with asyncio.timeout(ANSWER_LIMIT_S), remote_client(instance) as client:
            if values is None:
                answer = await client.call("settings.get")
            else:
                answer = await client.call("settings.set", values=values)
            return msgspec.convert(answer, SettingList)
    except (AgentGone, TimeoutError):
        output.note(
            "The agent that runs does not answer; it learns of changes when it is restarted."
        )
    except ReportedError as error:
        if error.report().code != UnknownMethod.code:
            raise
        output.note("The agent that runs is older; it learns of changes when it is restarted.")
    return None


async def _alone(paths: Paths, values: Mapping[str, Any] | None) -> SettingList:
    from agent.settings.file import SettingsFile
    from agent.settings.live import LiveConfig
    from agent.settings.load import load_config
    from agent.settings.service import SettingsService

    file = SettingsFile(paths.config_file, paths.settings_lock)
    live = LiveConfig(await asyncio.to_thread(load_config, file.path))
    if values is not None:
        plain = {k: v.reveal() if isinstance(v, Secret) else v for k, v in values.items()}
        await SettingsService(file, live).set(plain)
        # No agent runs that some of it could wait for.
        live = LiveConfig(await asyncio.to_thread(load_config, file.path))
    return await SettingsService(file, live).get()


async def _value(shell: Shell, key: Key, words: tuple[str, ...]) -> object:
    """What the words of the command line are for this key; the check is that of the settings."""
    kind = key.schema.get("type", "string")
    if kind in {"array", "object"} and len(words) == 1 and words[0][:1] in {"[", "{"}:
        try:
            return tomllib.loads(f"value = {words[0]}")["value"]
        except (tomllib.TOMLDecodeError, RecursionError):
            raise SettingRefused(field=key.name, problem=f"must be {key.wanted}") from None
    if kind == "array":
        if key.section == "ports" and any("," in word for word in words):
            apart = " ".join(part for word in words for part in split_addresses(word))
            problem = "takes addresses with blanks between, not commas: mooring config set"
            raise SettingRefused(
                field=key.name, problem=f"{problem} {key.name} {clean_text(apart)}"
            )
        return list(words)
    if kind == "object":
        pairs = [word.partition("=") for word in words]
        if not all(sign for _, sign, _ in pairs):
            example = " ".join(map("=".join, key.schema["examples"][0].items()))
            problem = f"takes pairs of the form NAME=VALUE, such as {example}"
            raise SettingRefused(field=key.name, problem=problem)
        given: dict[str, str] = {}
        for name, _, text in pairs:
            if name in given:
                raise SettingRefused(field=key.name, problem=f"has {clean_text(name)} twice")
            given[name] = text
        return given
    if len(words) > 1:
        raise SettingRefused(field=key.name, problem="takes one value; quote one with blanks")
    text = words[0]
    if key.masked:
        return await _hidden(shell, key, text)
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind in {"integer", "number"} and re.fullmatch(r"[+-]?\d{1,20}(\.\d{1,20})?", text):
        return float(text) if "." in text else int(text)
    return text


async def _hidden(shell: Shell, key: Key, text: str) -> Secret:
    if "@" in text:
        problem = (
            "holds a name or password, which other programs can read on a command line; "
            f"write {HIDDEN} in its place, and type it when it is asked for"
        )
        raise SettingRefused(field=key.name, problem=problem)
    if text != HIDDEN:
        return Secret(text)
    if shell.attended:
        return Secret(await shell.keyboard.ask(f"{key.name}: ", secret=True))
    return await asyncio.to_thread(first_line, key.name)


def _show(output: Output, document: SettingList) -> ExitStatus:
    if output.as_json:
        output.document(document)
    else:
        room = None if output.width is None else max(ROOM, output.width - _others(document))
        rows = [
            (each.key, shorten(each.value, room), each.source, _waits(each))
            for each in document.settings
        ]
        output.table(("SETTING", "VALUE", "FROM", ""), rows, empty="")
        output.note(f"The file: {document.path}")
    return _told(output, document)


def _changed(
    output: Output, document: SettingList, keys: tuple[str, ...] | list[str]
) -> ExitStatus:
    if output.as_json:
        output.document(document)
        return _told(output, document)
    for name in keys:
        setting = _one(document, name)
        output.line(clean_lines(f"{name} = {toml_literal(setting.value)}"))
        if setting.source == "environment":
            variable = find_key(name).variable
            output.note(f"{variable} takes its place as long as it is set.", "yellow")
        elif setting.pending:
            output.note(f"{name} counts after a restart of the agent.", "yellow")
    return _told(output, document)


def _told(output: Output, document: SettingList) -> ExitStatus:
    """Say why the settings are not those of the file, where that is so."""
    if document.problem is None:
        return ExitStatus.DONE
    output.explain(document.problem)
    return ExitStatus.USAGE


def _one(document: SettingList, name: str) -> Setting:
    for each in document.settings:
        if each.key == name:
            return each
    raise SettingRefused(field=name, problem="is not known to the agent that runs")


def _others(document: SettingList) -> int:
    """Columns beside the values, with two between each."""
    others = [(each.key, each.source, _waits(each)) for each in document.settings]
    return sum(max(map(cell_width, column)) + 2 for column in zip(*others, strict=True))


def shorten(value: object, room: int | None) -> str:
    """A value in ``room`` columns, if these are few; “mooring config get” shows the whole."""
    text = toml_literal(value)
    if room is None or cell_width(text) <= room:
        return text
    if not isinstance(value, list):
        return cut_to_width(text, room)
    for shown in range(min(len(value) - 1, room), 0, -1):
        some = f"{toml_literal(value[:shown])[:-1]}, … {len(value) - shown} more]"
        if cell_width(some) <= room:
            return some
    return f"[… {len(value)} in all]"


def _waits(setting: Setting) -> str:
    return "after a restart" if setting.pending else ""
