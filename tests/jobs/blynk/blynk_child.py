"""An agent that kills itself at a given moment of setting a Blynk board up; see ``enrol_child.py``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.clouds.accounts import AccountStore
from agent.clouds.blynk.cloud import Blynk
from agent.clouds.none import NoCloud
from agent.clouds.vault import Vault
from agent.clouds.vault_file import VaultFolder
from agent.clouds.vault_key import VaultKeys
from agent.flash.flashers import Flashers
from agent.jobs.blynk.kit import BlynkKit
from agent.jobs.journal import open_journal
from agent.jobs.service import JobService
from agent.jobs.surroundings import Surroundings
from tests.jobs.blynk.blynk_bench import NETWORK, PACE, Hasty
from tests.jobs.crash_child import Deadly
from tests.jobs.enrol_bench import NoSketches
from tests.jobs.enrol_child import serve
from tests.jobs.stores import sketches_in

if TYPE_CHECKING:
    from agent.catalog import Catalog


async def run(given: dict[str, Any], catalog: Catalog) -> None:
    """The agent, with a job that ends well unless it is killed before."""
    folder, moment = Path(given["folder"]), given["moment"]
    boards = BoardService(catalog, [SimulatedPorts(folder / "ports")])
    await boards.start()
    accounts = AccountStore(folder / "accounts.json", use_keyring=False)
    cloud: Any = Deadly(Blynk(accounts=accounts, clock=Hasty()), moment, "cloud.")
    keys = VaultKeys(folder / "keys", use_keyring=False)
    vault: Any = Deadly(Vault(VaultFolder(folder / "vault"), keys), moment, "vault.")
    journal: Any = Deadly(await open_journal(folder / "journal.sqlite3"), moment)
    surroundings = Surroundings(
        boards=boards,
        clouds={"none": NoCloud()},
        journal=journal,
        flashers=Flashers(),
        sketches=sketches_in(folder, NoSketches()),
        vault=vault,
        kits=(BlynkKit(cloud, pace=PACE),),
    )
    jobs = JobService(surroundings, catalog)
    await jobs.start_up()
    (board,) = boards.list()
    request = {"kind": "provision", "board": board.id, "cloud": "blynk", "network": NETWORK}
    await jobs.wait(await jobs.start(request | given["request"], attended=True))


if __name__ == "__main__":
    serve(run)
