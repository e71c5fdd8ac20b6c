"""``blynk.*``: devices of the account, beyond one board's job; for own pages and programs alone.

No answer has a token or the code of a prepared device: what a board needs goes into the vault. Asking
the person before something that cannot be undone is the caller's part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.clouds.blynk.addresses import CLOUD
from agent.clouds.blynk.cloud import Blynk
from agent.clouds.blynk.keeping import Kept, drop_waiting, find_token, keep_token
from agent.errors import BlynkNotThere, BlynkOffline, InputError
from agent.protocols.blynk.names import parse_name
from agent.protocols.blynk.tokens import parse_static
from agent.settings import Secret

if TYPE_CHECKING:
    from agent.bridge.services import Services
    from agent.protocols.blynk.platform import Device, PreparedDevice

ENDS_CHARS = 4
"""Of a code, to find its label again; the other 28 cannot be guessed."""


class BlynkDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device, without its token."""

    id: int
    name: str
    template: str
    """``TMPL…``; empty until a board has told it."""
    firmware: str
    activated: bool
    """Its board has logged in."""


class BlynkDevices(msgspec.Struct, frozen=True, kw_only=True):
    """All of the organisation."""

    devices: list[BlynkDevice]


class OneDevice(Params, frozen=True, kw_only=True):
    """A device of the organisation."""

    device: int
    """Its id."""


class NewDevice(Params, frozen=True, kw_only=True):
    """A device before its board."""

    template: str
    """``TMPL…``."""
    name: str


class NewName(Params, frozen=True, kw_only=True):
    """A device and what it is to be called."""

    device: int
    name: str


class Code(Params, frozen=True, kw_only=True):
    """A prepared device, by the text of its QR code."""

    code: Secret


class DeviceNow(msgspec.Struct, frozen=True, kw_only=True):
    """A device, and whether it can be reached."""

    device: BlynkDevice
    online: bool
    board: str = ""
    """Id of the board that the vault knows as this device; it need not be here."""


class DeviceKept(msgspec.Struct, frozen=True, kw_only=True):
    """A device, and where its token is."""

    device: BlynkDevice
    entry: str
    """Of the vault; empty: the platform did not tell the token."""
    access_point: str
    """What its board calls itself; empty: no board was set up with this token from here."""
    board: str = ""
    """Id of that board, as it was reached then; it need not be here."""


class StaticTokenShown(msgspec.Struct, frozen=True, kw_only=True):
    """A prepared device, without its code."""

    ends: str
    """The last four characters of the code."""
    claimed: bool
    device: int
    """0: it is nobody's yet."""


class StaticTokens(msgspec.Struct, frozen=True, kw_only=True):
    """All of the organisation."""

    tokens: list[StaticTokenShown]


def methods(services: Services) -> list[Method[Any, Any]]:
    """Devices, and those that were prepared."""

    def account() -> Blynk:
        cloud = services.clouds.get(CLOUD)
        if not isinstance(cloud, Blynk):
            known = ", ".join(services.clouds)
            raise InputError(field="cloud", problem=f"{CLOUD} is not one of {known}")
        return cloud

    async def kept(device: Device) -> DeviceKept:
        there = await keep_token(services.vault, account(), device) or Kept("")
        point = there.board_says if parse_name(there.board_says) is not None else ""
        return DeviceKept(
            device=_shown(device), entry=there.entry, access_point=point, board=there.board
        )

    async def devices(_call: Call, _params: Nothing) -> BlynkDevices:
        return BlynkDevices(devices=[_shown(each) for each in await account().devices()])

    async def device(_call: Call, params: OneDevice) -> DeviceNow:
        found = await account().device(params.device)
        online = await account().online(found.id)
        there = await find_token(services.vault, found)
        return DeviceNow(device=_shown(found), online=online, board=there.board)

    async def reconfigure(_call: Call, params: OneDevice) -> DeviceKept:
        found = await account().device(params.device)
        # The way back first: the board is given the same token again.
        told = await kept(found)
        if not await account().reconfigure(found.id):
            raise BlynkOffline(cloud=account().title, name=found.name or str(found.id))
        return told

    async def create(_call: Call, params: NewDevice) -> DeviceKept:
        return await kept(await account().create(params.template, params.name))

    async def rename(_call: Call, params: NewName) -> BlynkDevice:
        return _shown(await account().rename(params.device, params.name))

    async def clear(_call: Call, params: OneDevice) -> Nothing:
        await account().clear(params.device)
        return Nothing()

    async def static_tokens(_call: Call, _params: Nothing) -> StaticTokens:
        found = await account().prepared()
        return StaticTokens(tokens=[_prepared(each) for each in found])

    async def claim(_call: Call, params: Code) -> DeviceKept:
        code = parse_static(params.code.reveal(), "code")
        return await kept(await account().claim(code.code.reveal()))

    async def unclaim(_call: Call, params: OneDevice) -> Nothing:
        found = await account().prepared()
        mine = next((each for each in found if each.device_id == params.device), None)
        if mine is None:
            detail = f"None of the static tokens is that of the device {params.device}."
            action = "give a prepared device back"
            raise BlynkNotThere(cloud=account().title, action=action, detail=detail)
        await account().unclaim(mine.token.reveal())
        if mine.device_token is not None:
            await drop_waiting(services.vault, mine.device_token)
        return Nothing()

    return [
        Method(
            "blynk.devices",
            "The devices of the organisation, without their tokens.",
            Nothing,
            BlynkDevices,
            devices,
            own=True,
        ),
        Method(
            "blynk.device",
            "A device, and whether it is online.",
            OneDevice,
            DeviceNow,
            device,
            own=True,
        ),
        Method(
            "blynk.reconfigure",
            "Send the board of a device back to its configuration mode, over the air.",
            OneDevice,
            DeviceKept,
            reconfigure,
            own=True,
        ),
        Method(
            "blynk.create",
            "Make a device before its board; its token goes into the vault.",
            NewDevice,
            DeviceKept,
            create,
            own=True,
        ),
        Method(
            "blynk.rename",
            "Give a device another name.",
            NewName,
            BlynkDevice,
            rename,
            own=True,
        ),
        Method(
            "blynk.clear",
            "Erase all that a device has sent; the device and its token stay.",
            OneDevice,
            Nothing,
            clear,
            own=True,
        ),
        Method(
            "blynk.static_tokens",
            "The static tokens of the organisation, without their codes.",
            Nothing,
            StaticTokens,
            static_tokens,
            own=True,
        ),
        Method(
            "blynk.claim",
            "Make the device of a static token the account's own; its token goes into the vault.",
            Code,
            DeviceKept,
            claim,
            own=True,
        ),
        Method(
            "blynk.unclaim",
            "Give the device of a static token back: its code can be claimed again.",
            OneDevice,
            Nothing,
            unclaim,
            own=True,
        ),
    ]


def _shown(device: Device) -> BlynkDevice:
    return BlynkDevice(
        id=device.id,
        name=device.name,
        template=device.template_id,
        firmware=device.firmware,
        activated=device.activated,
    )


def _prepared(device: PreparedDevice) -> StaticTokenShown:
    return StaticTokenShown(
        ends=device.token.reveal()[-ENDS_CHARS:],
        claimed=device.claimed,
        device=device.device_id,
    )
