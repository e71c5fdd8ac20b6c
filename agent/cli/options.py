"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import Final

import click

json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs."
)

board_argument: Final = click.argument("board", metavar="BOARD")
"""An id or any unambiguous part of one: a port, a serial number, a name."""

model_option: Final = click.option(
    "--model",
    metavar="ID",
    help="Which model the board is, if its USB ids leave that open.",
)

confirm_option: Final = click.option(
    "--yes",
    "confirmed",
    is_flag=True,
    help="Go on without a question: about a network that the board does not see, or about what is "
    "erased or overwritten.",
)

via_option: Final = click.option(
    "--via",
    type=click.Choice(["usb", "ble"]),
    help="Over the cable, or through the air, where the board is listened for; default: the cable, "
    "if there is one.",
)
