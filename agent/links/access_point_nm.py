"""Linux: NetworkManager joins the access point and comes back.

The profile lives in memory only and is bound to our connection to the bus: should this process end
in whatever way, NetworkManager leaves the access point and forgets the profile by itself. Where it
may be asked without a password, a checkpoint brings the adapter back as well, should we hang.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import logging
import uuid
from typing import TYPE_CHECKING, Any, Final

from agent.errors import WifiAbsent, WifiFailed, WifiForbidden
from agent.links.access_point_nm_bus import NmBus
from agent.links.access_point_nm_failures import ALLOW, no_device, not_joined
from agent.links.access_point_nm_objects import (
    ACTIVATED,
    ACTIVATING,
    NOWHERE,
    ROOT,
    SERVICE,
    SETTINGS,
    SETTINGS_PATH,
    SIGNATURES,
    WIRELESS,
    profile,
    read_active,
    read_computer,
    read_devices,
    read_points,
    read_radio,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.links.access_point_nm_objects import Device, Objects
    from agent.links.access_point_wifi import AccessPoint, Computer, WayBack

CHECKPOINT_MARGIN_S: Final = 120
"""After the time in which the access point may be used, for coming back by ourselves."""
_NO_FLAGS: Final = 0

_log = logging.getLogger(__name__)


class NetworkManager:
    """A :class:`WifiSystem`; ``address``: of the bus, the system's if None."""

    name = "networkmanager"

    def __init__(self, address: str | None = None) -> None:
        self._bus = NmBus(address)
        self._checkpoint = ""

    async def look(self) -> Computer:
        """See the protocol."""
        return read_computer(self._usable(await self._bus.objects()))

    async def scan(self, limit_s: float, wanted: bytes | None = None) -> list[AccessPoint]:
        """See the protocol."""
        objects = self._usable(await self._bus.objects())
        before = {d.path: d.last_scan_ms for d in read_devices(objects) if d.usable}
        for path in before:
            with contextlib.suppress(WifiFailed):  # it listens already, or has just done so
                options = {"ssids": ("aay", [wanted])} if wanted else {}
                await self._bus.call(path, WIRELESS, "RequestScan", "a{sv}", [options])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while not _listened(objects, before, wanted):
                    await self._bus.news()
                    objects = await self._bus.objects()
        return read_points(objects)

    def mark(self, ssid: bytes) -> str:
        """See the protocol: the UUID of a profile."""
        del ssid
        return str(uuid.uuid4())

    async def join(self, way: WayBack, point: AccessPoint, limit_s: float) -> None:
        """See the protocol."""
        device = _device(await self._bus.objects(), way.adapter)
        may = await self._permissions()
        if may.get("network-control", "yes") == "no":
            raise WifiForbidden(detail="your account may not change networks.", action=ALLOW)
        if may.get("checkpoint-rollback") == "yes":
            await self._guard(device, limit_s)
        everybody = may.get("settings.modify.system", "yes") == "yes"
        user = None if everybody else getpass.getuser()
        settings = profile(way.ssid, way.ours, way.adapter, user)
        _, path, _ = await self._bus.call(
            ROOT,
            SERVICE,
            "AddAndActivateConnection2",
            "a{sa{sv}}ooa{sv}",
            [
                variants(settings),
                device.path,
                point.place or NOWHERE,
                {"persist": ("s", "volatile"), "bind-activation": ("s", "dbus-client")},
            ],
        )
        await self._activated(str(path), way)

    async def lost(self, way: WayBack) -> None:
        """See the protocol."""
        while True:
            objects = await self._bus.objects()
            active = _device(objects, way.adapter).active
            if active is None or active.uuid != way.ours or active.state != ACTIVATED:
                return
            await self._bus.news()

    async def go_back(self, way: WayBack, *, late: bool) -> None:
        """See the protocol."""
        objects = await self._bus.objects()
        await self._undo(objects, way)
        objects = await self._bus.objects()
        device = _device(objects, way.adapter)
        active = device.active
        if way.before is None or (late and active is not None and active.state <= ACTIVATED):
            await self._unguard()
            return
        if active is None or active.uuid != way.before.id or active.state > ACTIVATED:
            path = await self._profile(way.before.id)
            if path is None:
                raise WifiFailed(detail=f"the settings of {way.before.name} are no longer there")
            body = [path, device.path, NOWHERE]
            (started,) = await self._bus.call(ROOT, SERVICE, "ActivateConnection", "ooo", body)
        else:
            started = active.path
        await self._activated(str(started), way, back=True)
        await self._unguard()

    async def close(self) -> None:
        """See the protocol; a profile that is still ours goes with the connection to the bus."""
        await self._bus.close()

    def _usable(self, objects: Objects) -> Objects:
        problem = no_device(read_devices(objects), read_radio(objects))
        if problem is not None:
            raise problem
        return objects

    async def _undo(self, objects: Objects, way: WayBack) -> None:
        """Leave the access point and forget its profile; what has gone by itself is fine."""
        for path in objects:
            active = read_active(objects, path)
            if active is not None and active.uuid == way.ours:
                with contextlib.suppress(WifiFailed):
                    await self._bus.call(ROOT, SERVICE, "DeactivateConnection", "o", [path])
        ours = await self._profile(way.ours)
        if ours is not None:
            with contextlib.suppress(WifiFailed):
                await self._bus.call(ours, f"{SETTINGS}.Connection", "Delete", "", [])

    async def _activated(self, path: str, way: WayBack, *, back: bool = False) -> None:
        """Return when the profile in use at ``path`` works; raises when it ended."""
        while True:
            objects = await self._bus.objects()
            active = read_active(objects, path)
            if active is not None and active.state == ACTIVATED:
                return
            if active is None or active.state != ACTIVATING:
                reason = self._bus.reason(_device(objects, way.adapter).path)
                error = not_joined(way.ssid, reason)
                if back:
                    raise WifiFailed(detail=_reason_words(error))
                raise error
            await self._bus.news()

    async def _profile(self, wanted: str) -> str | None:
        with contextlib.suppress(WifiFailed):
            (path,) = await self._bus.call(
                SETTINGS_PATH, SETTINGS, "GetConnectionByUuid", "s", [wanted]
            )
            return str(path)
        return None

    async def _permissions(self) -> dict[str, str]:
        """What this account may: ``yes``, ``auth`` (after a password), ``no``."""
        (granted,) = await self._bus.call(ROOT, SERVICE, "GetPermissions", "", [])
        return {str(name).removeprefix(f"{SERVICE}."): str(to) for name, to in granted.items()}

    async def _guard(self, device: Device, limit_s: float) -> None:
        """The safety net is one more thing that may be missing; without it the rest holds."""
        try:
            (self._checkpoint,) = await self._bus.call(
                ROOT,
                SERVICE,
                "CheckpointCreate",
                "aouu",
                [[device.path], int(limit_s) + CHECKPOINT_MARGIN_S, _NO_FLAGS],
            )
        except (WifiFailed, WifiForbidden) as error:
            _log.debug("no checkpoint of NetworkManager: %s", error)

    async def _unguard(self) -> None:
        checkpoint, self._checkpoint = self._checkpoint, ""
        if checkpoint:
            with contextlib.suppress(WifiFailed, WifiForbidden):
                await self._bus.call(ROOT, SERVICE, "CheckpointDestroy", "o", [checkpoint])


def _device(objects: Objects, interface: str) -> Device:
    for device in read_devices(objects):
        if device.interface == interface:
            return device
    raise WifiAbsent(detail=f"The Wi-Fi adapter {interface} is no longer there.")


def _listened(objects: Objects, before: Mapping[str, int], wanted: bytes | None) -> bool:
    if wanted is not None and any(point.ssid == wanted for point in read_points(objects)):
        return True
    now = {device.path: device.last_scan_ms for device in read_devices(objects) if device.usable}
    return all(now.get(path, then) != then or path not in now for path, then in before.items())


def _reason_words(error: Exception) -> str:
    return str(getattr(error, "facts", {}).get("detail", error)).rstrip(".")


def variants(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, tuple[str, Any]]]:
    """Settings of a profile with the D-Bus type of each value."""
    return {
        name: {key: (SIGNATURES.get(key, "s"), value) for key, value in part.items()}
        for name, part in settings.items()
    }
