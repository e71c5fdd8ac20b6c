"""The agent as a batch needs it: through the bridge, or inside this process."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.cli.flash_commands import read_file
from agent.cli.header import HEADER, SETTINGS_HEADER, SETTINGS_IMAGE
from agent.errors import InputError
from agent.jobs.job import Job
from agent.settings import Secret, clean_text
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.cli.client import Client
    from agent.jobs.batch_records import Kept
    from agent.jobs.batch_row import Row

_SUFFIXES: Final = {HEADER: ".h", SETTINGS_HEADER: ".h", SETTINGS_IMAGE: ".bin"}
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
NAME_CHARS: Final = 100
"""Of a file that is named as its device."""


class BridgeJobs:
    """See :class:`agent.jobs.batch_runner.Jobs`."""

    def __init__(
        self, client: Client, networks: dict[str, dict[str, Any]], place: Path, folder: Path
    ) -> None:
        """``networks``: settings by what rows call them.

        ``place``: where the files are that rows name. ``folder``: for files that jobs make.
        """
        self._client = client
        self._networks = networks
        self._place = place
        self._folder = folder
        # The agent keeps two files of a program at most, and one is as quick.
        self._uploading = asyncio.Lock()

    async def start(self, row: Row, request: dict[str, Any]) -> str:
        """See the base class."""
        given = dict(request)
        if row.network:
            given["network"] = self._networks[row.network]
        if not row.file:
            return await self._start(given)
        file = read_file(str(self._place / row.file))
        if file is None:
            raise InputError(field="file", problem=f"{clean_text(row.file)} is gone")
        async with self._uploading:
            image = await self._client.upload(file.name, file.data)
            return await self._start(given | {"image": image})

    async def _start(self, given: dict[str, Any]) -> str:
        started = await self._client.call("jobs.start", attended=False, **given)
        return str(started["job"])

    async def get(self, job: str) -> Job:
        """See the base class."""
        return msgspec.convert(await self._client.call("jobs.get", job=job), Job)

    async def of_board(self, board: str, limit: int) -> list[Job]:
        """See the base class."""
        listed = await self._client.call("jobs.list", limit=limit, board=board)
        return msgspec.convert(listed["jobs"], list[Job])

    async def file(self, job: str, name: str) -> Secret:
        """See the base class."""
        answer = await self._client.call("jobs.file", job=job, name=name)
        return Secret(answer["text"])

    async def save(self, kept: Kept, files: Mapping[str, Secret]) -> tuple[str, ...]:
        """See the base class."""
        saved: list[str] = []
        for name, content in files.items():
            data = b64decode(content.reveal()) if name == SETTINGS_IMAGE else None
            path = self._path(kept, name)
            try:
                write_private(path, data if data is not None else content.reveal().encode())
            except OSError as error:
                problem = f"cannot be written: {error.strerror}"
                raise InputError(field=clean_text(str(path)), problem=problem) from None
            saved.append(str(path))
        return tuple(saved)

    def _path(self, kept: Kept, name: str) -> Path:
        device = _UNSAFE.sub("_", kept.device).strip("._")[:NAME_CHARS]
        return self._folder / f"{kept.n:05}-{device or 'device'}{_SUFFIXES.get(name, '')}"
