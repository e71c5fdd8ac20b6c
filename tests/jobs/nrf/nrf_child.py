"""An agent that kills itself at a given moment of work for nRF Cloud; see ``../enrol_child.py``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.clouds.accounts import AccountStore
from agent.clouds.none import NoCloud
from agent.clouds.nrf.cloud import NrfCloud
from agent.flash.flashers import Flashers
from agent.jobs.journal import open_journal
from agent.jobs.nrf.kit import NrfKit
from agent.jobs.service import JobService
from agent.jobs.surroundings import Surroundings
from agent.sessions import nrf
from tests.jobs.crash_child import Deadly
from tests.jobs.enrol_bench import NoSketches
from tests.jobs.enrol_child import serve
from tests.jobs.nrf.nrf_bench import CLOUD_HASTE, JOB_HASTE, Hasty
from tests.jobs.stores import sketches_in

if TYPE_CHECKING:
    from agent.catalog import Catalog

LOADED = (nrf,)
"""What an agent loads when it needs it: loaded once, before the forks."""


async def run(given: dict[str, Any], catalog: Catalog) -> None:
    """The agent, with a job that ends well unless it is killed before."""
    folder, moment = Path(given["folder"]), given["moment"]
    boards = BoardService(catalog, [SimulatedPorts(folder / "ports")])
    await boards.start()
    request = dict(given["request"])
    url = request.pop("url")
    store = AccountStore(folder / "accounts.json", use_keyring=False)
    client = NrfCloud(
        accounts=store, provisioning_url=url, devices_url=url, clock=Hasty(CLOUD_HASTE)
    )
    cloud: Any = Deadly(client, moment, "cloud.")
    journal: Any = Deadly(await open_journal(folder / "journal.sqlite3"), moment)
    surroundings = Surroundings(
        boards=boards,
        clouds={"none": NoCloud()},
        journal=journal,
        flashers=Flashers(),
        sketches=sketches_in(folder, NoSketches()),
        kits=(NrfKit(cloud, catalog),),
        clock=Hasty(JOB_HASTE),
    )
    jobs = JobService(surroundings, catalog)
    await jobs.start_up()
    (board,) = boards.list()
    asked = {"kind": "provision", "board": board.id, "cloud": "nrf"} | request
    await jobs.wait(await jobs.start(asked, attended=True))


if __name__ == "__main__":
    serve(run)
