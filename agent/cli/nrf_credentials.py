"""``mooring nrf credentials``: the store of credentials in a board's modem."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.ask import agreed
from agent.cli.connect import open_client
from agent.cli.inputs import can_ask, read_field, require_yes
from agent.cli.nrf_files import write_rows
from agent.cli.options import board_argument, json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus, InputError
from agent.protocols.nrf.cmng import CLOUD_TAG, CONTENT_BYTES, HIGHEST_TAG
from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from agent.cli.shell import Shell

WRITABLE: Final = (
    *("root-ca", "client-certificate", "client-key", "psk", "psk-identity", "public-key"),
)
HEAD: Final = ("TAG", "TYPE", "SHA-256", "")

tag_option: Final = click.option(
    "--sec-tag",
    "tag",
    type=click.IntRange(0, HIGHEST_TAG),
    default=CLOUD_TAG,
    show_default=True,
    help="The security tag; the default is nRF Cloud's.",
)
overwrite_option: Final = click.option(
    "--overwrite", is_flag=True, help="Replace what is there; without it that is refused."
)
kind_argument: Final = click.argument("kind", metavar="TYPE", type=click.Choice(WRITABLE))


@click.group()
def credentials() -> None:
    """Certificates and keys in the modem of a board with an nRF91.

    The modem tells the SHA-256 of what it holds and never a key. TYPE is root-ca,
    client-certificate, client-key, psk, psk-identity or public-key.
    """


@credentials.command(name="list")
@board_argument
@json_option
def list_them(*, board: str, as_json: bool) -> None:
    """What is in the store."""

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            found = await client.call("nrf.credentials", board=board)
        if shell.output.as_json:
            shell.output.document(found)
        else:
            rows = [
                (
                    str(each["tag"]),
                    each["kind"],
                    each["sha256"],
                    "the modem's own" if each["own"] else "",
                )
                for each in found["credentials"]
            ]
            shell.output.table(HEAD, rows, empty="The store is empty.")
        return ExitStatus.DONE

    run_command(as_json, show)


@credentials.command()
@board_argument
@kind_argument
@click.argument("file", metavar="FILE")
@tag_option
@overwrite_option
@json_option
def write(*, board: str, kind: str, file: str, tag: int, overwrite: bool, as_json: bool) -> None:
    """Write the content of FILE, - for standard input, and prove it by its digest."""

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        content = _content(file)
        return send(shell, content)

    async def send(shell: Shell, content: Secret) -> ExitStatus:
        wanted = [{"kind": kind, "content": content}]
        async with open_client(shell.output) as client:
            shell.output.status(f"… Writing the {_words(kind)}")
            answer = await client.call(
                "nrf.write", board=board, tag=tag, credentials=wanted, overwrite=overwrite
            )
        (written,) = answer["written"]
        if shell.output.as_json:
            shell.output.document({"tag": tag, "kind": kind, "written": written})
        else:
            done = "is written" if written else "was there already, the same"
            shell.output.line(f"The {_words(kind)} of tag {tag} {done}.")
        return ExitStatus.DONE

    run_command(as_json, begin)


@credentials.command()
@board_argument
@kind_argument
@tag_option
@click.option("--yes", "confirmed", is_flag=True, help="Do not ask.")
@json_option
def delete(*, board: str, kind: str, tag: int, confirmed: bool, as_json: bool) -> None:
    """Empty one place of the store, for good."""

    async def erase(shell: Shell) -> ExitStatus:
        if not confirmed:
            require_yes(shell.attended, "a credential is erased")
            if not await agreed(shell, f"Erase the {_words(kind)} of tag {tag} from {board}"):
                return ExitStatus.FAILED
        async with open_client(shell.output) as client:
            answer = await client.call("nrf.delete", board=board, tag=tag, kind=kind)
        if shell.output.as_json:
            shell.output.document({"tag": tag, "kind": kind, **answer})
        else:
            done = "is erased" if answer["deleted"] else "was not there"
            shell.output.line(f"The {_words(kind)} of tag {tag} {done}.")
        return ExitStatus.DONE

    run_command(as_json, erase)


@credentials.command()
@board_argument
@tag_option
@click.option(
    "--attributes",
    metavar="NAMES",
    default="",
    help="Names in the request, as CN=name,O=company; default: none of ours.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the request goes; default: standard output.",
)
@overwrite_option
@json_option
def keygen(
    *,
    board: str,
    tag: int,
    attributes: str,
    out: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Have the modem make a private key, which never leaves it, and a signing request for it."""

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        if out is not None and out.exists():
            raise InputError(field="--out", problem=f"{out} exists already")
        return make(shell)

    async def make(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            shell.output.status("… The modem makes a key")
            made: dict[str, Any] = await client.call(
                "nrf.make_key", board=board, tag=tag, attributes=attributes, overwrite=overwrite
            )
        if out is not None:
            write_rows(out, made["request"])
        if shell.output.as_json:
            shell.output.document(made)
            return ExitStatus.DONE
        told = f"A key of device {made['device_id']} is at tag {tag}"
        if out is None:
            shell.output.note(f"{told}.")
            shell.output.piece(made["request"])
        else:
            shell.output.line(f"{told}; its request is in {out}.")
        return ExitStatus.DONE

    run_command(as_json, begin)


def _content(file: str) -> Secret:
    if file != "-":
        return read_field("FILE", file)
    if can_ask():
        raise InputError(field="FILE", problem="is standard input, which is this terminal")
    data = sys.stdin.buffer.read(CONTENT_BYTES + 1) if sys.stdin else b""
    try:
        return Secret(data.decode("ascii").strip())
    except UnicodeDecodeError:
        raise InputError(field="FILE", problem="is not ASCII text") from None


def _words(kind: str) -> str:
    return kind.replace("-", " ").replace("root ca", "root CA").replace("psk", "PSK")
