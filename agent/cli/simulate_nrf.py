"""The options of ``mooring simulate`` for nRF91 boards."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

from agent.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.nrf_config import NrfConfig

NRF_MODELS: Final = ("thingy91", "thingy91x", "nrf9151_dk", "nrf9160_dk")
"""As ``NrfModel`` of ``agent.simulator.nrf_config``, which takes longer to load; a test compares."""
FIRMWARE: Final = ("at", "tracker", "tracker-old", "sample", "other", "none")
NRF_ONLY: Final = (
    *("nrf_firmware", "claimed", "no_sim", "battery", "modem_off", "flood", "cut", "refuse"),
    *("old_requests", "no_echo", "plain"),
)
_REFUSE: Final = re.compile(r"([+%][A-Z]{1,16})=(\d{1,4})")
_OPTIONS: Final = (
    click.option(
        "--nrf-firmware",
        type=click.Choice(FIRMWARE),
        help="Of an nRF91 board: AT commands alone, the asset tracker (or its older command), the "
        "provisioning sample, another program, the bootloader alone.",
    ),
    click.option("--claimed", is_flag=True, help="An nRF91 board that is claimed already."),
    click.option("--no-sim", is_flag=True, help="An nRF91 board without SIM card."),
    click.option(
        "--battery", is_flag=True, help="An nRF91 board that runs on when its cable is pulled."
    ),
    click.option("--modem-off", is_flag=True, help="An nRF91 board whose modem does not run."),
    click.option(
        "--flood",
        type=click.IntRange(0, 10_000),
        default=0,
        help="Of an nRF91 board: lines of log in the middle of each answer.",
    ),
    click.option(
        "--cut",
        type=click.IntRange(0, 1_000),
        default=0,
        help="Of an nRF91 board: the column behind which lines of answers are lost.",
    ),
    click.option(
        "--refuse",
        metavar="COMMAND=NUMBER",
        multiple=True,
        help="What an nRF91's modem refuses and with which error, as %ATTESTTOKEN=529.",
    ),
    click.option(
        "--old-requests",
        is_flag=True,
        help="An nRF91 whose modem writes signing requests as older ones do.",
    ),
    click.option("--no-echo", is_flag=True, help="An nRF91 board whose shell does not echo."),
    click.option("--plain", is_flag=True, help="An nRF91 board whose shell has no colours."),
)


def nrf_options(command: Callable[..., None]) -> Callable[..., None]:
    """All of them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def nrf_boards(model: str, given: dict[str, Any]) -> tuple[NrfConfig, ...]:
    """The boards that the options describe; raises :class:`InputError`."""
    from msgspec import convert
    from msgspec.structs import replace

    from agent.simulator.nrf_config import NrfConfig

    said = {
        "model": model,
        "firmware": given["nrf_firmware"] or "tracker",
        "claimed": given["claimed"],
        "modem": not given["modem_off"],
        "sim": not given["no_sim"],
        "battery": given["battery"],
        "echo": False if given["no_echo"] else None,
        "colours": not given["plain"],
        "log": given["log"],
        "flood_lines": given["flood"],
        "cut_columns": given["cut"],
        "refuse": dict(map(_refusal, given["refuse"])),
        "old_requests": given["old_requests"],
    }
    board = convert(said, NrfConfig)
    serial, count = given["serial_number"], given["count"]
    numbers = [f"{serial}-{n}" if n else serial for n in range(count)] if serial else [""] * count
    return tuple(replace(board, serial_number=number) for number in numbers)


def _refusal(text: str) -> tuple[str, int]:
    found = _REFUSE.fullmatch(text.upper())
    if found is None:
        raise InputError(field="--refuse", problem=f"{text} is not COMMAND=NUMBER")
    return found[1], int(found[2])
