"""An image as a file, for as long as a tool reads it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def image_file(data: bytes) -> AsyncIterator[Path]:
    """The path of a file that holds ``data``, in a folder that only this user can read."""
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="mooring-")
    try:
        path = Path(folder.name) / "sketch.bin"
        await asyncio.to_thread(path.write_bytes, data)
        yield path
    finally:
        # Not in a thread: a cancelled run would leave the folder behind.
        folder.cleanup()
