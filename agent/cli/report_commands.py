"""``mooring report``: one text for people who look for a fault."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus, InputError
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.cli.shell import Shell
    from agent.desktop.instance import Instance
    from agent.settings.paths import Paths

STDOUT: Final = "-"
ANSWER_LIMIT_S: Final = 150.0
"""The agent looks at everything, the doctor for 30 s at most; one that hangs never answers."""


@click.command()
@click.argument("file", required=False)
@click.option("--yes", "confirmed", is_flag=True, help="Replace FILE if it is there already.")
@json_option
def report(*, file: str | None, confirmed: bool, as_json: bool) -> None:
    """One text file for a bug report, without what is personal.

    FILE is a file, or - for standard output; without it a file in this folder is made, which only
    you can read. It says at its top what is in it and what was taken out: names of networks,
    serial numbers, ids, addresses, names of users and computers. Nothing is sent to anybody.
    """

    async def make(shell: Shell) -> ExitStatus:
        if file not in {None, STDOUT}:
            await _require_free(shell, Path(str(file)), confirmed=confirmed)
        shell.output.status("Looking …")
        name, text = await _make(shell)
        _deliver(shell, file, name, text)
        return ExitStatus.DONE

    run_command(as_json, make)


async def _require_free(shell: Shell, path: Path, *, confirmed: bool) -> None:
    """Before anything is looked at: whether the file may be made."""
    from agent.cli.ask import agreed

    if not _is_there(path) or confirmed:
        return
    shown = clean_text(str(path))
    if not (shell.attended and await agreed(shell, f"{shown} is there already. Replace it")):
        problem = f"{shown} is there already; name another file, or add --yes to replace it"
        raise InputError(field="FILE", problem=problem)


def _is_there(path: Path) -> bool:
    if path.is_dir():
        problem = f"{clean_text(str(path))} is a folder; name a file in it"
        raise InputError(field="FILE", problem=problem)
    return path.exists() or path.is_symlink()


async def _make(shell: Shell) -> tuple[str, str]:
    from agent.desktop.doctor.families import running_agent
    from agent.settings.paths import find_paths

    paths = find_paths()
    instance = running_agent(paths)
    made = await _by_agent(instance) if instance is not None else None
    if instance is not None and made is None:
        shell.output.note("The agent that runs makes no report, so it is made without it.")
    return made or await _alone(paths)


async def _by_agent(instance: Instance) -> tuple[str, str] | None:
    """The report of the running agent, for it knows more; None: it does not answer, or is older."""
    from agent.cli.remote import remote_client
    from agent.errors import AgentGone, ReportedError

    try:
        async with asyncio.timeout(ANSWER_LIMIT_S), remote_client(instance) as client:
            answer = await client.call("report.make")
            return answer["name"], answer["text"]
    except (AgentGone, ReportedError, TimeoutError):
        return None


async def _alone(paths: Paths) -> tuple[str, str]:
    import logging

    from agent.alone import report_alone
    from agent.settings.load import load_or_defaults

    if not logging.getLogger().handlers:
        logging.getLogger().addHandler(logging.NullHandler())
    # What is wrong in the settings the doctor tells, whose findings are in the report.
    return await report_alone(load_or_defaults(paths.config_file).config, paths)


def _deliver(shell: Shell, file: str | None, name: str, text: str) -> None:
    output = shell.output
    if file != STDOUT:
        places = [Path(file)] if file is not None else _places(name)
        path = _write(places, text, named=file is not None)
        if path is not None:
            if output.as_json:
                output.document({"file": str(path.absolute())})
            else:
                output.line(f"The report: {path.absolute()}", "bold")
            output.note("Read it before you send it; it says what was taken out.")
            return
        output.note("No file can be made here, so the report follows.")
    if output.as_json:
        output.document({"name": name, "text": text})
    else:
        output.piece(text)


def _places(name: str) -> list[Path]:
    try:
        return [Path(name), Path.home() / name]
    except RuntimeError:  # this account has no home
        return [Path(name)]


def _write(places: list[Path], text: str, *, named: bool) -> Path | None:
    """Where it is now; None if it can be nowhere. Raises :class:`InputError` for a named file."""
    from agent.settings.files import write_private

    for path in places:
        try:
            if not path.parent.is_dir():
                raise NotADirectoryError(20, "there is no such folder")
            write_private(path, text.encode())
        except OSError as error:
            if named:
                problem = f"{clean_text(str(path))} cannot be written: {error.strerror}"
                raise InputError(field="FILE", problem=problem) from error
        else:
            return path
    return None
