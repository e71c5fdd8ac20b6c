"""The simulated Arduino Cloud as a program: ``python -m agent.simulator.arduino_cloud``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from agent.simulator.arduino_cloud import SimulatedArduinoCloud

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until interrupted; prints the address, and the file that holds the account meanwhile."""
    parser = argparse.ArgumentParser(
        prog="python -m agent.simulator.arduino_cloud",
        description="A simulated Arduino Cloud on this computer.",
    )
    parser.add_argument("--port", type=int, default=0, help="port of 127.0.0.1; 0: a free one")
    parser.add_argument(
        "--credentials", type=Path, help="file to write the account to; must not exist yet"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="arduino-cloud-") as folder:
        credentials = chosen.credentials or Path(folder) / "credentials.json"
        try:
            asyncio.run(_serve(chosen.port, credentials, as_json=chosen.json))
        except KeyboardInterrupt:
            sys.exit(130)
        except OSError as error:
            sys.exit(f"The simulated cloud cannot start: {error}")


async def _serve(port: int, credentials: Path, *, as_json: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no handlers in the loop: there Ctrl-C raises KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with SimulatedArduinoCloud(port=port) as cloud:
        with _account_file(cloud, credentials):
            where = {"base_url": cloud.base_url, "credentials": str(credentials)}
            sys.stdout.write((json.dumps(where) if as_json else "\n".join(where.values())) + "\n")
            sys.stdout.flush()
            await stop.wait()


@contextlib.contextmanager
def _account_file(cloud: SimulatedArduinoCloud, path: Path) -> Iterator[None]:
    """The account in a new file that only this user can read, for as long as the cloud runs."""
    account = {
        "base_url": cloud.base_url,
        "client_id": cloud.client_id,
        "client_secret": cloud.client_secret.reveal(),
    }
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(account, out)
        yield
    finally:
        path.unlink(missing_ok=True)
