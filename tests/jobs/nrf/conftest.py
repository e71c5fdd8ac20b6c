"""A bench with a simulated nRF Cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.jobs.nrf.nrf_bench import NrfBench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.catalog import Catalog


@pytest.fixture
async def desk(tmp_path: Path, catalog: Catalog) -> AsyncIterator[NrfBench]:
    """With no board and no agent yet."""
    bench = NrfBench(tmp_path, catalog)
    await bench.start()
    yield bench
    await bench.stop()
