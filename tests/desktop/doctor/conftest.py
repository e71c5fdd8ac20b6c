"""What the tests of several families share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pty_port() -> Iterator[Path]:
    """POSIX: the address of a real serial device: a pseudo-terminal of its own."""
    if sys.platform == "win32":
        pytest.skip("there are no pseudo-terminals")
    master, slave = os.openpty()
    path = Path(os.ttyname(slave))
    try:
        yield path
    finally:
        os.close(master)
        os.close(slave)
