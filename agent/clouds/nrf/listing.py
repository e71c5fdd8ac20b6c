"""The team's devices: claims and device management side by side, and which of them a person means.

Source: cloud-nrf, sections 4 and 7. Lists of devices come in pages of at most a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.clouds.nrf.claiming import all_claimed
from agent.clouds.nrf.records import record
from agent.errors import CloudAnswer, NrfDeviceAmbiguous, NrfDeviceUnknown
from agent.protocols.nrf import bodies
from agent.protocols.nrf.answers import parse_records
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.clouds.nrf.api import NrfApi
    from agent.protocols.nrf.answers import ClaimedDevice, DeviceRecord

LOOKS_MAX: Final = 20
"""Devices that are looked at one by one where they cannot be listed: five seconds."""
MATCHES_SHOWN: Final = 8
BEGINNING_CHARS: Final = 4
"""Of an id: fewer are an accident, where only one device is there."""


@dataclass(frozen=True, slots=True)
class TeamDevice:
    """A board that the team has claimed, or a device that came by its certificate; or both."""

    claim: ClaimedDevice | None
    record: DeviceRecord | None
    onboarded: bool | None
    """Whether it is in device management; None: that is not known."""

    @property
    def id(self) -> str:
        """The device id of the board, or what device management calls it."""
        if self.claim is not None:
            return self.claim.id
        return self.record.id if self.record is not None else ""

    @property
    def name(self) -> str:
        """What people call it; empty: nothing. Foreign text."""
        name = self.record.name if self.record is not None else ""
        return "" if self.record is not None and name == self.record.id else name

    @property
    def imei(self) -> str:
        """As its claim says; empty: not known."""
        return self.claim.imei if self.claim is not None else ""


async def team_devices(api: NrfApi) -> list[TeamDevice]:
    """All claims in their order, then devices without one."""
    claims = await all_claimed(api)
    records = await _records(api)
    if records is None:
        return [await _looked(api, claim, at) for at, claim in enumerate(claims)]
    free = {each.id: each for each in records}
    found: list[TeamDevice] = []
    for claim in claims:
        # That of newer firmware counts, if there are both; the other is a device without a claim then.
        of_it = free.pop(claim.id, None) or free.pop(bodies.older_id(claim.imei), None)
        found.append(TeamDevice(claim, of_it, of_it is not None))
    return found + [TeamDevice(None, each, onboarded=True) for each in free.values()]


async def find_device(api: NrfApi, wanted: str) -> TeamDevice:
    """The one that is meant; :class:`NrfDeviceUnknown`, :class:`NrfDeviceAmbiguous`."""
    devices = await team_devices(api)
    found = _matching(devices, wanted.strip())
    if len(found) == 1:
        return found[0]
    shown = clean_text(wanted)
    if not found:
        raise NrfDeviceUnknown(cloud=api.title, wanted=shown)
    matches = ", ".join(map(_told, found[:MATCHES_SHOWN]))
    if len(found) > MATCHES_SHOWN:
        matches += f" and {len(found) - MATCHES_SHOWN} more"
    raise NrfDeviceAmbiguous(cloud=api.title, wanted=shown, count=len(found), matches=matches)


def _matching(devices: Sequence[TeamDevice], wanted: str) -> list[TeamDevice]:
    """By id or IMEI; else by name; else by the beginning of an id."""
    folded = wanted.casefold()
    if not folded:
        return []
    ways = (
        lambda each: folded in {known.casefold() for known in _ids_of(each)},
        lambda each: each.name.casefold() == folded,
        lambda each: len(folded) >= BEGINNING_CHARS and each.id.casefold().startswith(folded),
    )
    for way in ways:
        if found := [each for each in devices if way(each)]:
            return found
    return []


def _ids_of(device: TeamDevice) -> set[str]:
    known = {device.id, device.imei.strip(), device.record.id if device.record else ""}
    return known - {""}


def _told(device: TeamDevice) -> str:
    name = clean_text(device.name)
    return f"{clean_text(device.id)} ({name})" if name else clean_text(device.id)


async def _records(api: NrfApi) -> list[DeviceRecord] | None:
    """All of device management; None: they cannot be listed."""
    try:
        return await api.pages(
            api.devices, bodies.DEVICES, parse_records, "see devices", asked=bodies.FULL_PAGES
        )
    except CloudAnswer:
        return None


async def _looked(api: NrfApi, claim: ClaimedDevice, at: int) -> TeamDevice:
    if at >= LOOKS_MAX:
        return TeamDevice(claim, None, None)
    found = await record(api, claim.id, claim.imei)
    return TeamDevice(claim, found, found is not None)
