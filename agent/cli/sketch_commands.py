"""Commands about the store of sketches: ``sketches`` and what is below it.

Processes may use the store at the same time, so they work on it directly, agent or not.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import click
import msgspec

from agent.boards.board import Board
from agent.boards.find import find_board
from agent.catalog import Catalog
from agent.cli.connect import open_client
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus, InputError, MooringError, NotSignedIn
from agent.flash.archive import export_sketches, import_sketches
from agent.flash.local import read_local
from agent.flash.sketch import KINDS, Sketch, SketchKind
from agent.flash.store import SketchStore
from agent.settings import clean_text
from agent.settings.load import load_config
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.catalog import Model
    from agent.cli.shell import Shell
    from agent.flash.fetch import Sketches

HEAD: Final = ("SKETCH", "BOARD", "KIND", "VERSION", "SIZE", "SINCE", "NAME")
FETCHED: Final = tuple(kind for kind in KINDS if kind != "local")

kind_type: Final = click.Choice(get_args(SketchKind))


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def sketches(context: click.Context, *, as_json: bool) -> None:
    """The sketches for provisioning that are on this computer."""
    if context.invoked_subcommand is None:

        async def show(shell: Shell) -> ExitStatus:
            found = await asyncio.to_thread(_store().list)
            if shell.output.as_json:
                shell.output.document({"sketches": [_about(sketch) for sketch in found]})
            else:
                empty = "The store is empty. To fill it: mooring sketches fetch"
                shell.output.table(HEAD, map(_row, found), empty=empty)
            return ExitStatus.DONE

        run_command(as_json, show)


@sketches.command()
@click.argument("target", metavar="[BOARD|FQBN]", required=False)
@click.option("--kind", type=click.Choice(FETCHED), help="Only sketches of this kind.")
@json_option
def fetch(*, target: str | None, kind: SketchKind | None, as_json: bool) -> None:
    """Get the newest sketches, so that they are here without the Internet.

    Those for one board or FQBN, or for all boards that can be provisioned. Sketches of
    provisioning 2.0 need an account of Arduino Cloud.
    """

    async def get(shell: Shell) -> ExitStatus:
        from agent.alone import open_sketches

        paths = find_paths()
        catalog = Catalog.load()
        if target is None:
            models = [model for model in catalog.models if model.fqbn and model.provisioning]
        else:
            models = [await _model_of(shell, target, catalog)]
        wanted = list(_wanted(models, kind))
        if not wanted:
            model = models[0].name if models else target
            problem = f"no sketch of this kind is published for {clean_text(str(model))}"
            raise InputError(field="kind" if kind else "board", problem=problem)
        async with open_sketches(load_config(paths.config_file), paths, catalog) as source:
            return await _fetch(shell, source, wanted, alone=target is not None)

    run_command(as_json, get)


@sketches.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--fqbn", required=True, help="The kind of board that it was built for.")
@click.option("--kind", type=kind_type, default="local", help="What it is; default: local.")
@click.option("--version", help="Its version, if it has one.")
@json_option
def add(*, file: Path, fqbn: str, kind: SketchKind, version: str | None, as_json: bool) -> None:
    """Keep a file of yours in the store."""

    async def put(shell: Shell) -> ExitStatus:
        sketch, data = read_local(
            file, fqbn, Catalog.load(), kind=kind, version=version, now=time.time()
        )
        stored = await asyncio.to_thread(_store().put, sketch, data)
        if shell.output.as_json:
            shell.output.document(_about(stored))
        else:
            shell.output.line(f"{stored.id}  {stored.name}  {stored.size} bytes")
            shell.output.note(f"SHA-256 {stored.sha256}")
        return ExitStatus.DONE

    run_command(as_json, put)


@sketches.command()
@click.argument("file", metavar="FILE.zip", type=click.Path(path_type=Path))
@click.argument("ids", metavar="[ID]...", nargs=-1)
@json_option
def export(*, file: Path, ids: tuple[str, ...], as_json: bool) -> None:
    """Write sketches, all or some, to a file for another computer."""

    async def write(shell: Shell) -> ExitStatus:
        store = _store()
        found = await asyncio.to_thread(store.list)
        if ids:
            chosen = {store.find(wanted).sha256 for wanted in ids}
            found = [sketch for sketch in found if sketch.sha256 in chosen]
        if not found:
            raise InputError(field="sketches", problem="the store is empty")
        await asyncio.to_thread(export_sketches, store, found, file)
        _show(shell, found, "sketches", f"{len(found)} sketches are in {file}.")
        return ExitStatus.DONE

    run_command(as_json, write)


@sketches.command("import")
@click.argument("file", metavar="FILE.zip", type=click.Path(path_type=Path))
@json_option
def import_(*, file: Path, as_json: bool) -> None:
    """Take in the sketches of a file that another computer wrote; each one is checked."""

    async def read(shell: Shell) -> ExitStatus:
        found = await asyncio.to_thread(import_sketches, _store(), file)
        _show(shell, found, "sketches", f"{len(found)} sketches were taken in.")
        return ExitStatus.DONE

    run_command(as_json, read)


@sketches.command()
@click.argument("wanted", metavar="ID")
@json_option
def remove(*, wanted: str, as_json: bool) -> None:
    """Take a sketch out of the store."""

    async def delete(shell: Shell) -> ExitStatus:
        store = _store()
        sketch = await asyncio.to_thread(store.find, wanted)
        await asyncio.to_thread(store.remove, sketch)
        _show(shell, [sketch], "removed", f"{sketch.name} ({sketch.id}) is removed.")
        return ExitStatus.DONE

    run_command(as_json, delete)


async def _fetch(
    shell: Shell,
    source: Sketches,
    wanted: list[tuple[Model, SketchKind]],
    *,
    alone: bool,
) -> ExitStatus:
    """Get them one after another; one that cannot be had does not stop the others."""
    got: list[Sketch] = []
    failed: list[MooringError] = []
    told: list[str] = []
    since = time.time()
    for model, kind in wanted:
        shell.output.status(f"{model.name}: {kind} …")
        try:
            # What this command has asked for already is new enough.
            obtained = await source.obtain(
                model.fqbn or "", kind, name=model.name, fresh_s=time.time() - since
            )
        except NotSignedIn as error:
            if alone and len(wanted) == 1:
                raise
            note = f"Sketches of provisioning 2.0 were left out. {error.report().remedy}"
            told.append(note)
        except MooringError as error:
            failed.append(error)
        else:
            got.append(obtained.sketch)
            told += obtained.notes
    for text in dict.fromkeys(told):
        shell.output.note(clean_text(text, 500), "yellow")
    reports = list({str(error.report()): error.report() for error in failed}.values())
    if shell.output.as_json:
        shell.output.document({"sketches": [_about(each) for each in got], "failed": reports})
    else:
        shell.output.table(HEAD, map(_row, got), empty="Nothing was fetched.")
        for report in reports:
            shell.output.explain(report)
    return ExitStatus.FAILED if failed or not got else ExitStatus.DONE


async def _model_of(shell: Shell, target: str, catalog: Catalog) -> Model:
    """By FQBN, by id in the catalogue, or by a board that is connected."""
    model = catalog.by_fqbn(target) or catalog.get(target)
    if model is None and target.count(":") >= 2 and "/" not in target:
        raise InputError(field="fqbn", problem=f"{clean_text(target)} is not in the catalogue")
    if model is None:
        async with open_client(shell.output) as client:
            listed = (await client.call("boards.list"))["boards"]
        board = find_board(msgspec.convert(listed, list[Board]), target)
        model = catalog.get(board.model) if board.model else None
        if model is None:
            problem = f"what kind of board {clean_text(board.name)} is, is not known"
            raise InputError(field="board", problem=f"{problem}; give its FQBN")
    return model


def _wanted(models: Iterable[Model], kind: SketchKind | None) -> Iterable[tuple[Model, SketchKind]]:
    seen: set[tuple[str | None, SketchKind]] = set()
    for model in models:
        v1: SketchKind = "lora-1.0" if "lora" in model.connectivity else "provisioning-1.0"
        published: dict[str, SketchKind] = {"1.0": v1, "2.0": "provisioning-2.0"}
        for version in model.provisioning:
            found = published[version]
            if kind in (None, found) and (model.fqbn, found) not in seen:
                seen.add((model.fqbn, found))
                yield model, found


def _store() -> SketchStore:
    return SketchStore(find_paths().sketches_dir)


def _show(shell: Shell, found: list[Sketch], key: str, text: str) -> None:
    if shell.output.as_json:
        shell.output.document({key: [_about(sketch) for sketch in found]})
    else:
        shell.output.line(text)


def _about(sketch: Sketch) -> dict[str, Any]:
    about: dict[str, Any] = {"id": sketch.id, **msgspec.to_builtins(sketch)}
    return about


def _row(sketch: Sketch) -> tuple[str, ...]:
    since = datetime.fromtimestamp(sketch.fetched_at, UTC).astimezone().strftime("%Y-%m-%d")
    mine = " (yours)" if sketch.kept else ""
    return (
        sketch.id,
        sketch.fqbn,
        sketch.kind + mine,
        sketch.version or "–",
        f"{(sketch.size + 1023) // 1024} KiB",
        since,
        sketch.name,
    )
