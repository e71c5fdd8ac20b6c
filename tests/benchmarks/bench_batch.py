"""How many boards a minute ``mooring batch`` gets through, and whether each is who it should be.

The boards and the ThingsBoard are simulated here, in one process; the command is one of its own.
The boards take no time for themselves, so that what is measured is the agent, the protocol and this
simulation, which shares the processor with them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.cli.batch_line import Line

Row = tuple[str, float, str, str | None]

BOARDS = 30
ROWS = 10_000
"""The line's list; the boards of the bench are its first ones."""


async def run() -> list[Row]:
    """Thirty boards at once out of a list of ten thousand."""
    with TemporaryDirectory() as folder:
        async with Line(Path(folder) / "line", BOARDS) as line:
            await line.plug_all()
            manifest = line.manifest(
                "# cloud = thingsboard\n# ssid = Factory\n# name = line3-{n:05}\n"
                f"model,count\n303a:1001,{ROWS}\n"
            )
            began = time.perf_counter()
            ended = await line.batch(manifest, "--no-wait", "--parallel", "16")
            took_s = time.perf_counter() - began
            done = [each for each in ended.lines if each.get("state") == "done"]
            wrong = line.wrong_pairings(ended)
            began = time.perf_counter()
            again = await line.batch(manifest, "--no-wait")
            again_s = time.perf_counter() - began
            assert again.lines[-1]["done"] == len(done)
    return [
        (
            "batch: boards per minute, start of the command included",
            60 * len(done) / took_s,
            "",
            ">= 60",
        ),
        (f"batch: boards of {BOARDS} that are done", float(len(done)), "", f">= {BOARDS}"),
        (f"batch: wrong pairings of {BOARDS}", float(len(wrong)), "", "<= 0"),
        (f"batch: going on with a list of {ROWS} rows", again_s, "s", "<= 10"),
    ]
