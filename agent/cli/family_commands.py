"""``provision`` with nRF Cloud and Blynk, whose boards are families of their own."""

from __future__ import annotations

import ipaddress
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from agent.cli.connect import open_client
from agent.cli.family_told import provisioned
from agent.cli.follow import run_job
from agent.cli.inputs import (
    ask_secret,
    can_ask,
)
from agent.cli.target import Target, access_point_option
from agent.errors import InputError
from agent.jobs.request import TOKEN_CHARS
from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.cli.shell import Shell
    from agent.errors import ExitStatus

NRF: Final = "nrf"
BLYNK: Final = "blynk"
DNS: Final = ("dns", "dns2")
FAMILIES: Final = frozenset({NRF, BLYNK})
"""Clouds whose boards are set up in a way of their own."""
_ONLY: Final = {
    "--tag": {NRF},
    "--token-stdin": FAMILIES,
    "--template": {BLYNK},
    "--address": {BLYNK},
    "--access-point": {BLYNK},
}

F = TypeVar("F", bound="Callable[..., Any]")


def family_options(command: F) -> F:
    """``--tag``, ``--token-stdin``, ``--template`` and ``--access-point``."""
    for option in reversed(
        (
            click.option(
                "--tag",
                "tags",
                metavar="TAG",
                multiple=True,
                help="With nrf: a tag of the claim, whose rules apply to the board; may be "
                "repeated. Default: nrf-cloud-onboarding.",
            ),
            click.option(
                "--token-stdin",
                is_flag=True,
                help="Take the token from standard input, behind the password if that is there "
                "too: with nrf the attestation token of a board that is elsewhere, with blynk the "
                "device's token as its page shows it.",
            ),
            click.option("--template", metavar="ID", help="With blynk: the template of the board."),
            click.option(
                "--address",
                metavar="IP/BITS,GATEWAY[,DNS[,DNS]]",
                help="With blynk: a fixed address of the board in its network, as in "
                "192.168.1.50/24,192.168.1.1; over Bluetooth or its access point.",
            ),
            access_point_option,
        )
    ):
        command = option(command)
    return command


def check_family_options(
    cloud: str,
    tags: Sequence[str],
    template: str | None,
    access_point: str | None,
    *,
    token_stdin: bool,
    address: str | None = None,
) -> None:
    """Raise :class:`InputError` for one that the cloud has not."""
    given = (
        ("--tag", tags),
        ("--token-stdin", token_stdin),
        ("--template", template),
        ("--access-point", access_point),
        ("--address", address),
    )
    for option, value in given:
        if value and cloud not in _ONLY[option]:
            clouds = " or ".join(sorted(_ONLY[option]))
            raise InputError(field=option, problem=f"is used with --cloud {clouds}")


def read_address(text: str | None) -> dict[str, str] | None:
    """``192.168.1.50/24,192.168.1.1,9.9.9.9`` as ``jobs.start`` takes it."""
    if text is None:
        return None
    try:
        first, gateway, *dns = (part.strip() for part in text.split(","))
        given = ipaddress.IPv4Interface(first)
    except ValueError:
        dns, given = [""] * 3, None
    if given is None or "/" not in first or len(dns) > len(DNS):
        problem = "must be as in 192.168.1.50/24,192.168.1.1 with at most two DNS servers behind"
        raise InputError(field="--address", problem=problem)
    servers = dict(zip(DNS, dns, strict=False))
    return {"ip": str(given.ip), "netmask": str(given.netmask), "gateway": gateway} | servers


def read_token(cloud: str, board: str, *, token_stdin: bool) -> Secret | None:
    """The token, if it is given; a board of nRF Cloud that is elsewhere has nothing but its token.

    Runs before anything else, without a loop.
    """
    if token_stdin:
        data = sys.stdin.buffer.read(TOKEN_CHARS * 4) if sys.stdin else b""
        try:
            text = data.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise InputError(field="token", problem="is not valid text (UTF-8)") from None
        if not text:
            raise InputError(field="token", problem="is not given: standard input is empty")
        return Secret(text)
    if cloud == NRF and not board:
        if not can_ask():
            problem = "is missing; without it give the board's token with --token-stdin"
            raise InputError(field="BOARD", problem=problem)
        return ask_secret("Attestation token of the board: ")
    return None


async def provision_family(shell: Shell, target: Target, request: dict[str, Any]) -> ExitStatus:
    """Run the job; what is not given is empty or None."""
    given = {name: value for name, value in request.items() if value not in (None, False, "", ())}
    async with open_client(shell.output) as client:
        way = await target.reach(client, shell.output)
        return await run_job(shell, client, provisioned, kind="provision", **(given | way))
