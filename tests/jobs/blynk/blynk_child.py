"""An agent that kills itself at a given moment of setting a Blynk board up; see ``enrol_child.py``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.clouds.blynk.cloud import Blynk
from agent.jobs.blynk.kit import BlynkKit
from tests.jobs.agent_bench import Hasty, accounts_in, vault_in
from tests.jobs.blynk.blynk_bench import HASTE, NETWORK, PACE
from tests.jobs.crash_child import Deadly
from tests.jobs.enrol_child import serve, work

if TYPE_CHECKING:
    from agent.catalog import Catalog


async def run(given: dict[str, Any], catalog: Catalog) -> None:
    """The agent, with a job that ends well unless it is killed before."""
    folder, moment = Path(given["folder"]), given["moment"]
    client = Blynk(accounts=accounts_in(folder), clock=Hasty(HASTE))
    cloud: Any = Deadly(client, moment, "cloud.")
    await work(
        given | {"request": {"network": NETWORK} | given["request"]},
        catalog,
        "blynk",
        vault=Deadly(vault_in(folder), moment, "vault."),
        kits=(BlynkKit(cloud, pace=PACE),),
    )


if __name__ == "__main__":
    serve(run)
