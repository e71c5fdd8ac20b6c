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
from agent.clouds.accounts import AccountStore
from agent.clouds.none import NoCloud
from agent.clouds.thingsboard.cloud import ThingsBoard
from agent.clouds.vault import Vault
from agent.clouds.vault_file import VaultFolder
from agent.clouds.vault_key import VaultKeys
from agent.flash.flashers import Flashers
from agent.jobs.journal import open_journal
from agent.jobs.service import JobService
from agent.jobs.surroundings import Surroundings
from agent.jobs.ways import open_console_way
from agent.links import tcp
from tests.jobs.crash_child import Deadly
from tests.jobs.enrol_bench import NoSketches
from tests.jobs.stores import sketches_in

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

LOADED = (cryptography.x509, httpx, tcp)
"""What an agent loads when it needs it: loaded once, before the forks."""


async def run(given: dict[str, Any], catalog: Catalog) -> None:
    """The agent, with a job that ends well unless it is killed before."""
    folder, moment = Path(given["folder"]), given["moment"]
    boards = BoardService(catalog, [SimulatedPorts(folder / "ports")])
    await boards.start()
    cloud: Any = ThingsBoard(accounts=AccountStore(folder / "accounts.json", use_keyring=False))
    keys = VaultKeys(folder / "keys", use_keyring=False)
    vault: Any = Deadly(Vault(VaultFolder(folder / "vault"), keys), moment, "vault.")
    journal: Any = Deadly(await open_journal(folder / "journal.sqlite3"), moment)

    async def console(lease: Any) -> Any:
        return Deadly(await open_console_way(lease), moment, "board.")

    surroundings = Surroundings(
        boards=boards,
        clouds={"none": NoCloud()},
        journal=journal,
        flashers=Flashers(),
        sketches=sketches_in(folder, NoSketches()),
        enrolments={cloud.id: Deadly(cloud, moment, "cloud.")},
        vault=vault,
        deliveries={"console": console},
    )
    jobs = JobService(surroundings, catalog)
    await jobs.start_up()
    (board,) = boards.list()
    request = {"kind": "provision", "board": board.id, "cloud": cloud.id} | given["request"]
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
