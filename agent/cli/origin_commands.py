"""``mooring origins``: which web pages may talk to the agent, ask, were refused or not let in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click
import msgspec

from agent.bridge.consent import Decision
from agent.bridge.consent_service import OriginsDocument, Revoked
from agent.bridge.origin_url import normalise, short_origin
from agent.bridge.scopes import ordered, parse_scopes
from agent.cli.connect import open_client, open_running
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import AskGone, ExitStatus
from agent.settings.text import SHOWN_TEXT_LIMIT, clean_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from agent.cli.client import Client
    from agent.cli.output import Output
    from agent.cli.shell import Shell

    _Call: TypeAlias = Callable[[Client, Output], Awaitable[object]]

HEAD: Final = ("PAGE", "STATE", "MAY", "WHEN")
_DAY: Final = "%Y-%m-%d"
_MINUTE: Final = "%Y-%m-%d %H:%M"

_url = click.argument("url", metavar="URL")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def origins(context: click.Context, *, as_json: bool) -> None:
    """Which web pages may talk to the agent, which ask, which were refused or not let in."""
    if context.invoked_subcommand is None:
        _run(as_json, lambda client, _output: client.call("origins.list"))


@origins.command()
@_url
@click.option(
    "--for",
    "scopes",
    metavar="SCOPES",
    help="Only this, with commas between: boards, serial, flash, provision. Default: everything.",
)
@json_option
def allow(*, url: str, scopes: str | None, as_json: bool) -> None:
    """Let a web page use your boards, and let it ask again if you had said no."""

    async def call(client: Client, _output: Output) -> object:
        params: dict[str, Any] = {"url": url}
        if scopes is not None:
            params["may"] = list(ordered(parse_scopes(scopes, "--for")))
        return await client.call("origins.allow", **params)

    _run(as_json, call, again=call)


@origins.command()
@_url
@json_option
def revoke(*, url: str, as_json: bool) -> None:
    """Forget a web page, allowed or refused, and end its connections.

    Jobs that it began go on; they are named.
    """

    async def change(client: Client, output: Output) -> object:
        after = await client.call("origins.revoke", url=url)
        for job in msgspec.convert(after, Revoked).jobs:
            output.note(
                f"Goes on, although this page began it: {clean_text(job.title)} ({job.job})"
            )
        return after

    async def call(client: Client, output: Output) -> object:
        origin = normalise(url)
        before = msgspec.convert(await client.call("origins.list"), OriginsDocument)
        listed = {each.url for each in before.origins} | {each.url for each in before.refused}
        if origin not in listed | {each.url for each in before.asking}:
            # Most often a typing error, and then the page that was meant is still allowed.
            output.note(f"{_page(origin)} was not on the list.")
        return await change(client, output)

    _run(as_json, call, again=change)


@origins.command()
@_url
@click.argument("decision", type=click.Choice([each.value for each in Decision]))
@json_option
def answer(*, url: str, decision: str, as_json: bool) -> None:
    """Answer a web page that asks: always, once, or no (then it is silent for a day)."""

    async def call(client: Client, _output: Output) -> object:
        origin = normalise(url)
        found = msgspec.convert(await client.call("origins.list"), OriginsDocument)
        for asking in found.asking:
            if asking.url == origin:
                return await client.call("origins.answer", ask=asking.ask, decision=decision)
        raise AskGone(how="This page does not ask at the moment.")

    _run(as_json, call)


def _run(as_json: bool, call: _Call, *, again: _Call | None = None) -> None:
    """``again``: what is done too by an agent that started meanwhile, and has read the old list."""

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            result = await call(client, shell.output)
            alone = client.alone
        if alone and again is not None:
            async with open_running() as started:
                if started is not None:
                    result = await again(started, shell.output)
        if shell.output.as_json:
            shell.output.document(result)
        else:
            show_origins(shell.output, msgspec.convert(result, OriginsDocument))
        return ExitStatus.DONE

    run_command(as_json, show)


def show_origins(output: Output, document: OriginsDocument) -> None:
    """The pages as a table: first those that ask."""
    output.table(HEAD, _rows(document), empty="No other web page is allowed.", folds=True)


def _rows(document: OriginsDocument) -> Iterator[tuple[str, str, str, str]]:
    for asks in document.asking:
        yield _page(asks.url), "asks", ", ".join(asks.wants), f"until {_when(asks.until, _MINUTE)}"
    for allowed in document.origins:
        state = "allowed once" if allowed.once else "allowed"
        since = f"since {_when(allowed.since, _DAY)}"
        yield _page(allowed.url), state, ", ".join(allowed.may), since
    for refused in document.refused:
        yield _page(refused.url), "refused", "", f"until {_when(refused.until, _MINUTE)}"
    for away in document.turned_away:
        yield _page(away.url), "not let in", "", f"at {_when(away.at, _MINUTE)}"


def _page(url: str) -> str:
    # A table cuts what is too long at its end, and that is what tells whose page it is.
    return short_origin(url, SHOWN_TEXT_LIMIT)


def _when(seconds: float, form: str) -> str:
    """A time of this computer's zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime(form)
