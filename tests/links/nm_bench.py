"""NetworkManager for tests: python-dbusmock's stand-in on a bus of its own, steered over D-Bus."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbus_fast import Variant
from dbus_fast.aio import MessageBus
from dbus_fast.constants import MessageType
from dbus_fast.message import Message

from agent.links.access_point_nm_objects import (
    ACTIVE,
    DEVICE,
    NOWHERE,
    ROOT,
    SERVICE,
    SETTINGS_PATH,
    WIRELESS,
)
from agent.simulator.ble_bus import PrivateBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SYSTEM_PYTHON = "/usr/bin/python3"
"""The interpreter of the distribution's python3-dbusmock."""
MOCK = "org.freedesktop.DBus.Mock"
BUS = "org.freedesktop.DBus"
LIMIT_S = 30.0
WLAN = f"{ROOT}/Devices/wlan0"
WLAN1 = f"{ROOT}/Devices/wlan1"
ETHERNET = f"{ROOT}/Devices/eth0"
HOME_PROFILE = f"{SETTINGS_PATH}/Home"
BOARD = "Blynk Thermo-4Y1H"
ACTIVATED, DISCONNECTED, UNAVAILABLE, UNMANAGED = 100, 30, 20, 10
OPEN, WITH_PASSWORD = 0, 0x100

LEAVE = f"""
old = get_object(args[1]).Get({DEVICE!r}, "ActiveConnection")
if str(old) != "/":
    self.RemoveActiveConnection(args[1], old)
"""
JOIN = f"""
path = get_object({SETTINGS_PATH!r}).SettingsAddConnection(args[0])
{LEAVE}
ret = (path, self.activate_connection(self, path, args[1], args[2]), {{}})
"""
"""What NetworkManager since 1.16 does and the stand-in does not know."""
RETURN = f"{LEAVE}\nret = self.activate_connection(self, args[0], args[1], args[2])"
"""The stand-in's own leaves the network before in use."""
DEACTIVATE = f"""
for device in get_object(args[0]).Get({ACTIVE!r}, "Devices"):
    self.RemoveActiveConnection(device, args[0])
"""
"""The stand-in's own disconnects every device, those with a cable too."""
VANISH = f"""
active = get_object(args[0]).Get({DEVICE!r}, "ActiveConnection")
if str(active) != "/" and str(get_object(active).Get({ACTIVE!r}, "Uuid")) != args[1]:
    self.RemoveActiveConnection(args[0], active)
"""
"""Whoever is in another network than this one is disconnected; all at one moment."""
SCAN = f"""
before = self.Get({WIRELESS!r}, "LastScan")
self.UpdateProperties({WIRELESS!r}, {{"LastScan": dbus.Int64(before + 10)}})
"""


def refuse(name: str, text: str = "not for you") -> str:
    """The code of a method that answers with an error."""
    return f"raise dbus.exceptions.DBusException({text!r}, name={name!r})"


@dataclass
class NmBench:
    """A bus with the stand-in on it."""

    address: str
    process: asyncio.subprocess.Process | None = None
    _bus: MessageBus | None = None

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address}

    async def start(self) -> None:
        """Start the stand-in with an adapter in the network Home, and a board nearby."""
        bus = await self.bus()
        up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def heard(message: Message) -> None:
            mine = message.member == "NameOwnerChanged" and message.body[0] == SERVICE
            if mine and message.body[2] and not up.done():
                up.set_result(None)

        bus.add_message_handler(heard)
        rule = f"type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{SERVICE}'"
        await self._ask(BUS, "/org/freedesktop/DBus", BUS, "AddMatch", "s", [rule])
        self.process = await asyncio.create_subprocess_exec(
            SYSTEM_PYTHON,
            *("-m", "dbusmock", "--system", "--template", "networkmanager"),
            env=self.environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(LIMIT_S):
            await up
        bus.remove_message_handler(heard)
        for path, interface, name, taken, given, code in (
            (ROOT, SERVICE, "AddAndActivateConnection2", "a{sa{sv}}ooa{sv}", "ooa{sv}", JOIN),
            (ROOT, SERVICE, "ActivateConnection", "ooo", "o", RETURN),
            (ROOT, SERVICE, "DeactivateConnection", "o", "", DEACTIVATE),
            (ROOT, SERVICE, "CheckpointCreate", "aouu", "o", f"ret = {ROOT + '/Checkpoint/1'!r}"),
            (ROOT, SERVICE, "CheckpointDestroy", "o", "", ""),
        ):
            await self.method(path, interface, name, taken, given, code)
        await self.permit()
        primary = {"PrimaryConnection": Variant("o", NOWHERE)}
        await self.mock(ROOT, "AddProperties", "sa{sv}", [SERVICE, primary])

    async def home(self) -> None:
        """An adapter in a network, and a board that it hears."""
        await self.adapter("wlan0")
        await self.point(WLAN, "home", "Home", WITH_PASSWORD)
        await self.mock(ROOT, "AddWiFiConnection", "ssss", [WLAN, "Home", "Home", "wpa-psk"])
        body = [[WLAN], HOME_PROFILE, f"{ROOT}/AccessPoint/home", "0", 2]
        active = await self.mock(ROOT, "AddActiveConnection", "assssu", body)
        await self.primary(active)
        await self.point(WLAN, "board", BOARD, OPEN)

    async def adapter(self, name: str, state: int = DISCONNECTED) -> str:
        path = await self.mock(ROOT, "AddWiFiDevice", "ssi", [name, name, state])
        last = {"LastScan": Variant("x", 1000)}
        await self.mock(path, "AddProperties", "sa{sv}", [WIRELESS, last])
        await self.method(path, WIRELESS, "RequestScan", "a{sv}", "", SCAN)
        return str(path)

    async def wired(self) -> str:
        """A cable, through which the Internet is reached; the path of its connection."""
        await self.mock(ROOT, "AddEthernetDevice", "ssi", ["eth0", "eth0", ACTIVATED])
        settings = {
            "connection": {
                "id": Variant("s", "Cable"),
                "uuid": Variant("s", "uuid-cable"),
                "type": Variant("s", "802-3-ethernet"),
            }
        }
        path = await self._ask(
            SERVICE, SETTINGS_PATH, f"{SERVICE}.Settings", "AddConnection", "a{sa{sv}}", [settings]
        )
        body = [[ETHERNET], path, NOWHERE, "7", 2]
        active = str(await self.mock(ROOT, "AddActiveConnection", "assssu", body))
        await self.primary(active)
        return active

    async def primary(self, active: str) -> None:
        await self.set(ROOT, SERVICE, "PrimaryConnection", Variant("o", active))

    async def point(self, device: str, name: str, ssid: str, security: int, strength=70) -> str:
        body = [device, name, ssid, "02:00:00:00:00:01", 2, 2412, 5400, strength, security]
        return str(await self.mock(ROOT, "AddAccessPoint", "ssssuuuyu", body))

    async def board_gone(self, device: str = WLAN) -> None:
        await self.mock(ROOT, "RemoveAccessPoint", "ss", [device, f"{ROOT}/AccessPoint/board"])

    async def disconnected(self, device: str = WLAN) -> None:
        """As when the access point vanishes."""
        active = await self.get(device, DEVICE, "ActiveConnection")
        await self.mock(ROOT, "RemoveActiveConnection", "ss", [device, active])

    async def refuse_return(self) -> None:
        """No network can be used from now on."""
        code = refuse(f"{SERVICE}.UnknownConnection", "not now")
        await self.method(ROOT, SERVICE, "ActivateConnection", "ooo", "o", code)

    async def allow_return(self) -> None:
        """A network that was refused can be used again."""
        await self.method(ROOT, SERVICE, "ActivateConnection", "ooo", "o", RETURN)

    async def vanish(self, device: str = WLAN) -> None:
        """The network that the adapter is in ends, unless it is Home."""
        await self.method(ROOT, SERVICE, "Vanish", "ss", "", VANISH)
        body = [device, await self.home_uuid()]
        await self._ask(SERVICE, ROOT, SERVICE, "Vanish", "ss", body)

    async def permit(self, **granted: str) -> None:
        to = {f"{SERVICE}.{name.replace('_', '.')}": value for name, value in granted.items()}
        to = {name.replace("network.", "network-"): value for name, value in to.items()}
        to = {name.replace("checkpoint.", "checkpoint-"): value for name, value in to.items()}
        await self.method(ROOT, SERVICE, "GetPermissions", "", "a{ss}", f"ret = {to!r}")

    async def method(
        self, path: str, interface: str, name: str, taken: str, given: str, code: str
    ) -> None:
        await self.mock(path, "AddMethod", "sssss", [interface, name, taken, given, code])

    async def calls(self, name: str, path: str = ROOT) -> list[list[Any]]:
        """The arguments of each call of a method so far."""
        found = await self._ask(SERVICE, path, MOCK, "GetMethodCalls", "s", [name])
        return [[plain(value) for value in args] for _, args in found]

    async def network(self, device: str = WLAN) -> str:
        """The profile that an adapter uses; empty: none."""
        while True:
            active = await self.get(device, DEVICE, "ActiveConnection")
            if active == NOWHERE:
                return ""
            try:
                return str(await self.get(active, ACTIVE, "Uuid"))
            except AssertionError:  # it ended between the two questions
                if await self.get(device, DEVICE, "ActiveConnection") == active:
                    raise

    async def home_uuid(self) -> str:
        settings = await self._ask(
            SERVICE, HOME_PROFILE, f"{SERVICE}.Settings.Connection", "GetSettings", "", []
        )
        return str(settings["connection"]["uuid"].value)

    async def profiles(self) -> list[str]:
        paths = await self._ask(
            SERVICE, SETTINGS_PATH, f"{SERVICE}.Settings", "ListConnections", "", []
        )
        return sorted(paths)

    async def nmcli(self, *words: str) -> str:
        """What the real program says."""
        process = await asyncio.create_subprocess_exec(
            "nmcli", "-t", *words, env=self.environ, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        return out.decode()

    async def get(self, path: str, interface: str, name: str) -> Any:
        found = await self._ask(SERVICE, path, f"{BUS}.Properties", "Get", "ss", [interface, name])
        return found.value

    async def set(self, path: str, interface: str, name: str, value: Variant) -> None:
        await self.mock(ROOT, "SetProperty", "sssv", [path, interface, name, value])

    async def mock(self, path: str, member: str, signature: str, body: list[Any]) -> Any:
        return await self._ask(SERVICE, path, MOCK, member, signature, body)

    async def kill(self) -> None:
        """As a crash of the service."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            await process.wait()

    async def close(self) -> None:
        await self.kill()
        if self._bus is not None:
            self._bus.disconnect()
            with contextlib.suppress(OSError, EOFError):
                await self._bus.wait_for_disconnect()

    async def bus(self) -> MessageBus:
        if self._bus is None:
            self._bus = await MessageBus(bus_address=self.address).connect()
        return self._bus

    async def _ask(
        self, to: str, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> Any:
        bus = await self.bus()
        message = Message(
            destination=to,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body,
        )
        async with asyncio.timeout(LIMIT_S):
            reply = await bus.call(message)
        assert reply is not None
        assert reply.message_type is not MessageType.ERROR, (reply.error_name, reply.body)
        return reply.body[0] if reply.body else None


def plain(value: Any) -> Any:
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


@contextlib.asynccontextmanager
async def nm_bench() -> AsyncIterator[NmBench]:
    async with PrivateBus() as bus:
        bench = NmBench(bus.address)
        try:
            await bench.start()
            yield bench
        finally:
            await bench.close()
