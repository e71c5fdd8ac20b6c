"""``mooring vault``: what clouds gave to boards, encrypted on this computer.

Processes may use the vault at the same time, so commands work on it directly, agent or not; what is
revealed goes from the file to this terminal and nowhere else.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from agent.cli.ask import agreed
from agent.cli.inputs import ask_secret, can_ask, first_line, require_yes
from agent.cli.options import json_option
from agent.cli.output import clean_lines, is_terminal
from agent.cli.shell import run_command
from agent.cli.vault_restore import restore
from agent.clouds.vault import open_vault
from agent.errors import ExitStatus, InputError, VaultUnknown
from agent.settings.credentials import AccessToken, Certificate, MqttBasic, reveal_settings
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from agent.cli.output import Output
    from agent.cli.shell import Shell
    from agent.clouds.vault_view import VaultEntry
    from agent.errors import ErrorReport
    from agent.settings import Secret
    from agent.settings.credentials import CloudSettings

HEAD: Final = ("ENTRY", "BOARD", "CLOUD", "DEVICE", "CREDENTIALS", "STATE", "SINCE")
KINDS: Final = {
    "": "none yet",
    "access_token": "access token",
    "mqtt_basic": "MQTT login",
    "certificate": "certificate",
}

entry_argument: Final = click.argument("entry", metavar="ENTRY")
yes_option: Final = click.option("--yes", "confirmed", is_flag=True, help="Do not ask.")
passphrase_option: Final = click.option(
    "--passphrase-stdin",
    is_flag=True,
    help="Take the passphrase from the first line of standard input.",
)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def vault(context: click.Context, *, as_json: bool) -> None:
    """What clouds gave to boards: tokens, logins and certificates, encrypted on this computer.

    ENTRY is the id of one, or a beginning that no other has.
    """
    if context.invoked_subcommand is None:
        run_command(as_json, _show_all)


@vault.command(name="list")
@json_option
def list_entries(*, as_json: bool) -> None:
    """All entries, without their secrets; the same as no command."""
    run_command(as_json, _show_all)


async def _show_all(shell: Shell) -> ExitStatus:
    problems: list[ErrorReport | None] = []
    listed = await open_vault(find_paths(), problems.append).list()
    if shell.output.as_json:
        shell.output.document(listed)
    else:
        rows = [_row(each) for each in listed.entries]
        shell.output.table(HEAD, rows, empty="The vault is empty.")
    if listed.key_in_file:
        shell.output.note(
            "A key of the vault is in a file, not in a keyring: "
            "who can read your files can read the credentials."
        )
    for problem in problems:
        if problem is not None:
            shell.output.explain(problem)
    return ExitStatus.DONE


@vault.command()
@entry_argument
@click.option("--reveal", is_flag=True, help="Print the credentials in clear, too; asks first.")
@yes_option
@json_option
def show(*, entry: str, reveal: bool, confirmed: bool, as_json: bool) -> None:
    """One entry."""

    async def show_one(shell: Shell) -> ExitStatus:
        opened = open_vault(find_paths())
        found = await opened.find(entry)
        revealed = None
        if reveal:
            what = f"Show the credentials of {found.device or found.id} in clear"
            if not await _agreed(shell, what, "secrets are printed", confirmed=confirmed):
                return ExitStatus.FAILED
            revealed = await opened.entry(found.id)
        _show(shell.output, found, revealed)
        return ExitStatus.DONE

    run_command(as_json, show_one)


@vault.command()
@click.argument("entries", metavar="ENTRY...", nargs=-1, required=True)
@yes_option
@json_option
def forget(*, entries: tuple[str, ...], confirmed: bool, as_json: bool) -> None:
    """Erase entries for good; the boards and the cloud are not touched."""

    async def erase(shell: Shell) -> ExitStatus:
        opened = open_vault(find_paths())
        # All of them first, so that a slip of the keyboard erases nothing.
        chosen = {found.id: found for found in [await opened.find(each) for each in entries]}
        gone: list[VaultEntry] = []
        for found in chosen.values():
            if not await _agreed(
                shell, _forgetting(found), "credentials are erased", confirmed=confirmed
            ):
                continue
            try:
                gone.append(await opened.forget(found.id))
            except VaultUnknown:  # another program was faster
                continue
            if not shell.output.as_json:
                shell.output.line(f"Entry {found.id} is erased.")
        if shell.output.as_json:
            shell.output.document({"forgotten": gone})
        return ExitStatus.DONE if len(gone) == len(chosen) else ExitStatus.FAILED

    run_command(as_json, erase)


@vault.command(short_help="All entries into a sealed file for another computer.")
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_option
@json_option
def export(*, file: Path, passphrase_stdin: bool, as_json: bool) -> None:
    """Write all entries to a file for another computer, sealed with a passphrase."""

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        from agent.clouds.vault_transfer import require_passphrase

        if file.exists():
            raise InputError(field="FILE", problem=f"{file} exists already")
        if not file.parent.is_dir():
            raise InputError(field="FILE", problem=f"there is no folder {file.parent}")
        passphrase = _passphrase(passphrase_stdin, again=True)
        require_passphrase(passphrase)
        return write(shell, passphrase)

    async def write(shell: Shell, passphrase: Secret) -> ExitStatus:
        from agent.clouds.vault_transfer import seal_entries
        from agent.settings.files import write_private

        opened = open_vault(find_paths())
        entries = await opened.take_out()
        if not entries:
            raise InputError(field="vault", problem="holds nothing that can be read")
        left = len((await opened.list()).entries) - len(entries)
        data = await asyncio.to_thread(seal_entries, entries, passphrase)
        try:
            await asyncio.to_thread(write_private, file, data)
        except OSError as error:
            problem = f"{file} cannot be written: {error.strerror or type(error).__name__}"
            raise InputError(field="FILE", problem=problem) from None
        if shell.output.as_json:
            shell.output.document({"file": str(file), "entries": len(entries), "left_out": left})
            return ExitStatus.DONE
        shell.output.line(f"{len(entries)} entries are in {file}.")
        if left:
            shell.output.note(f"{left} were left out: they are empty or cannot be read.", "yellow")
        return ExitStatus.DONE

    run_command(as_json, begin)


@vault.command("import", short_help="Take in such a file of another computer.")
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_option
@json_option
def import_(*, file: Path, passphrase_stdin: bool, as_json: bool) -> None:
    """Take in the entries of a file that another computer wrote."""

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        return read(shell, _read(file), _passphrase(passphrase_stdin, again=False))

    async def read(shell: Shell, data: bytes, passphrase: Secret) -> ExitStatus:
        from agent.clouds.vault_transfer import open_entries

        entries = await asyncio.to_thread(open_entries, data, passphrase, str(file))
        new = await open_vault(find_paths()).take_in(entries)
        if shell.output.as_json:
            shell.output.document({"new": new, "known": len(entries) - len(new)})
        else:
            known = len(entries) - len(new)
            shell.output.line(f"{len(new)} entries were taken in; {known} were here already.")
        return ExitStatus.DONE

    run_command(as_json, begin)


vault.add_command(restore)


async def _agreed(shell: Shell, what: str, consequence: str, *, confirmed: bool) -> bool:
    if confirmed:
        return True
    require_yes(shell.attended, consequence)
    return await agreed(shell, what)


def _forgetting(found: VaultEntry) -> str:
    name = f"{found.device} ({found.id})" if found.device else found.id
    if found.state == "proven":
        return f"Erase {name}, which its board works with, so that only the board has it"
    return f"Erase {name}"


def _passphrase(from_stdin: bool, *, again: bool) -> Secret:
    """Of a file; typed twice where it cannot be tried."""
    if from_stdin:
        return first_line("passphrase")
    if not can_ask():
        raise InputError(field="passphrase", problem="is not given: use --passphrase-stdin")
    passphrase = ask_secret("Passphrase: ")
    if again and ask_secret("The same once more: ") != passphrase:
        raise InputError(field="passphrase", problem="was not typed the same way twice")
    return passphrase


def _read(file: Path) -> bytes:
    from agent.clouds.vault_transfer import FILE_BYTES

    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_BYTES + 1)
    except OSError as error:
        problem = f"{file} cannot be read: {error.strerror or type(error).__name__}"
        raise InputError(field="FILE", problem=problem) from None
    if len(data) > FILE_BYTES:
        raise InputError(field="FILE", problem=f"{file} is no file of a vault: it is too large")
    return data


def _show(output: Output, found: VaultEntry, revealed: CloudSettings | None) -> None:
    if output.as_json:
        about: dict[str, Any] = msgspec.to_builtins(found)
        if revealed is not None:
            about["settings"] = reveal_settings(revealed)
        output.document(about)
        return
    for name, value in _lines(found):
        output.line(f"{name:12} {clean_lines(value)}")
    if revealed is not None:
        on_terminal: Callable[[str], str] = clean_lines if is_terminal(sys.stdout) else str
        output.line()
        for name, value in _secrets(revealed):
            text = on_terminal(value).rstrip("\n")
            output.line(f"{name}\n{text}" if "\n" in text else f"{name:12} {text}")


def _lines(found: VaultEntry) -> Iterator[tuple[str, str]]:
    yield "entry", found.id
    if found.state is not None:
        yield "board", f"{found.board_name}  {found.board}".strip()
        if found.hardware_id:
            yield "hardware id", found.hardware_id
        yield "cloud", found.cloud
        yield "device", found.device
        yield "server", found.server or "not known yet"
        yield "credentials", KINDS[found.credentials]
        yield "state", found.state
        yield "made", _when(found.made_at)
        yield "proven", _when(found.proven_at)
        yield "job", found.job
    if found.problem:
        yield "problem", found.problem


def _secrets(settings: CloudSettings) -> Iterator[tuple[str, str]]:
    match settings.credentials:
        case AccessToken() as token:
            yield "token", token.token.reveal()
        case MqttBasic() as login:
            yield "client id", login.client_id
            yield "user name", login.username
            yield "password", login.password.reveal()
        case Certificate() as own:
            yield "certificate", own.certificate
            yield "key", own.key.reveal()
    if settings.ca:
        yield "authorities", settings.ca


def _row(found: VaultEntry) -> tuple[str, ...]:
    if found.state is None:
        return (found.id, "?", "?", "?", "?", "cannot be read", "")
    state: str = found.state
    if found.problem and found.credentials:
        state += " (cannot be read)"
    return (
        found.id,
        found.board_name or found.board or "–",
        found.cloud,
        found.device,
        KINDS[found.credentials],
        state,
        _when(found.proven_at or found.made_at),
    )


def _when(seconds: float | None) -> str:
    """A time of this computer's zone."""
    if seconds is None:
        return "never"
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):  # of a damaged clock
        return "?"
