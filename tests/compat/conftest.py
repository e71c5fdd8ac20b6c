"""Fixtures of the tests of the drop-in."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.compat.running import Running, run_drop_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def running(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Running]:
    """The interface on a free port; whatever a client does, nothing is logged as our defect."""
    async with run_drop_in(tmp_path) as found:
        yield found
    defects = [r for r in caplog.get_records("call") if r.levelno >= logging.ERROR]
    assert not defects, [record.getMessage() for record in defects]
