"""What commands stand on when no agent runs: it works, ends, and leaves no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.alone import open_doctor, open_sketches, report_alone
from agent.catalog import Catalog
from agent.settings.config import ArduinoConfig, BluetoothConfig, Config, PortsConfig
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find_paths({"MOORING_HOME": str(tmp_path / "home")})


NOBODY = "http://127.0.0.1:9"
"""Nothing listens there (the port of the discard service)."""
CONFIG = Config(
    ports=PortsConfig(system=False),
    bluetooth=BluetoothConfig(scan="never"),
    arduino=ArduinoConfig(base_url=NOBODY),
)


async def test_the_doctor_looks_and_writes_nothing(paths: Paths, tmp_path: Path):
    async with open_doctor(CONFIG, paths) as doctor:
        assert (await doctor.run(fix=False)).findings
    assert list(tmp_path.iterdir()) == []


async def test_a_report_is_made_and_nothing_is_written(paths: Paths, tmp_path: Path):
    name, text = await report_alone(CONFIG, paths)
    assert name.startswith("mooring-report-")
    assert "Python" in text
    assert list(tmp_path.iterdir()) == []


async def test_the_store_of_sketches_is_empty_at_first(paths: Paths):
    async with open_sketches(CONFIG, paths, Catalog.load()) as sketches:
        assert sketches.store.list() == []
