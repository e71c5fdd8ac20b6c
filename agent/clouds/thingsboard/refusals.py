"""Why the server said FAILURE: it does not tell devices, but its administrator can see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import (
    CloudError,
    EnrolLimit,
    EnrolNameTaken,
    EnrolNotPrepared,
    EnrolRefused,
    EnrolUsedUp,
)
from agent.protocols.thingsboard.admin import PROVISION_STATE, Profile, Strategy
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.clouds.thingsboard.admin import Administrator
    from agent.protocols.thingsboard.admin import Device
    from agent.settings import Secret


async def explain_refusal(
    admin: Administrator | None, *, cloud: str, name: str, key: Secret, maybe_done: bool = False
) -> CloudError:
    """Which of the four reasons it was; :class:`EnrolRefused` where that cannot be seen.

    ``maybe_done``: an earlier request, whose answer was lost, may be what stands in the way.
    """
    unknown = EnrolRefused(cloud=cloud, name=name, maybe_done=maybe_done)
    if admin is None:
        return unknown
    try:
        device = await admin.find(name)
        ours = await admin.profile_of(key)
        if device is None:
            return _not_there(ours, cloud, name) or unknown
        return await _there(admin, device, ours, cloud, maybe_done)
    except CloudError as error:
        # The refusal is what happened; that nobody could explain it is its context.
        unknown.__cause__ = error
        return unknown


def _not_there(ours: Profile | None, cloud: str, name: str) -> CloudError | None:
    if ours is None:
        return None  # the profile is in another tenant, and so are its devices
    profile = clean_text(ours.name)
    if ours.strategy == Strategy.PREPARED:
        detail = "No device of this name exists in the tenant."
        return EnrolNotPrepared(
            cloud=cloud, name=name, profile=profile, detail=detail, maybe_done=False
        )
    return EnrolLimit(cloud=cloud, name=name, maybe_done=False)


async def _there(
    admin: Administrator, device: Device, ours: Profile | None, cloud: str, maybe_done: bool
) -> CloudError:
    name = clean_text(device.name)
    if ours is not None and ours.strategy == Strategy.PREPARED:
        if device.profile_id != ours.id:
            detail = "The device of this name is in another profile."
            return EnrolNotPrepared(
                cloud=cloud,
                name=name,
                profile=clean_text(ours.name),
                detail=detail,
                maybe_done=False,
            )
        state = (await admin.attributes(device, PROVISION_STATE)).get(PROVISION_STATE)
        return EnrolUsedUp(
            cloud=cloud, name=name, state=clean_text(str(state)), maybe_done=maybe_done
        )
    profile = await admin.profile(device.profile_id) if device.profile_id else None
    shown = clean_text(profile.name) if profile is not None else "?"
    return EnrolNameTaken(cloud=cloud, name=name, profile=shown, maybe_done=maybe_done)
