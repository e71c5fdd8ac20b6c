"""The boards with an nRF91 that a command means, and work on many of them side by side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import click
import msgspec

from agent.boards.board import Board
from agent.boards.find import find_board
from agent.cli.output import clean_lines
from agent.errors import InputError, MooringError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent.cli.client import Client
    from agent.cli.output import Output
    from agent.errors import ErrorReport

T = TypeVar("T")

SIDE_BY_SIDE: Final = 24
"""Boards at a time; the agent takes 32 requests of one program."""
FAMILY: Final = "nrf"
"""What the catalogue says of models whose identity is known to nRF Cloud."""

boards_argument: Final = click.argument("boards", metavar="[BOARD]...", nargs=-1)
all_option: Final = click.option(
    "--all", "all_boards", is_flag=True, help="All boards with an nRF91 that are plugged in."
)


@dataclass(frozen=True, slots=True)
class Gone(Generic[T]):
    """What became of one board."""

    board: Board
    value: T | None
    error: ErrorReport | None


async def chosen_boards(client: Client, wanted: Sequence[str], *, all_boards: bool) -> list[Board]:
    """The boards that are named, each once; raises for one that is not there, before any work."""
    if bool(wanted) == all_boards:
        raise InputError(field="BOARD or --all", problem="give one of the two")
    listed = msgspec.convert((await client.call("boards.list"))["boards"], list[Board])
    if wanted:
        return list({board.id: board for board in (find_board(listed, w) for w in wanted)}.values())
    from agent.catalog import Catalog

    family = {model.id for model in Catalog.load().models if FAMILY in model.provisioning}
    return [each for each in listed if family & {each.model, *each.candidates}]


async def on_each(
    output: Output,
    boards: Sequence[Board],
    doing: str,
    work: Callable[[Board], Awaitable[T]],
    told: Callable[[Gone[T]], None],
) -> None:
    """Do ``work`` on all boards side by side, and tell each as it ends; one stops no other."""
    room = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(board: Board) -> Gone[T]:
        async with room:
            try:
                return Gone(board, await work(board), None)
            except MooringError as error:
                return Gone(board, None, error.report())

    tasks = [asyncio.ensure_future(one(board)) for board in boards]
    try:
        for done, ending in enumerate(asyncio.as_completed(tasks)):
            output.status(f"… {doing}: {done} of {len(boards)}")
            told(await ending)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def tell_failure(output: Output, gone: Gone[Any]) -> None:
    """A board that gave nothing, and why."""
    if gone.error is None or output.as_json:
        return
    output.line(f"✗ {clean_lines(gone.board.name)} ({gone.board.id})", "red")
    for sentence in (gone.error.title, gone.error.remedy):
        output.line(f"    {clean_lines(sentence)}")
    output.line(f"    [{gone.error.code}]", "dim")
