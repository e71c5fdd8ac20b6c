"""The networks that boards have opened, as a command shows them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.bridge.methods.wifi import Point
from agent.cli.air import STATUS_S
from agent.cli.output import bars, seconds_text
from agent.errors import ErrorReport, ReportedError

if TYPE_CHECKING:
    from agent.cli.client import Client
    from agent.cli.output import Output

HEAD: Final = ("NETWORK", "SIGNAL", "BOARD")
STRENGTHS: Final = (75, 50, 25)
"""From which strength on a network has four, three and two bars, as in the menus of NetworkManager."""
OTHERS: Final = "other open network"


async def hear_points(client: Client, output: Output) -> dict[str, Any]:
    """``access_points`` and ``wifi_problem``, which is no failure of the command."""
    asked = asyncio.ensure_future(client.call("wifi.points"))
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        while not asked.done():
            passed = seconds_text(clock() - began)
            output.status(f"… Listening for networks of boards  {passed}")
            await asyncio.wait({asked}, timeout=STATUS_S)
        points = msgspec.convert((await asked)["points"], list[Point])
    except ReportedError as error:
        return {"access_points": [], "wifi_problem": error.report()}
    finally:
        asked.cancel()
    return {"access_points": points, "wifi_problem": None}


def show_points(output: Output, points: list[Point], problem: ErrorReport | None) -> None:
    """For people: a table, or why there is none."""
    if problem is not None:
        output.explain(problem)
        return
    rows = [_row(point) for point in points]
    empty = (
        "No open Wi-Fi network is heard. A board of Blynk has one while its LED blinks blue; hold its "
        "button for ten seconds and release it."
    )
    output.line()
    output.table(HEAD, rows, empty=empty)
    board = next((point for point in points if point.looks_like), None)
    if board is not None:
        named = board.access_point.replace("'", "'\\''")
        hint = f"mooring provision --cloud blynk --access-point '{named}'"
        output.note(f"To set one up: {hint}", "dim")


def _row(point: Point) -> tuple[str, ...]:
    kind = f"Blynk: {point.product}" if point.looks_like else OTHERS
    return (point.access_point, bars(point.strength, STRENGTHS), kind)
