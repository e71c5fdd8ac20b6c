"""``mooring monitor``: what a board prints, and lines that a person types to it."""

from __future__ import annotations

import asyncio
import codecs
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import click

from agent.cli.client import error_from
from agent.cli.connect import open_client
from agent.cli.inputs import can_ask
from agent.cli.keyboard import InputEnded
from agent.cli.options import board_argument, json_option
from agent.cli.output import is_terminal
from agent.cli.shell import run_command
from agent.errors import ExitStatus

if TYPE_CHECKING:
    from agent.cli.client import Client
    from agent.cli.shell import Shell

USUAL_BAUD = 9600
"""What Arduino sketches open their port with; boards with native USB ignore it."""
ENDINGS = {"lf": "\n", "crlf": "\r\n", "cr": "\r", "none": ""}


@click.command()
@board_argument
@click.option("--baud", default=USUAL_BAUD, show_default=True, type=click.IntRange(50, 4_000_000))
@click.option("--ending", default="lf", show_default=True, type=click.Choice(list(ENDINGS)))
@click.option("--raw", is_flag=True, help="Print the bytes as they are, also to a terminal.")
@json_option
def monitor(*, board: str, baud: int, ending: str, raw: bool, as_json: bool) -> None:
    """The serial monitor of a board. Ctrl-C ends it.

    Lines that you type are sent to the board. On a terminal, control characters of the board are
    shown as dots; into a file or another program its bytes go unchanged.
    """

    async def watch(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            screen = Screen(shell, raw=raw or not is_terminal(sys.stdout))
            client.on("serial.dropped", screen.dropped)
            client.on("serial.refused", screen.refused)
            client.on("serial.closed", screen.closed)
            channel = (await client.call("serial.open", board=board, baud=baud))["channel"]
            client.on_data(channel, screen.show)
            shell.output.note(f"Watching {board} at {baud} baud. Ctrl-C ends it.", "dim")
            tasks = {screen.ended, asyncio.ensure_future(client.wait_gone())}
            if can_ask():
                tasks.add(asyncio.ensure_future(_type(shell, client, channel, ENDINGS[ending])))
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
            for task in done:
                task.result()
        return ExitStatus.DONE

    run_command(as_json, watch)


class Screen:
    """Shows what a board sends."""

    def __init__(self, shell: Shell, *, raw: bool) -> None:
        self._output = shell.output
        self._raw = raw and not shell.output.as_json
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when nobody reads any more; fails when nothing more can come."""

    def show(self, data: bytes) -> None:
        """Print what came."""
        if self._raw:
            self._output.data(data)
        elif text := self._decoder.decode(data):
            if self._output.as_json:
                self._output.document({"text": text})
            else:
                self._output.piece(visible(text))
        if self._output.reader_gone and not self.ended.done():
            self.ended.set_result(None)

    def dropped(self, params: Any) -> None:  # noqa: ANN401 - JSON data
        """Tell that something is missing here."""
        if self._output.as_json:
            self._output.document({"dropped": params["count"]})
        self._output.note(f"[{params['count']} bytes were lost here]", "yellow")

    def refused(self, params: Any) -> None:  # noqa: ANN401 - JSON data
        """Tell that the board did not take what was typed."""
        if self._output.as_json:
            self._output.document({"refused": params["count"]})
        self._output.note(
            f"[{params['count']} bytes were not sent: the board reads too slowly]", "yellow"
        )

    def closed(self, params: Any) -> None:  # noqa: ANN401 - JSON data
        """The port was closed by the other side."""
        if not self.ended.done():
            self.ended.set_exception(error_from(params.get("error")))


def visible(text: str) -> str:
    """Text of a board for a terminal: lines and tabs stay, no command to the terminal does."""
    return "".join(
        char
        if char in "\n\t" or char.isprintable()
        else ""
        if char == "\r" or unicodedata.category(char) == "Cf"
        else "·"
        for char in text
    )


async def _type(shell: Shell, client: Client, channel: int, ending: str) -> None:
    while True:
        try:
            line = await shell.keyboard.ask("")
        except InputEnded:
            return
        await client.send_data(channel, (line + ending).encode())
