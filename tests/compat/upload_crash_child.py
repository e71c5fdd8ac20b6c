"""An agent that kills itself while a tool writes a sketch; started by ``test_uploads_crash.py``.

Reads a JSON object from standard input: folder, body (of the upload). Prints the id of the tool's
process.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.catalog import Catalog
from agent.compat.answer import Asked
from agent.compat.signature import CommandKey
from agent.compat.tool_kit import ToolKit
from agent.compat.uploads import Uploads
from agent.flash.flashers import Flashers
from agent.flash.toolstore.store import ToolStore
from agent.jobs.journal import open_journal
from agent.jobs.service import JobService
from agent.jobs.surroundings import Surroundings
from tests.compat.upload_bench import Monitors
from tests.jobs.crash_child import die
from tests.jobs.stores import sketches_in


def tell(_origin: str | None, text: str) -> None:
    """The first word of the tool is its number; then the agent is gone."""
    said = json.loads(text).get("Msg", "")
    if said.startswith("pid "):
        print(said.split()[1], flush=True)
        die()


async def main() -> None:
    given = json.loads(sys.stdin.readline())
    folder = Path(given["folder"])
    catalog = Catalog.load()
    boards = BoardService(catalog, [SimulatedPorts(folder / "ports")])
    await boards.start()
    nobody: Any = None
    surroundings = Surroundings(
        boards=boards,
        clouds={},
        journal=await open_journal(folder / "journal.sqlite3"),
        flashers=Flashers(),
        sketches=sketches_in(folder, nobody),
        kits=(ToolKit(),),
    )
    jobs = JobService(surroundings, catalog)
    await jobs.start_up()
    uploads = Uploads(
        jobs=jobs,
        boards=boards,
        catalog=catalog,
        flashers=surroundings.flashers,
        tools=ToolStore(folder / "tools"),
        key=lambda: CommandKey(given["key"].encode()),
        tell=tell,
        monitors=Monitors(),
        folder=folder / "uploads",
        system="linux",
    )
    uploads.sweep()
    asked = Asked("POST", "/upload", given["body"].encode(), None, lambda _: True)
    assert (await uploads.upload(asked)).status == 202
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
