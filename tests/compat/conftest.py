"""Fixtures of the tests of the drop-in."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.compat.running import Running, run_drop_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from playwright.async_api import Browser

    from tests.compat.vendor import Site


@pytest.fixture
async def running(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Running]:
    """The interface on a free port; whatever a client does, nothing is logged as our defect."""
    async with run_drop_in(tmp_path) as found:
        yield found
    defects = [r for r in caplog.get_records("call") if r.levelno >= logging.ERROR]
    assert not defects, [record.getMessage() for record in defects]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Pages with the published client."""
    from tests.compat.vendor import site

    with site(tmp_path_factory.mktemp("site")) as there:
        yield there


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chrome(served: Site) -> AsyncIterator[Browser]:
    """One browser for them; each page has a profile of its own."""
    from tests.compat.vendor import chromium

    async with chromium(served) as browser:
        yield browser
