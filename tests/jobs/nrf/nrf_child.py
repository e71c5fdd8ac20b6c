"""An agent that kills itself at a given moment of work for nRF Cloud; see ``../enrol_child.py``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.clouds.nrf.cloud import NrfCloud
from agent.jobs.nrf.kit import NrfKit
from agent.sessions import nrf
from tests.jobs.agent_bench import Hasty, accounts_in
from tests.jobs.crash_child import Deadly
from tests.jobs.enrol_child import serve, work
from tests.jobs.nrf.nrf_bench import CLOUD_HASTE, JOB_HASTE

if TYPE_CHECKING:
    from agent.catalog import Catalog

LOADED = (nrf,)
"""What an agent loads when it needs it: loaded once, before the forks."""


async def run(given: dict[str, Any], catalog: Catalog) -> None:
    """The agent, with a job that ends well unless it is killed before."""
    folder, moment = Path(given["folder"]), given["moment"]
    url = given["request"].pop("url")
    client = NrfCloud(
        accounts=accounts_in(folder),
        provisioning_url=url,
        devices_url=url,
        clock=Hasty(CLOUD_HASTE),
    )
    cloud: Any = Deadly(client, moment, "cloud.")
    await work(given, catalog, "nrf", kits=(NrfKit(cloud, catalog),), clock=Hasty(JOB_HASTE))


if __name__ == "__main__":
    serve(run)
