"""A device in device management: is it there, its shadow, its name, and what is lost with it.

Source: cloud-nrf, sections 4, 6, 7 and 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.clouds.http import Request
from agent.clouds.nrf.api import NOT_FOUND, json_request
from agent.clouds.nrf.claiming import claimed
from agent.clouds.nrf.commands import all_commands
from agent.errors import CloudError, NrfNotOnboarded, NrfRecordAbsent, NrfUnclaimed
from agent.protocols.nrf import bodies
from agent.protocols.nrf.answers import ClaimedDevice, DeviceRecord, parse_record
from agent.protocols.nrf.commands import POLL_LIMIT_S, Progress, poll_delay_s
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.nrf.api import NrfApi

SHADOW: Final = "change the shadow of devices"
DAY_CHARS: Final = 10
"""Of a time in ISO 8601."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes with a board; made by :func:`look_at_removal`, which a person has to have seen."""

    device: ClaimedDevice | None
    """None: nobody has claimed it, so that the device alone goes; it came by a certificate."""
    record: DeviceRecord | None
    waiting: int
    """Commands that it has not carried out."""

    @property
    def losses(self) -> tuple[str, ...]:
        """One sentence each."""
        lost: list[str] = []
        if self.device is not None:
            since = clean_text(self.device.claimed_at[:DAY_CHARS])
            lost.append(f"The claim (since {since})." if since else "The claim.")
            if self.device.tags:
                lost.append(f"Its tags: {clean_text(', '.join(self.device.tags))}.")
        if self.waiting:
            lost.append(f"Commands that it has not carried out yet: {self.waiting}.")
        if self.record is not None:
            name = clean_text(self.record.name or self.record.id)
            lost.append(f"The device {name} with its shadow, messages and all other history.")
        if self.device is not None:
            lost.append("Anybody who has the board at hand can claim it then.")
        return tuple(lost)


async def record(api: NrfApi, device_id: str, imei: str = "") -> DeviceRecord | None:
    """The device; None: the id is free. With ``imei`` also as older firmware calls it; ``id`` says which."""
    found = await _record(api, device_id)
    older = bodies.older_id(imei)
    return await _record(api, older) if found is None and older else found


async def _record(api: NrfApi, device_id: str) -> DeviceRecord | None:
    bodies.check_device_id(device_id)
    request = Request("GET", bodies.record_path(device_id), repeatable=True)
    answer = await api.send(api.devices, request, "see devices", device=device_id)
    if answer.status == NOT_FOUND:
        return None
    return api.read(answer, parse_record, "see a device")


async def wait_for_record(
    api: NrfApi, device_id: str, say: Callable[[str], None] | None = None, imei: str = ""
) -> DeviceRecord:
    """The device as soon as it is there, by either id as in :func:`record`.

    :class:`NrfNotOnboarded` after ten minutes.
    """
    looks, waited_s = 0, 0.0
    while (delay_s := poll_delay_s(looks, waited_s)) is not None:
        if delay_s:
            await api.clock.sleep(delay_s)
        looks, waited_s = looks + 1, waited_s + delay_s
        found = await record(api, device_id, imei)
        if found is not None:
            return found
        if say is not None and looks == 1:
            say(f"{device_id} is not in {api.title} yet")
    minutes = round(POLL_LIMIT_S / 60)
    raise NrfNotOnboarded(cloud=api.title, device=device_id, minutes=minutes)


async def trigger(api: NrfApi, device_id: str, last: int = 0, imei: str = "") -> int:
    """Tell a device over the air to ask for its commands; the number that it was told with.

    It is found by either id as in :func:`record`.
    ``last``: the number used before, if it is known; the one in the shadow counts in any case.
    """
    found = await record(api, device_id, imei)
    if found is None:
        raise NrfRecordAbsent(cloud=api.title, device=device_id, detail="")
    number = bodies.command_id(api.clock.wall(), max(last, found.last_command))
    body = bodies.shadow_body(number)
    # The same number twice is one command, so this may be repeated.
    request = json_request("PATCH", bodies.shadow_path(found.id), body, again=True)
    answer = await api.send(api.devices, request, SHADOW, device=device_id)
    if answer.status == NOT_FOUND:
        raise NrfRecordAbsent(cloud=api.title, device=device_id, detail=api.said(answer))
    if not answer.ok:
        raise api.unexpected(answer, SHADOW)
    return number


async def rename(api: NrfApi, device_id: str, name: str) -> None:
    """Give the device a name for people."""
    bodies.check_name(name)
    action = "rename devices"
    request = json_request("PUT", bodies.name_path(device_id), bodies.name_body(name), again=True)
    answer = await api.send(api.devices, request, action, device=device_id)
    if answer.status == NOT_FOUND:
        raise NrfRecordAbsent(cloud=api.title, device=device_id, detail=api.said(answer))
    if not answer.ok:
        raise api.unexpected(answer, action)


async def delete_record(api: NrfApi, device_id: str) -> None:
    """Remove the device alone; a claim of its board stays. None there is not an error."""
    action = "delete devices"
    request = Request("DELETE", bodies.record_path(device_id), repeatable=True)
    answer = await api.send(api.devices, request, action, device=device_id)
    if not answer.ok and answer.status != NOT_FOUND:
        raise api.unexpected(answer, action)


async def look_at_removal(api: NrfApi, device_id: str) -> Removal:
    """What is lost if the board is unclaimed, or a device without a claim is deleted.

    :class:`NrfUnclaimed` if the team has neither.
    """
    device = await claimed(api, device_id)
    if device is None:
        alone = await record(api, device_id)
        if alone is None:
            raise NrfUnclaimed(cloud=api.title, device=device_id, detail="")
        return Removal(None, alone, 0)
    try:
        states = await all_commands(api, device_id)
    except CloudError:
        states = []  # the list is not documented; without it less is told
    waiting = sum(1 for state in states if state.progress is Progress.WAITING)
    return Removal(device, await record(api, device_id, device.imei), waiting)


async def unclaim(api: NrfApi, removal: Removal) -> None:
    """Give the board up, with all that was told; one that is gone already is not an error."""
    if removal.device is None:
        if removal.record is not None:
            await delete_record(api, removal.record.id)
        return
    action = "unclaim boards"
    request = Request("DELETE", bodies.device_path(removal.device.id), repeatable=True)
    answer = await api.send(api.provisioning, request, action, device=removal.device.id)
    if not answer.ok and answer.status != NOT_FOUND:
        raise api.unexpected(answer, action)
