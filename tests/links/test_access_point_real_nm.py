"""What joining relies on, asked of the real NetworkManager: our end takes our profile along.

There is no Wi-Fi in its namespace, so a pair of virtual Ethernet ends stands for it: what is bound
to us does not depend on the kind of device.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

from agent.links.access_point_nm import variants
from agent.links.access_point_nm_bus import NmBus
from agent.links.access_point_nm_objects import (
    ACTIVATED,
    ACTIVE,
    DEVICE,
    NOWHERE,
    ROOT,
    SERVICE,
    SETTINGS,
    SETTINGS_PATH,
    read_active,
)
from tests.links.real_nm import real_nm

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.links.access_point_nm_objects import Objects

pytestmark = [
    pytest.mark.needs("networkmanager"),
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0, reason="namespaces are made by root"
    ),
]

HOME = "93ea43ca-a0f1-4573-8424-1dc0c059e001"
OURS = "93ea43ca-a0f1-4573-8424-1dc0c059e002"
IN_MEMORY = 0x2
DISCONNECTED = 30
LIMIT_S = 30.0


def cable(uuid: str, *, autoconnect: bool) -> dict[str, dict[str, Any]]:
    return {
        "connection": {
            "id": uuid[-3:],
            "uuid": uuid,
            "type": "802-3-ethernet",
            "interface-name": "v0",
            "autoconnect": autoconnect,
        },
        "ipv4": {"method": "disabled"},
        "ipv6": {"method": "disabled"},
    }


def device(objects: Objects) -> tuple[str, int]:
    return next(
        (path, found[DEVICE]["State"])
        for path, found in objects.items()
        if found.get(DEVICE, {}).get("Interface") == "v0"
    )


def used(objects: Objects) -> set[str]:
    """Profiles that work now."""
    actives = [read_active(objects, path) for path, found in objects.items() if ACTIVE in found]
    return {active.uuid for active in actives if active and active.state == ACTIVATED}


async def until(bus: NmBus, true: Callable[[Objects], bool]) -> Objects:
    async with asyncio.timeout(LIMIT_S):
        while not true(objects := await bus.objects()):
            await bus.news()
    return objects


async def test_when_our_connection_ends_the_network_before_is_in_use_again(tmp_path):
    async with real_nm(tmp_path, cable=True) as bus:
        await until(bus, lambda objects: device(objects)[1] >= DISCONNECTED)
        settings = variants(cable(HOME, autoconnect=True))
        body = [settings, IN_MEMORY, {}]
        await bus.call(SETTINGS_PATH, SETTINGS, "AddConnection2", "a{sa{sv}}ua{sv}", body)
        path, _ = device(await until(bus, lambda objects: HOME in used(objects)))

        ours = NmBus(bus.address)
        guard = [[path], 300, 0]
        await ours.call(ROOT, SERVICE, "CheckpointCreate", "aouu", guard)
        options = {"persist": ("s", "volatile"), "bind-activation": ("s", "dbus-client")}
        body = [variants(cable(OURS, autoconnect=False)), path, NOWHERE, options]
        await ours.call(ROOT, SERVICE, "AddAndActivateConnection2", "a{sa{sv}}ooa{sv}", body)
        await until(bus, lambda objects: OURS in used(objects) and HOME not in used(objects))

        await ours.close()
        await until(bus, lambda objects: HOME in used(objects) and OURS not in used(objects))
        (profiles,) = await bus.call(SETTINGS_PATH, SETTINGS, "ListConnections", "", [])
        names = [
            (await bus.call(each, f"{SETTINGS}.Connection", "GetSettings", "", []))[0]
            for each in profiles
        ]
        assert OURS not in [name["connection"]["uuid"].value for name in names]
