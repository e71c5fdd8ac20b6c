"""``mooring simulate``: a simulated board on a port of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from agent.cli import simulate_blynk
from agent.cli import simulate_options as options
from agent.cli.simulate_nrf import NRF_MODELS, NRF_ONLY, nrf_boards, nrf_options
from agent.errors import ExitStatus, InputError, MooringError

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.settings.config import Config
    from agent.simulator.config import SimulatorConfig
    from agent.simulator.improv_board import ImprovBoard
    from agent.simulator.world import World

FILE_BYTES: Final = 1 << 20
"""A file with a thousand networks has some 100 kB."""
IMPROV: Final = "improv"
"""Instead of a model: a device with Improv Wi-Fi, the open standard."""
PYTHON: Final = {"micropython": "pico_w", "circuitpython": "pico_w"}
"""Instead of a model: a board with this firmware."""
THINGSBOARD: Final = "thingsboard"
BLYNK_CLOUD: Final = "blynk-cloud"
NRF_CLOUD: Final = "nrf-cloud"
SERVERS: Final = (THINGSBOARD, BLYNK_CLOUD, NRF_CLOUD)
"""Instead of a model: a server for devices."""
SERVER_ONLY: Final = ("port", "account")
IMPROV_ONLY: Final = ("brand", "name", "needs_button")
AIR_ONLY: Final = ("usb", "rssi", "new_address", "radio", "drop_at", "att_error_at")
BOARDS_ONLY: Final = (
    *("sketch", "application", "foreign_sketch", "sketch_version", "library_version"),
    *("wifi_firmware", "log", "no_wifi", "cloud", "ethernet", "modem", "secure_element"),
    *("no_storage", "unplug_at", "reboot_at", "silent_at", "wedge_at", "drop_at", "att_error_at"),
    *("bootloader", "bootloader_serial", "bootloader_silent", "bootloader_delay", "flip"),
    *("back_as", "usb", "dtr", "drive"),
)

NOT_FOR_NRF: Final = (
    *(name for name in BOARDS_ONLY if name not in {"log", "cloud"}),
    *("ble", "noise", "corrupt", "split", "merge"),
)


@click.command()
@click.argument("model")
@options.surroundings
@options.firmware
@options.line
@options.faults
@options.bootloader
@options.air
@options.improv
@nrf_options
@simulate_blynk.blynk_options
@options.thingsboard
@options.process
def simulate(model: str, as_json: bool, until_stdin_closes: bool, **given: object) -> None:
    """A simulated board of MODEL (uno_r4_wifi, esp32, …), improv, or a server; prints its port.

    The servers are thingsboard, blynk-cloud and nrf-cloud.

    MODEL may also be micropython or circuitpython: a Pico W with that firmware; or a thingy91x,
    thingy91, nrf9151_dk or nrf9160_dk: a board with a modem, on two ports.

    blynk is a board with Blynk's firmware: a console, and a web server for its access point.

    With --ble it is in the air, in a Bluetooth of its own: the first line is what an agent that is
    to hear it needs in its environment (DBUS_SYSTEM_BUS_ADDRESS=…). That needs Linux.

    It runs until Ctrl-C. Without --networks it sees those of the demo: HomeNet with the password
    "correct horse", an Office, one without Internet, a hidden one.

    While it runs, each line of standard input is a command as a JSON object: {"unplug": true},
    {"plug": true}, {"press": "reset"}, {"press": "bootloader"}, {"fault": "silence"},
    {"world": {"networks": [{"ssid": "Other", "rssi": -50}]}}, {"status": true}; in the air also
    {"range": "out"}, {"rssi": -80}, {"drop": true}, {"ble": "off"}, {"radio": "off"}.
    """
    from agent.cli.output import Output
    from agent.simulator.run import run_simulator

    try:
        if model in SERVERS:
            run_server(model, given, as_json=as_json, until_stdin_closes=until_stdin_closes)
            return
        if model == simulate_blynk.BLYNK:
            simulate_blynk.check(given)
            how = {"as_json": as_json, "until_stdin_closes": until_stdin_closes}
            asyncio.run(simulate_blynk.run(given, _world(given), _configured_folder, **how))
            return
        _refuse(given, ("generation",), "is for a Blynk board")
        _refuse(given, SERVER_ONLY, "is for a server alone")
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


def run_server(
    model: str, given: dict[str, Any], *, as_json: bool, until_stdin_closes: bool
) -> None:
    """A simulated server until it is told to stop; raises :class:`InputError`."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = str(parameter.name)
        chosen = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if chosen and name in given and name not in SERVER_ONLY:
            raise InputError(field=parameter.opts[0], problem=f"is for boards, not for {model}")
    common: dict[str, Any] = {
        "as_json": as_json,
        "until_stdin_closes": until_stdin_closes,
        "ports": dict(map(_port, given["port"])),
        "account": Path(given["account"]) if given["account"] else None,
    }
    if model == BLYNK_CLOUD:
        from agent.simulator.blynk_cloud_process import run_blynk_cloud

        asyncio.run(run_blynk_cloud(**common))
    elif model == NRF_CLOUD:
        from agent.simulator.nrf_cloud_process import run_nrf_cloud

        asyncio.run(run_nrf_cloud(**common))
    else:
        from agent.simulator.thingsboard_process import run_thingsboard

        asyncio.run(run_thingsboard(**common))


def _port(text: str) -> tuple[str, int]:
    scheme, _, number = text.partition("=")
    known = scheme in {"http", "https", "mqtt", "mqtts", "coap", "coaps", "elsewhere"}
    if not known or not (number.isascii() and number.isdigit()) or int(number) > 0xFFFF:
        raise InputError(field="--port", problem=f"{text} is not SCHEME=NUMBER, as mqtt=1883")
    return scheme, int(number)


def make_config(model: str, given: dict[str, Any]) -> SimulatorConfig:
    """The simulator that the options describe; raises :class:`InputError`."""
    from msgspec.structs import replace

    from agent.catalog import Catalog
    from agent.simulator.config import (
        BoardConfig,
        BootloaderConfig,
        LineFaults,
        SimulatorConfig,
        complete,
        default_sketch,
    )

    _check_air(given)
    catalog = Catalog.load()
    common = SimulatorConfig(
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
        radio=given["radio"] or "on",
        rssi_dbm=given["rssi"],
        new_address=given["new_address"],
    )
    if model == IMPROV:
        _refuse(given, NRF_ONLY, "is for nRF91 boards alone")
        return replace(common, count=0, improv=_improv(given))
    _refuse(given, IMPROV_ONLY, "is for improv alone")
    if model in NRF_MODELS:
        _refuse(given, NOT_FOR_NRF, "is not for an nRF91 board")
        return replace(common, count=0, nrf=nrf_boards(model, given))
    _refuse(given, NRF_ONLY, "is for nRF91 boards alone")
    if model in PYTHON:
        given["sketch"] = given["sketch"] or model
        model = PYTHON[model]
    if given["drive"] and given["sketch"] != "circuitpython":
        raise InputError(field="--drive", problem="is for circuitpython alone")
    known = catalog.get(model)
    usual = default_sketch(known) if known is not None else "provisioning"
    board = BoardConfig(
        model=model,
        sketch=given["sketch"] or ("application" if given["application"] else usual),
        answers=not given["foreign_sketch"],
        log=given["log"],
        wifi=not given["no_wifi"],
        ble=given["ble"],
        usb=given["usb"] or not given["ble"],
        bootloader=BootloaderConfig(
            comes=given["bootloader"] or "once",
            serial_number=given["bootloader_serial"] or "same",
            silent=given["bootloader_silent"],
            delay_ms=given["bootloader_delay"] or 0.0,
            back_as=given["back_as"] or "",
        ),
        **_given(given, "sketch_version", "library_version", "wifi_firmware", "serial_number"),
        **_given(given, "drive"),
        **_nvs_names(given),
    )
    complete(board, catalog)
    return replace(common, board=board)


def _improv(given: dict[str, Any]) -> tuple[ImprovBoard, ...]:
    """Devices with the open standard instead of boards."""
    from agent.simulator.improv import ImprovConfig
    from agent.simulator.improv_board import ImprovBoard

    _refuse(given, BOARDS_ONLY, "is not for an Improv device")
    device = ImprovConfig(
        brand=given["brand"] or "standard",
        needs_button=given["needs_button"],
        **_given(given, "name"),
    )
    return tuple(
        ImprovBoard(
            device=device,
            link="ble" if given["ble"] else "serial",
            serial_number=_numbered(given["serial_number"], number),
        )
        for number in range(given["count"])
    )


def _numbered(serial_number: str | None, number: int) -> str:
    if not serial_number:
        return ""
    return f"{serial_number}-{number}" if number else serial_number


def _check_air(given: dict[str, Any]) -> None:
    """Options about the air are nothing without it."""
    if not given["ble"]:
        _refuse(given, AIR_ONLY, "is for --ble")


def _refuse(given: dict[str, Any], names: Collection[str], problem: str) -> None:
    for name in names:
        if given[name]:
            raise InputError(field=f"--{name.replace('_', '-')}", problem=problem)


def _given(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if given[name] is not None}


def _step_faults(given: dict[str, Any]) -> tuple[Any, ...]:
    from agent.simulator.config import StepFault

    kinds = {"unplug_at": "unplug", "reboot_at": "reboot", "silent_at": "silence"}
    kinds |= {"wedge_at": "wedge", "drop_at": "drop", "att_error_at": "refuse"}
    faults = [StepFault(at="write", do="flip")] if given["flip"] else []
    faults += (
        StepFault(at=step, do=action, back_after=given["back_after"])  # type: ignore[arg-type]  # click checked both
        for option, action in kinds.items()
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
    return _configured().ports.simulated or None


def _nvs_names(given: dict[str, Any]) -> dict[str, Any]:
    """The simulated sketch is the one of this person."""
    return {"nvs": _configured().nvs.names} if given["sketch"] == "nvs" else {}


def _configured() -> Config:
    from agent.settings.load import load_config
    from agent.settings.paths import find_paths

    return load_config(find_paths().config_file)
