"""``clouds.*``: the clouds and the person's accounts there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.clouds.cloud import CloudInfo
from agent.clouds.enrolment import DeviceLook, ProfileLook
from agent.errors import InputError
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from agent.bridge.services import Services
    from agent.clouds.cloud import AnyCloud


class CloudList(msgspec.Struct, frozen=True, kw_only=True):
    """All clouds."""

    clouds: list[CloudInfo]


class Login(Params, frozen=True, kw_only=True):
    """An account of a cloud."""

    cloud: str
    account: dict[str, Secret]
    """The fields of the cloud's ``account_schema``."""


class OneCloud(Params, frozen=True, kw_only=True):
    """A cloud."""

    cloud: str


class NamedDevice(Params, frozen=True, kw_only=True):
    """A device of a cloud."""

    cloud: str
    name: str


class FoundDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device, or that there is none."""

    device: DeviceLook | None
    """None: nobody has the name."""


class FoundProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The profile in which devices are made."""

    profile: ProfileLook | None
    """None: the administrator does not see it."""


@runtime_checkable
class ShowsDevices(Protocol):
    """A cloud whose administrator sees profiles, and devices by name."""

    async def look(self, name: str) -> DeviceLook | None:
        """The device; None: the name is free."""

    async def profile(self) -> ProfileLook | None:
        """The profile of the account's key."""


@runtime_checkable
class Warns(Protocol):
    """A cloud that can say what to see to although the account is good."""

    async def warning(self) -> str:
        """A few sentences; empty: nothing."""


def methods(services: Services) -> list[Method[Any, Any]]:
    """List, login, logout."""

    def find(name: str) -> AnyCloud:
        cloud = services.clouds.get(name)
        if cloud is None:
            known = ", ".join(services.clouds)
            raise InputError(field="cloud", problem=f"{clean_text(name)} is not one of {known}")
        return cloud

    async def list_clouds(call: Call, _params: Nothing) -> CloudList:
        infos = [await cloud.info() for cloud in services.clouds.values()]
        if not call.peer.own:
            # Which account the person has is nothing that a foreign page needs.
            infos = [msgspec.structs.replace(info, account={}) for info in infos]
        return CloudList(clouds=infos)

    async def login(_call: Call, params: Login) -> CloudInfo:
        cloud = find(params.cloud)
        await cloud.login({name: value.reveal() for name, value in params.account.items()})
        info = await cloud.info()
        if isinstance(cloud, Warns):
            info = msgspec.structs.replace(info, warning=await cloud.warning())
        return info

    async def logout(_call: Call, params: OneCloud) -> CloudInfo:
        cloud = find(params.cloud)
        await cloud.logout()
        return await cloud.info()

    def shows(name: str) -> ShowsDevices:
        cloud = find(name)
        if not isinstance(cloud, ShowsDevices):
            raise InputError(field="cloud", problem="does not show its devices by name")
        return cloud

    async def device(_call: Call, params: NamedDevice) -> FoundDevice:
        return FoundDevice(device=await shows(params.cloud).look(params.name))

    async def profile(_call: Call, params: OneCloud) -> FoundProfile:
        return FoundProfile(profile=await shows(params.cloud).profile())

    return [
        Method(
            "clouds.list",
            "The clouds, with the fields that each one needs.",
            Nothing,
            CloudList,
            list_clouds,
        ),
        Method("clouds.login", "Check and store an account.", Login, CloudInfo, login, own=True),
        Method(
            "clouds.logout", "Forget the stored account.", OneCloud, CloudInfo, logout, own=True
        ),
        Method(
            "clouds.device",
            "The device of this name as the administrator in the account sees it.",
            NamedDevice,
            FoundDevice,
            device,
            own=True,
        ),
        Method(
            "clouds.profile",
            "The profile in which the account makes devices, as its administrator sees it.",
            OneCloud,
            FoundProfile,
            profile,
            own=True,
        ),
    ]
