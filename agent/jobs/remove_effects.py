"""Requests of the procedure that removes a device: from its board, its cloud and the vault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from agent.jobs.enrol_effects import EnrolEffect

if TYPE_CHECKING:
    from agent.sessions.delivery import DeliveryKind


class Forgotten(NamedTuple):
    """What became of the entries of a device."""

    gone: tuple[str, ...] = ()
    """Ids of those that were erased."""
    kept: tuple[tuple[str, str], ...] = ()
    """Id of each that stays, and why."""
    alive: bool = False
    """A server still takes the credentials of one of them."""


class RemoveEffect(EnrolEffect):
    """A request of this module."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class EraseSettings(RemoveEffect):
    """Remove all settings from the board, proved by a digest. Value: None."""

    kind: DeliveryKind


@dataclass(frozen=True, slots=True)
class LookDevice(RemoveEffect):
    """As administrator. Value: :class:`agent.clouds.enrolment.DeviceLook`; None: no such device."""

    name: str


@dataclass(frozen=True, slots=True)
class EntriesOf(RemoveEffect):
    """What the vault has of this cloud. Value: list of :class:`VaultEntry`, newest first."""

    name: str = ""
    """Of one device; empty: of the board of this job."""


@dataclass(frozen=True, slots=True)
class DeleteDevice(RemoveEffect):
    """As administrator; a device that is gone already is no error. Value: None."""

    name: str


@dataclass(frozen=True, slots=True)
class ForgetDead(RemoveEffect):
    """Erase the entries of a device that no server takes any more. Value: :class:`Forgotten`."""

    name: str
    unless_alive: bool = False
    """Erase none if one is still taken: then the device was not deleted."""
