"""A bench with a simulated Blynk.Cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.jobs.blynk.blynk_bench import BlynkBench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.catalog import Catalog


@pytest.fixture
async def blynk(tmp_path: Path, catalog: Catalog) -> AsyncIterator[BlynkBench]:
    """Cloud and ports are there; plug a board in, then start the agent."""
    made = BlynkBench(tmp_path, catalog)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
