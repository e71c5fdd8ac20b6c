"""Which board a command means, and how it is reached: by a cable, in the air, in its own network."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.air import reach
from agent.cli.options import via_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.cli.client import Client
    from agent.cli.output import Output

OWN_NETWORK: Final = "ap"
"""``via`` of a board that is in the network of its own."""

access_point_option: Final = click.option(
    "--access-point",
    metavar="NAME",
    help="With blynk: reach the board in the Wi-Fi network of its own, which `mooring boards --wifi` "
    "lists.",
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a person said of the board."""

    board: str
    """Empty: it is only in the network of its own."""
    via: str | None
    access_point: str | None
    cloud: str | None

    async def reach(self, client: Client, output: Output) -> dict[str, Any]:
        """What of it a job is told; a board in the air is listened for."""
        way: dict[str, Any] = {"board": ""}
        if self.board or self.via:
            # Its own network, if that is named, and not the cable that may be there too.
            via = self.via or (OWN_NETWORK if self.access_point else None)
            way = await reach(client, output, self.board, via)
        given = {"access_point": self.access_point, "cloud": self.cloud}
        return way | {name: value for name, value in given.items() if value is not None}


def target_options(command: Callable[..., None]) -> Callable[..., None]:
    """BOARD and the options beside it, as one :class:`Target` for the parameter ``target``."""

    @functools.wraps(command)
    def packed(
        *,
        board: str | None,
        via: str | None,
        access_point: str | None,
        cloud: str | None,
        **rest: Any,  # noqa: ANN401 - the options of the command itself
    ) -> None:
        if not (board or access_point):
            raise click.UsageError("Missing argument 'BOARD'.")
        command(target=Target(board or "", via, access_point, cloud), **rest)

    for option in (
        click.option(
            "--cloud",
            type=click.Choice(["nrf", "blynk"]),
            help="Whose firmware the board has, where it has not told that yet.",
        ),
        access_point_option,
        via_option,
        click.argument("board", metavar="[BOARD]", required=False),
    ):
        packed = option(packed)
    return packed
