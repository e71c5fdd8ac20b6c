"""The bench that end-to-end tests of jobs run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.catalog import Catalog
from tests.jobs.bench import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.jobs.air_bench import AirBench


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load()


@pytest.fixture
async def bench(tmp_path: Path, catalog: Catalog) -> AsyncIterator[Bench]:
    """Cloud and ports are there; plug boards in, then start the agent."""
    made = Bench(tmp_path, catalog)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def in_air(tmp_path: Path, catalog: Catalog) -> AsyncIterator[AirBench]:
    """The same with a computer's Bluetooth: put boards in the air, then start the agent."""
    from tests.jobs.air_bench import AirBench  # needs the D-Bus library, so Linux only

    made = AirBench(tmp_path, catalog)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
