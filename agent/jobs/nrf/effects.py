"""Requests of the procedures for boards of nRF Cloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from agent.jobs.kit import KitEffect

if TYPE_CHECKING:
    from agent.clouds.nrf.records import Removal
    from agent.protocols.nrf.answers import CommandState, DeviceRecord
    from agent.protocols.nrf.commands import Command
    from agent.protocols.nrf.token import AttestationToken
    from agent.sessions.nrf import NrfBoard


class Modem(NamedTuple):
    """What answered, and at which of the board's ports."""

    board: NrfBoard
    port: str


class DeviceLook(NamedTuple):
    """What the cloud has of a board that the team has claimed."""

    commands: tuple[CommandState, ...]
    record: DeviceRecord | None
    """None: it has not been onboarded."""


# --- the board -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenModem(KitEffect):
    """Ask all ports of the board at once. Value: :class:`Modem`."""


@dataclass(frozen=True, slots=True)
class ReadToken(KitEffect):
    """Value: :class:`AttestationToken`, made just now."""


@dataclass(frozen=True, slots=True)
class CatchToken(KitEffect):
    """Listen for the token that an unclaimed board prints. Value: it, or None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class TriggerByCable(KitEffect):
    """Let the board ask the service for its commands. Value: the command that it knows."""


@dataclass(frozen=True, slots=True)
class FollowLog(KitEffect):
    """Value: :class:`agent.protocols.nrf.logs.Seen`, how the board says that it ended."""


# --- the cloud -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EnsureRule(KitEffect):
    """See that boards with this tag are onboarded. Value: ``there``, ``made`` or ``inactive``."""

    tag: str


@dataclass(frozen=True, slots=True)
class LookForRule(KitEffect):
    """Value: whether an active rule has one of these tags."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TryClaim(KitEffect):
    """The dry run, which changes nothing. Value: None, or what the team has already."""

    token: AttestationToken
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimBoard(KitEffect):
    """Value: :class:`agent.clouds.nrf.claiming.ClaimOutcome`."""

    token: AttestationToken
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LookClaimed(KitEffect):
    """Value: :class:`ClaimedDevice`, or None if the team has it not."""

    device_id: str


@dataclass(frozen=True, slots=True)
class FindDevice(KitEffect):
    """A claimed board by what a person calls it. Value: :class:`TeamDevice`."""

    wanted: str


@dataclass(frozen=True, slots=True)
class LookAtDevice(KitEffect):
    """Value: :class:`DeviceLook`."""

    device_id: str
    imei: str = ""
    """By which older firmware calls the device; empty: it is not known. So in what follows."""


@dataclass(frozen=True, slots=True)
class LookForRecord(KitEffect):
    """Value: :class:`DeviceRecord`, or None if it has not been onboarded."""

    device_id: str
    imei: str = ""


@dataclass(frozen=True, slots=True)
class WatchCommands(KitEffect):
    """Wait until commands that are not ``known`` came and all are done. Value: tuple of them all."""

    device_id: str
    known: frozenset[str]
    """Ids of those that were done before."""
    imei: str = ""


@dataclass(frozen=True, slots=True)
class LookForLeft(KitEffect):
    """What an earlier time queued and the board has not done. Value: tuple of :class:`CommandState`.

    Those that failed are among them.
    """

    device_id: str


@dataclass(frozen=True, slots=True)
class DeleteCommands(KitEffect):
    """Take commands out of the list of a board. Value: None."""

    device_id: str
    commands: tuple[CommandState, ...]


@dataclass(frozen=True, slots=True)
class QueueAgain(KitEffect):
    """Queue once more what failed. Value: dict of :class:`CommandState` by the ids of the old."""

    device_id: str


@dataclass(frozen=True, slots=True)
class QueueCommands(KitEffect):
    """Value: tuple of :class:`CommandState`; of those that are ``left`` none is queued again."""

    device_id: str
    commands: tuple[Command, ...]
    left: tuple[CommandState, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowCommands(KitEffect):
    """Wait until these are done. Value: tuple of :class:`CommandState`."""

    device_id: str
    queued: tuple[CommandState, ...]


@dataclass(frozen=True, slots=True)
class TriggerByAir(KitEffect):
    """Tell the device through its shadow to ask for its commands. Value: None."""

    device_id: str
    imei: str = ""


@dataclass(frozen=True, slots=True)
class WaitRecord(KitEffect):
    """Wait until the device is in device management. Value: :class:`DeviceRecord`."""

    device_id: str
    imei: str = ""


@dataclass(frozen=True, slots=True)
class RenameDevice(KitEffect):
    """What people call it in the cloud. Value: None."""

    device_id: str
    name: str


@dataclass(frozen=True, slots=True)
class LookAtRemoval(KitEffect):
    """Value: :class:`agent.clouds.nrf.records.Removal`."""

    device_id: str


@dataclass(frozen=True, slots=True)
class UnclaimBoard(KitEffect):
    """Give the board up, with what a person was shown. Value: None."""

    removal: Removal
