"""``blynk.*``: what the account of Blynk sees; for own pages and programs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge.rpc import Call, Method, Nothing
from agent.clouds.blynk.cloud import Blynk
from agent.errors import InputError

if TYPE_CHECKING:
    from agent.bridge.services import Services
    from agent.protocols.blynk.platform import Device

BLYNK = "blynk"


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


def methods(services: Services) -> list[Method[Any, Any]]:
    """The list."""

    async def devices(_call: Call, _params: Nothing) -> BlynkDevices:
        cloud = services.clouds.get(BLYNK)
        if not isinstance(cloud, Blynk):
            known = ", ".join(services.clouds)
            raise InputError(field="cloud", problem=f"{BLYNK} is not one of {known}")
        return BlynkDevices(devices=[_shown(each) for each in await cloud.devices()])

    return [
        Method(
            "blynk.devices",
            "The devices of the organisation, without their tokens.",
            Nothing,
            BlynkDevices,
            devices,
            own=True,
        )
    ]


def _shown(device: Device) -> BlynkDevice:
    return BlynkDevice(
        id=device.id,
        name=device.name,
        template=device.template_id,
        firmware=device.firmware,
        activated=device.activated,
    )
