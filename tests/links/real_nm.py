"""The real NetworkManager, in an empty network namespace and on a bus of its own.

It never sees an interface of this computer: in its namespace there is none but the loopback. Its
folders are its own too, so that nothing of it is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

from agent.errors import WifiStopped
from agent.links.access_point_nm_bus import NmBus
from agent.simulator.ble_bus import PrivateBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LIMIT_S = 30.0
CONFIGURATION = """[main]
plugins=keyfile
auth-polkit=false
dns=none
no-auto-default=*
[keyfile]
{unmanaged}[connectivity]
enabled=false
"""
INSIDE = """
set -e
if [ "$2" = cable ]; then
    ip link add v0 type veth peer name v1
    ip link set v0 up
    ip link set v1 up
    mount -t sysfs -o ro sysfs /sys
fi
mount -t tmpfs tmpfs /etc/NetworkManager
mkdir -p /run/NetworkManager /var/lib/NetworkManager
mount -t tmpfs tmpfs /run/NetworkManager
mount -t tmpfs tmpfs /var/lib/NetworkManager
mkdir -p /etc/NetworkManager/system-connections
exec NetworkManager --no-daemon --config "$1" --pid-file /run/NetworkManager/pid
"""
SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"


@contextlib.asynccontextmanager
async def real_nm(folder: Path, *, cable: bool = False) -> AsyncIterator[NmBus]:
    """A connection to it. ``cable``: it has a device v0, which ends in v1 of the same namespace.

    It waits for udev to describe a device unless its /sys cannot be written, as in a container.
    """
    configuration = folder / "nm.conf"
    unmanaged = "" if cable else "unmanaged-devices=*\n"
    configuration.write_text(CONFIGURATION.format(unmanaged=unmanaged))
    async with PrivateBus() as bus:
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "TERM", "unshare", "--net", "--mount"),
            *("sh", "-c", INSIDE, "sh", str(configuration), "cable" if cable else ""),
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus.address, "PATH": SBIN},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        connection = NmBus(bus.address)
        try:
            await _up(connection, process)
            yield connection
        finally:
            await connection.close()
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.communicate()


async def _up(connection: NmBus, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            assert process.returncode is None, "NetworkManager has ended"
            try:
                await connection.objects()
            except WifiStopped:
                await connection.news()  # its name appears on the bus
            else:
                return
