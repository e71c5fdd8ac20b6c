"""An agent that kills itself at a given moment of making a device; started by ``enrol_kills.py``.

Reads one JSON object a line from standard input: folder, moment, request. For each an agent runs in
a process of its own, whose number is written as one line, and then how it ended: ``-9``. The
processes are forks, so that the modules are loaded only once; where there are none, one is all.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cryptography.x509
import httpx

from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.catalog import Catalog
from agent.clouds.none import NoCloud
from agent.clouds.thingsboard.cloud import ThingsBoard
from agent.flash.flashers import Flashers
from agent.jobs.journal import open_journal
from agent.jobs.service import JobService
from agent.jobs.surroundings import Surroundings
from agent.jobs.ways import open_console_way
from agent.links import tcp
from tests.jobs.agent_bench import accounts_in, vault_in
from tests.jobs.crash_child import Deadly
from tests.jobs.stores import sketches_in

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

LOADED = (cryptography.x509, httpx, tcp)
"""What an agent loads when it needs it: loaded once, before the forks."""


async def run(given: dict[str, Any], catalog: Catalog) -> None:
    """The agent, with a job that ends well unless it is killed before."""
    folder, moment = Path(given["folder"]), given["moment"]
    cloud: Any = ThingsBoard(accounts=accounts_in(folder))

    async def console(lease: Any) -> Any:
        return Deadly(await open_console_way(lease), moment, "board.")

    await work(
        given,
        catalog,
        cloud.id,
        enrolments={cloud.id: Deadly(cloud, moment, "cloud.")},
        vault=Deadly(vault_in(folder), moment, "vault."),
        deliveries={"console": console},
    )


async def work(given: dict[str, Any], catalog: Catalog, cloud: str, **around: Any) -> None:
    """Provision the only board in ``given["folder"]`` for this cloud, in these surroundings."""
    folder, moment = Path(given["folder"]), given["moment"]
    boards = BoardService(catalog, [SimulatedPorts(folder / "ports")])
    await boards.start()
    journal: Any = Deadly(await open_journal(folder / "journal.sqlite3"), moment)
    surroundings = Surroundings(
        boards=boards,
        clouds={"none": NoCloud()},
        journal=journal,
        flashers=Flashers(),
        sketches=sketches_in(folder),
        **around,
    )
    jobs = JobService(surroundings, catalog)
    await jobs.start_up()
    (board,) = boards.list()
    request = {"kind": "provision", "board": board.id, "cloud": cloud} | given["request"]
    await jobs.wait(await jobs.start(request, attended=True))


def serve(run: Callable[[dict[str, Any], Catalog], Coroutine[Any, Any, None]]) -> None:
    """Let ``run`` be killed once for each line of standard input."""
    catalog = Catalog.load()
    for line in sys.stdin:
        given = json.loads(line)
        if sys.platform == "win32":
            print(os.getpid(), flush=True)
            asyncio.run(run(given, catalog))
            return
        child = os.fork()
        if child == 0:
            asyncio.run(run(given, catalog))
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve(run)
