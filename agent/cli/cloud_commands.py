"""Commands about accounts: ``clouds``, ``cloud``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from agent.cli.connect import open_client
from agent.cli.inputs import ACCOUNT_VARIABLES, can_ask, first_line, read_field
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.clouds.cloud import CloudInfo
from agent.errors import ExitStatus, InputError, MooringError
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.cli.client import Client
    from agent.cli.shell import Shell

_WORDS: Final = {"--set": "VALUE", "--set-file": "FILE"}
"""Options that name a field, and what stands behind its ``=``."""
MULTILINE: Final = "multiline"
"""``format`` of a field that a terminal's line cannot hold."""
DESCRIPTION_CHARS: Final = 300
WARNING_CHARS: Final = 1000
STRATEGIES: Final = {
    "create": "makes a device under a name that nobody has, and refuses one that exists",
    "prepared": "gives each device that was prepared there its stored credentials once, and refuses "
    "all other names",
    "chain": "makes devices by a chain of certificates, when a board connects, and refuses requests",
    "off": "has provisioning switched off: every request is refused",
}
"""How a device profile decides, in one sentence each; the words of :mod:`agent.clouds.enrolment`."""


@click.command()
@json_option
def clouds(*, as_json: bool) -> None:
    """The clouds, and whether you are signed in."""

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            found = (await client.call("clouds.list"))["clouds"]
        if shell.output.as_json:
            shell.output.document({"clouds": found})
        else:
            rows = [_row(info) for info in msgspec.convert(found, list[CloudInfo])]
            shell.output.table(("CLOUD", "NAME", "ACCOUNT"), rows, empty="No cloud is known.")
        return ExitStatus.DONE

    run_command(as_json, show)


@click.group()
def cloud() -> None:
    """Sign in to a cloud, and out."""


@cloud.command()
@click.argument("name", metavar="CLOUD")
@click.option(
    "--set",
    "given",
    metavar="FIELD=VALUE",
    multiple=True,
    help="A field of the account that is not secret; may be repeated.",
)
@click.option(
    "--set-file",
    "files",
    metavar="FIELD=FILE",
    multiple=True,
    help="A field that is the content of a file, secret or not; may be repeated.",
)
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Take the secret fields from standard input, one per line.",
)
@json_option
def login(
    *,
    name: str,
    given: tuple[str, ...],
    files: tuple[str, ...],
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Check an account with its cloud and store it.

    What is not given is asked for. A program gives secrets with --password-stdin, --set-file or in
    environment variables such as MOORING_CLOUD_CLIENT_SECRET.
    """

    async def sign_in(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            info = await _find(client, name)
            account = await _account(shell, info, _given(info, given, files), password_stdin)
            result = await client.call("clouds.login", cloud=name, account=account)
            strategy = "" if shell.output.as_json else await _strategy(client, result)
        _show_account(shell, result, f"Signed in to {clean_text(info.title)}.{strategy}")
        if result.get("warning"):
            shell.output.note(clean_text(result["warning"], WARNING_CHARS))
        return ExitStatus.DONE

    run_command(as_json, sign_in)


@cloud.command()
@click.argument("name", metavar="CLOUD")
@json_option
def logout(*, name: str, as_json: bool) -> None:
    """Forget the stored account."""

    async def sign_out(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            result = await client.call("clouds.logout", cloud=name)
        _show_account(shell, result, f"The account of {clean_text(result['title'])} is forgotten.")
        return ExitStatus.DONE

    run_command(as_json, sign_out)


async def _strategy(client: Client, signed_in: dict[str, Any]) -> str:
    """What the profile of the account does with a name, if its administrator sees it."""
    if not signed_in["account"].get("admin_user"):
        return ""
    try:
        found = (await client.call("clouds.profile", cloud=signed_in["id"]))["profile"] or {}
    except MooringError:  # the account is good all the same
        return ""
    words = STRATEGIES.get(found.get("strategy", ""), "")
    return f" Its profile {clean_text(found['name'])} {words}." if words else ""


def _row(info: CloudInfo) -> tuple[str, str, str]:
    if not info.needs_account:
        return info.id, info.title, "not needed"
    known = ", ".join(value for value in info.account.values() if value)
    return info.id, info.title, (known or "signed in") if info.signed_in else "not signed in"


def _show_account(shell: Shell, result: dict[str, Any], text: str) -> None:
    if shell.output.as_json:
        shell.output.document(result)
    else:
        shell.output.line(text)


async def _find(client: Client, name: str) -> CloudInfo:
    found = msgspec.convert((await client.call("clouds.list"))["clouds"], list[CloudInfo])
    for info in found:
        if info.id == name:
            return info
    known = ", ".join(info.id for info in found)
    raise InputError(field="cloud", problem=f"{clean_text(name)} is not one of {known}")


def _given(info: CloudInfo, given: tuple[str, ...], files: tuple[str, ...]) -> dict[str, Secret]:
    """What options say, checked against the fields that there are."""
    fields: dict[str, dict[str, Any]] = info.account_schema.get("properties", {})
    plain = _pairs("--set", given)
    for field in plain:
        if _is_secret(fields.get(field, {})):
            raise InputError(field=field, problem="is secret and never given as an argument")
    named = _pairs("--set-file", files)
    for field in (*plain, *named):
        if field not in fields:
            raise InputError(field=clean_text(field), problem=f"is not one of {', '.join(fields)}")
    found = {field: Secret(value) for field, value in plain.items()}
    return found | {field: read_field(field, path) for field, path in named.items()}


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        field, sign, value = text.partition("=")
        if not sign:
            raise InputError(field=option, problem=f"has the form FIELD={_WORDS[option]}")
        pairs[field] = value
    return pairs


async def _account(
    shell: Shell, info: CloudInfo, given: Mapping[str, Secret], password_stdin: bool
) -> dict[str, Secret]:
    """All fields of the account, from options, environment, standard input or the person."""
    fields: dict[str, dict[str, Any]] = info.account_schema.get("properties", {})
    required = info.account_schema.get("required", [])
    account: dict[str, Secret] = dict(given)
    for field, schema in fields.items():
        value = os.environ.get(ACCOUNT_VARIABLES + field.upper())
        if field in given:
            continue
        if value is not None:
            account[field] = Secret(value)
        elif password_stdin and _is_secret(schema):
            account[field] = first_line(field, optional=field not in required)
        elif can_ask() and not password_stdin:
            needs = schema.get("x-needs")
            if needs is None or account.get(needs):
                account[field] = await _ask(shell, field, schema, required=field in required)
        elif field in required:
            raise InputError(field=field, problem="is not given")
    return {field: value for field, value in account.items() if value or field in required}


async def _ask(shell: Shell, field: str, schema: dict[str, Any], *, required: bool) -> Secret:
    """One field; of several lines only the name of a file can be typed."""
    title = clean_text(schema.get("title", field))
    in_file = schema.get("format") == MULTILINE
    if in_file:
        title += ", a file"
    if not required:
        shell.output.note(clean_text(schema.get("description", ""), DESCRIPTION_CHARS))
        title += " (may stay empty)"
    while True:
        typed = await shell.keyboard.ask(f"{title}: ", secret=_is_secret(schema))
        if not (in_file and typed.strip()):
            return Secret(typed)
        try:
            return read_field(field, typed.strip())
        except InputError as error:
            shell.output.explain(error.report())


def _is_secret(schema: dict[str, Any]) -> bool:
    return schema.get("format") == "password"
