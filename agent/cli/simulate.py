"""``mooring simulate``: a simulated board on a port of its own."""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.options import json_option
from agent.errors import ExitStatus, InputError, MooringError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.config import SimulatorConfig
    from agent.simulator.world import World

FILE_BYTES: Final = 1 << 20
"""A file with a thousand networks has some 100 kB."""
STEPS: Final = (
    "connect",
    "list",
    "version",
    "id",
    "reset",
    "settings",
    "joining",
    "connected",
    "certificate",
    "info",
    "csr",
    "storage",
    "stored",
    "rebuilt",
    "touch",
    "erase",
    "write",
    "verify",
    "restart",
)
"""As the ``MILESTONES`` of ``agent.simulator.config``, which takes longer to load; a test compares
them, and the lists below."""
SKETCHES: Final = (
    "provisioning",
    "application",
    "provisioning-1.0",
    "lora-1.0",
    "console-1.0",
    "other",
)
UPLINKS: Final = ("ok", "absent", "no_internet", "refused", "stopped", "broken")
COMES: Final = ("once", "glitch", "never")
SERIALS: Final = ("same", "none", "other")
ELEMENT: Final = ("ok", "no_answer", "no_configuration", "no_lock", "no_key", "no_write")


class _Number(click.FloatRange):
    """A range in which infinity and "not a number" are not."""

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See the base class."""
        number = float(super().convert(value, param, ctx))
        return number if math.isfinite(number) else self.fail(f"{value} is no number", param, ctx)


def _options(*options: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_step = click.Choice(STEPS)
_surroundings = _options(
    click.option(
        "--networks",
        "networks_file",
        metavar="FILE",
        help="Wi-Fi networks with their passwords, as TOML or JSON; - for standard input.",
    ),
    click.option("--list-too-big", is_flag=True, help="More long names than the board can list."),
    click.option("--no-internet", is_flag=True, help="No network leads to the Internet."),
    click.option("--no-dhcp", is_flag=True, help="No network gives addresses."),
    click.option("--ethernet", type=click.Choice(UPLINKS), help="The cable."),
    click.option("--modem", type=click.Choice(UPLINKS), help="The mobile network."),
    click.option("--secure-element", type=click.Choice(ELEMENT), help="How it fails."),
    click.option("--no-storage", is_flag=True, help="The board's storage does not start."),
    click.option("--cloud", metavar="URL", help="Simulated cloud that signs the certificate."),
)
_firmware = _options(
    click.option("--sketch", type=click.Choice(SKETCHES), help="What runs on the board."),
    click.option("--application", is_flag=True, help="As --sketch application."),
    click.option("--foreign-sketch", is_flag=True, help="A sketch that knows no provisioning."),
    click.option("--sketch-version", metavar="VERSION", help="Of the provisioning sketch."),
    click.option("--library-version", metavar="VERSION", help="Of the configurator library."),
    click.option("--wifi-firmware", metavar="VERSION", help="Of the Wi-Fi module."),
    click.option("--log", is_flag=True, help="The sketch's debug log between the frames."),
    click.option("--serial-number", metavar="TEXT", help="USB serial number."),
    click.option("--no-wifi", is_flag=True, help="An Opta without Wi-Fi."),
)
_line = _options(
    click.option("--noise", type=_Number(0, 1), help="Share of frames behind noise."),
    click.option("--corrupt", type=_Number(0, 1), help="Share of damaged input."),
    click.option("--split", type=click.IntRange(1), help="Deliver in pieces of N bytes."),
    click.option("--merge", type=_Number(0, 1000), help="Collect output for N ms."),
    click.option("--tcp", is_flag=True, help="A loopback socket instead of a pseudo-terminal."),
    click.option("--dtr", is_flag=True, help="Notice when the port is closed (native USB)."),
)
_faults = _options(
    click.option("--unplug-at", type=_step, multiple=True, help="Unplug at this step."),
    click.option("--reboot-at", type=_step, multiple=True, help="Restart at this step."),
    click.option("--silent-at", type=_step, multiple=True, help="Say nothing from this step on."),
    click.option("--wedge-at", type=_step, multiple=True, help="Hear nothing from this step on."),
    click.option("--back-after", type=_Number(0), metavar="SECONDS", help="Plug in again after."),
)
_bootloader = _options(
    click.option("--bootloader", type=click.Choice(COMES), help="How it comes after a touch."),
    click.option(
        "--bootloader-serial", type=click.Choice(SERIALS), help="Serial number that it shows."
    ),
    click.option("--bootloader-silent", is_flag=True, help="It answers nothing."),
    click.option("--bootloader-delay", type=_Number(0, 10_000), help="N ms before its answers."),
    click.option("--flip", is_flag=True, help="It writes one byte wrongly."),
    click.option("--back-as", metavar="TEXT", help="Serial number of what comes after flashing."),
)
_process = _options(
    click.option("--speed", type=_Number(0.01, 1_000), default=1.0, help="Of its time."),
    click.option("--count", type=click.IntRange(1, 256), default=1, help="Number of boards."),
    click.option(
        "--announce",
        metavar="FOLDER",
        help="Where the agent finds the port; without it the configuration's ports.simulated.",
    ),
    click.option("--seed", type=int, default=0, help="Start of everything random."),
    click.option("--until-stdin-closes", is_flag=True, help="End with the standard input."),
    json_option,
)


@click.command()
@click.argument("model")
@_surroundings
@_firmware
@_line
@_faults
@_bootloader
@_process
def simulate(model: str, as_json: bool, until_stdin_closes: bool, **given: object) -> None:
    """A simulated board of MODEL (uno_r4_wifi, opta, …); prints its port.

    It runs until Ctrl-C. Without --networks it sees those of the demo: HomeNet with the password
    "correct horse", an Office, one without Internet, a hidden one.

    While it runs, each line of standard input is a command as a JSON object: {"unplug": true},
    {"plug": true}, {"press": "reset"}, {"press": "bootloader"}, {"fault": "silence"},
    {"world": {"networks": [{"ssid": "Other", "rssi": -50}]}}, {"status": true}.
    """
    from agent.cli.output import Output
    from agent.simulator.run import run_simulator

    try:
        config = make_config(model, given)
        asyncio.run(
            run_simulator(
                config,
                as_json=as_json,
                until_stdin_closes=until_stdin_closes,
                read_commands=given["networks_file"] != "-",
            )
        )
    except MooringError as error:
        Output(as_json=as_json).error(error.report())
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(ExitStatus.INTERRUPTED)


def make_config(model: str, given: dict[str, Any]) -> SimulatorConfig:
    """The simulator that the options describe; raises :class:`InputError`."""
    from agent.catalog import Catalog
    from agent.simulator.config import (
        BoardConfig,
        BootloaderConfig,
        LineFaults,
        SimulatorConfig,
        complete,
        default_sketch,
    )

    catalog = Catalog.load()
    known = catalog.get(model)
    usual = default_sketch(known) if known is not None else "provisioning"
    board = BoardConfig(
        model=model,
        sketch=given["sketch"] or ("application" if given["application"] else usual),
        answers=not given["foreign_sketch"],
        log=given["log"],
        wifi=not given["no_wifi"],
        bootloader=BootloaderConfig(
            comes=given["bootloader"] or "once",
            serial_number=given["bootloader_serial"] or "same",
            silent=given["bootloader_silent"],
            delay_ms=given["bootloader_delay"] or 0.0,
            back_as=given["back_as"] or "",
        ),
        **_given(given, "sketch_version", "library_version", "wifi_firmware", "serial_number"),
    )
    complete(board, catalog)
    return SimulatorConfig(
        board=board,
        count=given["count"],
        world=_world(given),
        speed=given["speed"],
        line=LineFaults(
            merge_ms=given["merge"] or 0.0, **_given(given, "noise", "corrupt", "split")
        ),
        faults=_step_faults(given),
        cloud=given["cloud"],
        folder=given["announce"] or _configured_folder(),
        # Each such process is a hub: the boards of two are never in the same socket.
        hub=f"9-{os.getpid()}.",
        tcp=given["tcp"],
        dtr=given["dtr"],
        seed=given["seed"],
    )


def _given(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if given[name] is not None}


def _step_faults(given: dict[str, Any]) -> tuple[Any, ...]:
    from agent.simulator.config import StepFault

    kinds = {"unplug_at": "unplug", "reboot_at": "reboot", "silent_at": "silence"}
    faults = [StepFault(at="write", do="flip")] if given["flip"] else []
    faults += (
        StepFault(at=step, do=action, back_after=given["back_after"])  # type: ignore[arg-type]  # click checked both
        for option, action in {**kinds, "wedge_at": "wedge"}.items()
        for step in given[option]
    )
    return tuple(faults)


def _world(given: dict[str, Any]) -> World:
    from agent.simulator.world import SecureElement, Uplink, big_list, demo_world

    world = demo_world()
    if given["networks_file"] is not None:
        world.networks = _read_networks(given["networks_file"])
    if given["list_too_big"]:
        world.networks = big_list()
    world.internet = not given["no_internet"]
    world.dhcp = not given["no_dhcp"]
    world.storage = not given["no_storage"]
    if given["ethernet"] is not None:
        world.ethernet = Uplink(given["ethernet"])
    if given["modem"] is not None:
        world.modem = Uplink(given["modem"])
    if given["secure_element"] is not None:
        world.secure_element = SecureElement(given["secure_element"])
    return world


def _read_networks(name: str) -> list[Any]:
    """Networks from a file that says ``networks = [{ssid = …, password = …}]``, or a JSON array."""
    import msgspec

    from agent.settings.network import secret_from
    from agent.simulator.world import Network

    try:
        if name == "-":
            data = sys.stdin.buffer.read(FILE_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise InputError(field=name, problem=f"cannot be read: {error.strerror}") from None
    if len(data) > FILE_BYTES:
        raise InputError(field=name, problem=f"is larger than {FILE_BYTES} bytes")
    try:
        text = data.decode()
        said = _parse(text)
    except (ValueError, RecursionError):
        # The message of a parser may quote the line, and with it a password.
        raise InputError(field=name, problem="is neither TOML nor JSON") from None
    if isinstance(said, dict):
        said = said.get("networks", said)
    try:
        return msgspec.convert(said, list[Network], dec_hook=secret_from)
    except msgspec.ValidationError as error:
        raise InputError(field=name, problem=str(error)) from None


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return tomllib.loads(text)


def _configured_folder() -> str | None:
    from agent.settings.config import load_config
    from agent.settings.paths import find_paths

    return load_config(find_paths().config_file).ports.simulated or None
