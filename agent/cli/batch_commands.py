"""``mooring batch``: many boards, by a list."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.batch_run import Options, work
from agent.cli.enrol_commands import ENROL_CLOUDS
from agent.cli.flash_commands import read_file
from agent.cli.inputs import (
    PASSWORD_VARIABLE,
    ask_secret,
    can_ask,
    first_line,
    load_network,
)
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import InputError, ManifestWrong
from agent.jobs.batch_fields import Surroundings
from agent.jobs.batch_manifest import MANIFEST_BYTES, Manifest, read_manifest
from agent.jobs.batch_room import PARALLEL, PARALLEL_MAX
from agent.settings import Secret, clean_text
from agent.settings.network import parse_network

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from agent.cli.shell import Shell
    from agent.errors import ExitStatus

CLOUDS: Final = frozenset({"arduino", "none"}) | ENROL_CLOUDS
PROBLEMS_SHOWN: Final = 50
"""More do not help somebody who corrects a list."""
STDIN: Final = "-"
SETTINGS: Final = "Password of “{name}” (empty for an open network): "


@click.command()
@click.argument("manifest", metavar="MANIFEST")
@click.option(
    "--name", metavar="NAME", help="Of the batch; default: as the manifest says, or its file."
)
@click.option(
    "--parallel",
    type=click.IntRange(1, PARALLEL_MAX),
    help="Boards at a time; default: "
    + ", ".join(f"{count} with {what}" for what, count in PARALLEL.items())
    + ".",
)
@click.option("--again", is_flag=True, help="Try rows that failed again, each on the same board.")
@click.option("--other-boards", is_flag=True, help="With --again: or on any other board.")
@click.option(
    "--changed",
    is_flag=True,
    help="The manifest was changed: go on with it, and leave rows that were done before.",
)
@click.option("--no-wait", is_flag=True, help="Only boards that are there now.")
@click.option("--dry-run", is_flag=True, help="Check the manifest and tell what would be done.")
@click.option("--results", metavar="FILE", help="A list of what came of each row (CSV).")
@click.option("--files", metavar="FOLDER", help="Where header files and NVS images go.")
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Take the password of the network from the first line of standard input.",
)
@json_option
def batch(
    *,
    manifest: str,
    name: str | None,
    parallel: int | None,
    again: bool,
    other_boards: bool,
    changed: bool,
    no_wait: bool,
    dry_run: bool,
    results: str | None,
    files: str | None,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Set up many boards by a list (docs/batch.md): CSV, TOML or JSON; - for standard input.

    Each row waits until its board is plugged in; one that becomes a file needs none. A batch that
    was cut off goes on where it was when it is started again with the same list; nothing is made
    twice. Ctrl-C begins no further row and lets those that were begun come to their end; the second
    one leaves at once.
    """
    if other_boards and not again:
        raise click.UsageError("--other-boards goes with --again.")
    if password_stdin and manifest == STDIN:
        raise click.UsageError("Standard input cannot be both the manifest and the password.")

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        read = _read(shell, manifest)
        place = Path() if manifest == STDIN else Path(manifest).parent
        stem = clean_text(
            name or read.name or ("batch" if manifest == STDIN else Path(manifest).stem)
        )
        networks = {} if dry_run else _networks(read, place, password_stdin=password_stdin)
        return work(
            shell,
            read.rows,
            networks,
            Options(
                name=stem,
                parallel=parallel,
                again="no" if not again else "any" if other_boards else "same",
                changed=changed,
                waits=not no_wait,
                dry_run=dry_run,
                place=place,
                results=Path(results) if results else place / f"{_file_name(stem)}.results.csv",
                files=Path(files) if files else place / f"{_file_name(stem)}.files",
            ),
        )

    run_command(as_json, begin)


def _read(shell: Shell, source: str) -> Manifest:
    """The manifest with absolute paths; raises :class:`ManifestWrong` after telling all of it."""
    from agent.catalog import Catalog

    folder = Path() if source == STDIN else Path(source).parent
    shown = "standard input" if source == STDIN else clean_text(source)
    manifest = read_manifest(
        _content(source, shown),
        Surroundings(
            clouds=CLOUDS,
            enrol=ENROL_CLOUDS,
            models=frozenset(model.id for model in Catalog.load().models),
            check_network=lambda name: _check_network(folder / name),
            check_file=lambda name: _check_file(str(folder / name)),
        ),
        Path(source).suffix,
    )
    if not manifest.problems:
        return manifest
    problems = manifest.problems
    if shell.output.as_json:
        for problem in problems:
            shell.output.document({"problem": problem})
    for problem in problems[:PROBLEMS_SHOWN]:
        shell.output.note(clean_text(str(problem), 500))
    if len(problems) > PROBLEMS_SHOWN:
        shell.output.note(f"… and {len(problems) - PROBLEMS_SHOWN} more")
    first = clean_text(str(problems[0]), 200)
    raise ManifestWrong(file=shown, count=len(problems), first=first)


def _content(source: str, shown: str) -> bytes:
    try:
        with sys.stdin.buffer if source == STDIN else Path(source).open("rb") as file:
            content = file.read(MANIFEST_BYTES + 1)
    except OSError as error:
        raise InputError(field=shown, problem=f"cannot be read: {error.strerror}") from None
    if len(content) > MANIFEST_BYTES:
        raise InputError(field=shown, problem=f"is larger than {MANIFEST_BYTES} bytes")
    return content


def _check_network(path: Path) -> None:
    if path.name == STDIN:
        raise InputError(field=STDIN, problem="cannot be read for one row; name a file")
    parse_network(_with_password(load_network(str(path))))


def _check_file(path: str) -> None:
    if read_file(path) is None:
        raise InputError(field=clean_text(path), problem="is not there")


def _with_password(setting: dict[str, Any]) -> dict[str, Any]:
    if setting.get("kind") == "wifi" and PASSWORD_VARIABLE in os.environ:
        setting.setdefault("password", Secret(os.environ[PASSWORD_VARIABLE]))
    return setting


def _networks(
    manifest: Manifest, folder: Path, *, password_stdin: bool
) -> dict[str, dict[str, Any]]:
    """The settings by what rows call them; each password is asked for once, before anything runs."""
    names = manifest.networks
    ssids = [name for name in names if name.startswith("ssid:")]
    if password_stdin and len(ssids) != 1:
        problem = "is the password of one network; the manifest names " + str(len(ssids))
        raise InputError(field="--password-stdin", problem=problem)
    networks: dict[str, dict[str, Any]] = {}
    for name in names:
        kind, _, value = name.partition(":")
        if kind == "file":
            networks[name] = _with_password(load_network(str(folder / value)))
        else:
            password = first_line("password") if password_stdin else _password(value)
            networks[name] = {"kind": "wifi", "ssid": value, "password": password}
        parse_network(networks[name])
    return networks


def _password(ssid: str) -> Secret:
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return Secret(given)
    if can_ask():
        return ask_secret(SETTINGS.format(name=clean_text(ssid)))
    raise InputError(
        field="password",
        problem=f"of {clean_text(ssid)} is not given: use --password-stdin, {PASSWORD_VARIABLE} or a "
        "file with the network",
    )


def _file_name(name: str) -> str:
    return "".join(char if char.isalnum() or char in "._- " else "_" for char in name)
