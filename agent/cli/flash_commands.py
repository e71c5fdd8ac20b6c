"""``flash``: write a sketch or firmware to a board."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from agent.bridge.limits import IMAGE_BYTES
from agent.cli.connect import open_client
from agent.cli.follow import run_job
from agent.cli.inputs import require_yes
from agent.cli.options import board_argument, confirm_option, json_option, model_option
from agent.cli.output import seconds_text
from agent.cli.shell import run_command
from agent.errors import ExitStatus, InputError, SketchUnknown
from agent.flash.store import SketchStore
from agent.settings import clean_text
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from agent.cli.shell import Shell
    from agent.jobs.job import Job

PROVISIONING: Final = ("provisioning", "provisioning-1.0")
"""Words that stand for a sketch which Mooring gets by itself."""


class LocalFile(msgspec.Struct, frozen=True):
    """A file of the person."""

    name: str
    data: bytes

    def __repr__(self) -> str:
        return f"LocalFile({self.name!r}, {len(self.data)} bytes)"


@click.command()
@board_argument
@click.argument("what", metavar="FILE|provisioning|provisioning-1.0|ID", required=False)
@click.option(
    "--start",
    is_flag=True,
    help="Write nothing: start the sketch of a board that is in its bootloader.",
)
@click.option(
    "--override",
    metavar="MODEL",
    help="Write a file that was built for another kind of board; MODEL is the board's own model.",
)
@model_option
@confirm_option
@json_option
def flash(
    *,
    board: str,
    what: str | None,
    start: bool,
    override: str | None,
    model: str | None,
    confirmed: bool,
    as_json: bool,
) -> None:
    """Write a sketch or firmware to a board.

    The word provisioning takes the sketch that the board needs to be set up, provisioning-1.0 the
    one of the older procedure, ID one of the list that `mooring sketches` prints. A file of such a
    name is meant with ./ before it.
    """
    if start is bool(what):
        problem = "does not go with --start" if what else "is missing"
        raise click.UsageError(f"What to write {problem}.")

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        if what is None:
            return _start(shell, board, model)
        require_yes(shell.attended or confirmed, "the sketch on the board is overwritten")
        chosen = None if what in PROVISIONING else read_file(what)
        options = {"override": override, "model": model, "confirmed": confirmed}
        return _flash(shell, board, what, chosen, options)

    run_command(as_json, begin)


def read_file(name: str) -> LocalFile | None:
    """The file of this name; None: there is none. Raises :class:`InputError`."""
    path, shown = Path(name), clean_text(name)
    try:
        if path.is_dir():
            raise InputError(field=shown, problem="is a folder")
        with path.open("rb") as file:
            data = file.read(IMAGE_BYTES + 1)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is wrong"
        raise InputError(field=shown, problem=f"cannot be read: {why}") from None
    if not data:
        raise InputError(field=shown, problem="is empty")
    if len(data) > IMAGE_BYTES:
        raise InputError(field=shown, problem=f"is larger than {IMAGE_BYTES} bytes")
    return LocalFile(path.name, data)


async def _flash(
    shell: Shell, board: str, what: str, file: LocalFile | None, options: dict[str, Any]
) -> ExitStatus:
    given = {name: value for name, value in options.items() if value}
    if file is None and what not in PROVISIONING:
        what = await asyncio.to_thread(_stored, what)
    async with open_client(shell.output) as client:
        if file is None:
            given["sketch"] = what
        else:
            given["image"] = await client.upload(file.name, file.data)
        return await run_job(shell, client, _flashed, kind="flash", board=board, **given)


async def _start(shell: Shell, board: str, model: str | None) -> ExitStatus:
    given: dict[str, Any] = {"model": model} if model else {}
    async with open_client(shell.output) as client:
        return await run_job(shell, client, _started, kind="start", board=board, **given)


def _started(job: Job) -> str:
    started = (job.result or {}).get("started")
    return "Its sketch runs." if started else "Its sketch ran already."


def _stored(wanted: str) -> str:
    try:
        return SketchStore(find_paths().sketches_dir).find(wanted).sha256
    except SketchUnknown as error:
        if isinstance(error.facts.get("count"), int):
            raise
        problem = "is neither a file nor a sketch in the store (mooring sketches)"
        raise InputError(field=clean_text(wanted), problem=problem) from None


def _flashed(job: Job) -> str:
    result = job.result or {}
    name, took = clean_text(str(result.get("sketch", ""))), seconds_text(result.get("seconds"))
    lines = [f"Written: {name}, {result.get('bytes', 0)} bytes, in {took}"]
    lines += [clean_text(str(note), 500) for note in result.get("notes", ())]
    return "\n".join(lines)
