"""Runs a simulated cloud as a program: where it is on standard output, commands on its input."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from agent.errors import InputError
from agent.simulator.run import run_program

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Iterator

    from agent.simulator.cloud_servers import CloudServers


class CloudCommands(Protocol):
    """Carries commands out."""

    stopped: asyncio.Event

    async def handle_line(self, line: bytes) -> dict[str, Any]:
        """The answer to one."""


async def run_cloud(
    cloud: CloudServers,
    commands: CloudCommands,
    account: Callable[[], object],
    *,
    name: str,
    file: Path | None,
    as_json: bool,
    until_stdin_closes: bool,
) -> None:
    """Run until SIGINT, SIGTERM, the command ``stop``, or (if asked for) the end of the input.

    Prints where it is: a URL per line, then the file with its authority and the file with its
    ``account``, which only this user can read; with ``as_json`` one object. ``file`` None: one in
    a folder of its own, whose name has ``name`` in it. Raises :class:`InputError` if a port is
    taken or the file exists.
    """
    running = running_cloud(cloud, account, name=name, file=file, as_json=as_json)
    await run_program(
        running, commands.handle_line, commands.stopped, until_stdin_closes=until_stdin_closes
    )


@contextlib.asynccontextmanager
async def running_cloud(
    cloud: CloudServers,
    account: Callable[[], object],
    *,
    name: str,
    file: Path | None,
    as_json: bool,
) -> AsyncIterator[bytes]:
    """The cloud and its files; gives what there is to print."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(cloud)
        except OSError as error:
            raise InputError(field="--port", problem=str(error.strerror or error)) from None
        files = stack.enter_context(_files(cloud.ca, account(), name, file))
        where = cloud.addresses | files
        yield (json.dumps(where) if as_json else "\n".join(where.values())).encode()


@contextlib.contextmanager
def _files(ca: str, account: object, name: str, file: Path | None) -> Iterator[dict[str, str]]:
    """The authority and the account in files, for as long as the cloud runs."""
    with tempfile.TemporaryDirectory(prefix=f"mooring-{name}-") as folder:
        authority = Path(folder) / "ca.pem"
        authority.write_text(ca, encoding="ascii")
        kept = file or Path(folder) / "account.json"
        try:
            handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            problem = error.strerror or str(error)
            raise InputError(field="--account", problem=problem) from None
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(msgspec.json.encode(account))
            yield {"ca": str(authority), "account": str(kept)}
        finally:
            kept.unlink(missing_ok=True)
