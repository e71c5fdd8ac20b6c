"""``mooring simulate blynk``: a board with Blynk.Edgent firmware.

It is on a console and an access point; with ``--ble`` in the air.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click
import msgspec
from click.core import ParameterSource

from agent.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.world import World

BLYNK: Final = "blynk"
"""Instead of a model: a board with this firmware."""
_AIR: Final = ("usb", "rssi", "new_address", "radio")
_OPTIONS: Final = frozenset(
    (
        *("generation", "cloud", "networks_file", "no_internet", "no_dhcp", "tcp", "speed"),
        *("announce", "seed", "ble", *_AIR),
    )
)

blynk_options = click.option(
    "--generation", type=click.Choice(["1", "2"]), help="Of a Blynk board's firmware."
)


async def run(
    given: dict[str, Any],
    world: World,
    configured_folder: Callable[[], str | None],
    *,
    as_json: bool,
    until_stdin_closes: bool,
) -> None:
    """The board until it is told to stop."""
    from agent.simulator.blynk_process import InTheAir, run_blynk
    from agent.simulator.blynk_settings import EdgentConfig

    newer, ble = given["ble"] or given["generation"] == "2", given["ble"]
    air = InTheAir(
        usb=given["usb"],
        radio=given["radio"] or "on",
        rssi_dbm=given["rssi"],
        new_address=given["new_address"],
    )
    config = EdgentConfig(generation=2 if newer else 1, inject="ble" if ble else "ap")
    if given["seed"]:
        config = msgspec.structs.replace(config, chip=chip_of(given["seed"]))
    await run_blynk(
        config,
        world,
        speed=given["speed"],
        tcp=given["tcp"],
        folder=given["announce"] or configured_folder(),
        as_json=as_json,
        until_stdin_closes=until_stdin_closes,
        read_commands=given["networks_file"] != "-",
        cloud=_cloud(given["cloud"]) if given["cloud"] else None,
        air=air if ble else None,
    )


def chip_of(seed: int) -> int:
    """Another chip, whose board has another name."""
    return int.from_bytes(sha256(str(seed).encode()).digest()[:4], "big")


def _cloud(url: str) -> tuple[str, int]:
    """Host and port of ``mqtt://127.0.0.1:1883``, as ``mooring simulate blynk-cloud`` prints it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not url.startswith("mqtt://") or host not in {"127.0.0.1", "localhost"} or port is None:
        problem = "must be the mqtt:// address that mooring simulate blynk-cloud prints"
        raise InputError(field="--cloud", problem=problem)
    return host, port


def check(given: dict[str, Any]) -> None:
    """Raise :class:`InputError` for an option that is for other boards."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = str(parameter.name)
        chosen = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if chosen and name in given and name not in _OPTIONS:
            raise InputError(field=parameter.opts[0], problem="is not for a Blynk board")
        if name in _AIR and given[name] and not given["ble"]:
            raise InputError(field=parameter.opts[0], problem="is for --ble")
    if given["ble"] and given["generation"] == "1":
        raise InputError(field="--generation", problem="must be 2: the other has no Bluetooth LE")
