"""The options of ``mooring simulate``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.options import json_option

if TYPE_CHECKING:
    from collections.abc import Callable

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
    "console",
    "nvs",
    "micropython",
    "circuitpython",
    "other",
)
DRIVES: Final = ("none", "in-use", "ejected")
UPLINKS: Final = ("ok", "absent", "no_internet", "refused", "stopped", "broken")
RADIO: Final = ("on", "off", "blocked", "absent", "forbidden", "stopped")
BRANDS: Final = ("standard", "esphome", "wled", "tasmota", "library")
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
surroundings = _options(
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
firmware = _options(
    click.option("--sketch", type=click.Choice(SKETCHES), help="What runs on the board."),
    click.option("--application", is_flag=True, help="As --sketch application."),
    click.option("--foreign-sketch", is_flag=True, help="A sketch that knows no provisioning."),
    click.option("--sketch-version", metavar="VERSION", help="Of the provisioning sketch."),
    click.option("--library-version", metavar="VERSION", help="Of the configurator library."),
    click.option("--wifi-firmware", metavar="VERSION", help="Of the Wi-Fi module."),
    click.option("--log", is_flag=True, help="The sketch's debug log between the frames."),
    click.option("--drive", type=click.Choice(DRIVES), help="Of CircuitPython: its drive."),
    click.option("--serial-number", metavar="TEXT", help="USB serial number."),
    click.option("--no-wifi", is_flag=True, help="An Opta without Wi-Fi."),
)
line = _options(
    click.option("--noise", type=_Number(0, 1), help="Share of frames behind noise."),
    click.option("--corrupt", type=_Number(0, 1), help="Share of damaged input."),
    click.option("--split", type=click.IntRange(1), help="Deliver in pieces of N bytes."),
    click.option("--merge", type=_Number(0, 1000), help="Collect output for N ms."),
    click.option("--tcp", is_flag=True, help="A loopback socket instead of a pseudo-terminal."),
    click.option("--dtr", is_flag=True, help="Notice when the port is closed (native USB)."),
)
faults = _options(
    click.option("--unplug-at", type=_step, multiple=True, help="Unplug at this step."),
    click.option("--reboot-at", type=_step, multiple=True, help="Restart at this step."),
    click.option("--silent-at", type=_step, multiple=True, help="Say nothing from this step on."),
    click.option("--wedge-at", type=_step, multiple=True, help="Hear nothing from this step on."),
    click.option("--back-after", type=_Number(0), metavar="SECONDS", help="Plug in again after."),
)
bootloader = _options(
    click.option("--bootloader", type=click.Choice(COMES), help="How it comes after a touch."),
    click.option(
        "--bootloader-serial", type=click.Choice(SERIALS), help="Serial number that it shows."
    ),
    click.option("--bootloader-silent", is_flag=True, help="It answers nothing."),
    click.option("--bootloader-delay", type=_Number(0, 10_000), help="N ms before its answers."),
    click.option("--flip", is_flag=True, help="It writes one byte wrongly."),
    click.option("--back-as", metavar="TEXT", help="Serial number of what comes after flashing."),
)
air = _options(
    click.option("--ble", is_flag=True, help="In the air; without a cable unless --usb."),
    click.option("--usb", is_flag=True, help="With --ble: on a cable too, one board over both."),
    click.option("--rssi", type=click.IntRange(-127, 20), help="How strong it arrives, in dBm."),
    click.option("--new-address", is_flag=True, help="Advertise from an address not its own."),
    click.option("--radio", type=click.Choice(RADIO), help="What this computer's Bluetooth is."),
    click.option("--drop-at", type=_step, multiple=True, help="The link falls at this step."),
    click.option(
        "--att-error-at", type=_step, multiple=True, help="Refuse the write after this step."
    ),
)
improv = _options(
    click.option("--brand", type=click.Choice(BRANDS), help="Of an Improv device: its firmware."),
    click.option("--name", metavar="TEXT", help="What an Improv device calls itself."),
    click.option(
        "--needs-button", is_flag=True, help="An Improv device whose button must be pressed."
    ),
)
thingsboard = _options(
    click.option(
        "--port",
        metavar="SCHEME=NUMBER",
        multiple=True,
        help="Of a server: a port that is not just a free one (http, https, mqtt, mqtts, coap, …).",
    ),
    click.option(
        "--account",
        metavar="FILE",
        help="Of a server: where its accounts are written to.",
    ),
)
process = _options(
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
