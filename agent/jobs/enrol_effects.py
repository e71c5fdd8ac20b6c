"""Requests of the procedure that makes a device in a cloud and delivers its credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from agent.jobs.effects import Request

if TYPE_CHECKING:
    from agent.clouds.enrolment import CredentialsKind
    from agent.clouds.vault_entry import State
    from agent.sessions.delivery import BoardHardware, DeliveryKind
    from agent.settings.credentials import BoardSettings, CloudSettings

WayKind: TypeAlias = Literal["console", "repl", "nvs", "header", "image"]
"""A delivery to the board; a header file that the person compiles into a sketch; or an NVS image."""
FILES: Final[dict[str, str]] = {"header": "mooring_settings.h", "image": "mooring_nvs.b64"}
"""Those that make a file for the person, and its name. The image is bytes, so it is in Base64."""
FILE_TITLES: Final[dict[str, str]] = {"header": "the header file", "image": "the NVS image"}
"""What a person calls them, who gives the file another name."""


class Way(NamedTuple):
    """A delivery that the board answered to, and what the board said."""

    kind: DeliveryKind
    hardware: BoardHardware


class Looked(NamedTuple):
    """One delivery, and what is known of it for this board."""

    kind: WayKind
    state: Literal["answers", "none", "untried"]
    """``untried``: another one answered before."""
    why: str = ""
    """What the board answered, or why it was not asked."""


class Found(NamedTuple):
    """What a board takes."""

    way: Way
    """The one to be used, by the rule of ``enrol_ways``."""
    looked: tuple[Looked, ...] = ()
    """All of them, in the order in which they are tried."""


class Kept(NamedTuple):
    """What the vault has of this board, in this cloud, under this name."""

    entry: str
    state: State
    settings: CloudSettings


class EnrolEffect(Request):
    """A request of this module."""

    __slots__ = ()


# --- the board -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FindWays(EnrolEffect):
    """Ask the board which deliveries it answers to. Value: :class:`Found`.

    :class:`BoardHasNoDelivery` if there is none; it says what was tried and what each answered.
    """

    kinds: tuple[DeliveryKind, ...]
    """Which to try; empty: all that this kind of board may have."""


@dataclass(frozen=True, slots=True)
class OpenWay(EnrolEffect):
    """Open this delivery again. Value: :class:`agent.sessions.delivery.BoardHardware`."""

    kind: DeliveryKind


@dataclass(frozen=True, slots=True)
class PutSettings(EnrolEffect):
    """Deliver, proved by a digest. Value: None."""

    kind: DeliveryKind
    settings: BoardSettings


@dataclass(frozen=True, slots=True)
class WaitConnected(EnrolEffect):
    """Value: :class:`agent.sessions.delivery.CloudState`."""

    kind: DeliveryKind
    seconds: float


# --- the vault -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LookInVault(EnrolEffect):
    """Value: :class:`Kept` of this device name, the newest that can be read; or None."""

    name: str
    hardware_id: str = ""
    """Of the board, if it was asked: in a socket another board may sit by now."""


@dataclass(frozen=True, slots=True)
class OpenEntry(EnrolEffect):
    """Value: the :class:`CloudSettings` of an entry; None for one that is empty."""

    entry: str


@dataclass(frozen=True, slots=True)
class AddEntry(EnrolEffect):
    """A pending entry. Value: its id. ``own``: what was made here and is about to be sent."""

    own: CloudSettings
    hardware_id: str = ""
    """Of the board, if it was asked."""


@dataclass(frozen=True, slots=True)
class ReplaceEntry(EnrolEffect):
    """What the cloud gave takes the place of what was asked for. Value: None."""

    entry: str
    settings: CloudSettings


@dataclass(frozen=True, slots=True)
class ProveEntry(EnrolEffect):
    """The board works with it; what it had before becomes “earlier”. Value: None."""

    entry: str


@dataclass(frozen=True, slots=True)
class DropEntry(EnrolEffect):
    """Remove a pending entry whose credentials the cloud has certainly not taken. Value: None."""

    entry: str


@dataclass(frozen=True, slots=True)
class TellKey(EnrolEffect):
    """Value: bool, whether a key of the vault lies in a file and the person was never told so."""


# --- the cloud -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MakeOwn(EnrolEffect):
    """Make credentials here. Value: :class:`CloudSettings` as they count if the cloud takes them."""

    name: str
    kind: CredentialsKind


@dataclass(frozen=True, slots=True)
class Enrol(EnrolEffect):
    """Make the device. Value: :class:`CloudSettings` out of the reply, which may differ."""

    own: CloudSettings


@dataclass(frozen=True, slots=True)
class TryOut(EnrolEffect):
    """Whether the server takes these credentials now. Value: bool; None if it cannot be told."""

    settings: CloudSettings


@dataclass(frozen=True, slots=True)
class SeenBy(EnrolEffect):
    """Whether the server has seen the board connected since ``since`` (Unix seconds).

    Value: bool; None if nobody may ask.
    """

    name: str
    since: float


@dataclass(frozen=True, slots=True)
class FreeDevice(EnrolEffect):
    """As administrator: let a prepared device that was used up be provisioned again. Value: None."""

    name: str


@dataclass(frozen=True, slots=True)
class TakeOver(EnrolEffect):
    """As administrator: these credentials for a device that exists. Value: as of :class:`Enrol`."""

    own: CloudSettings


@dataclass(frozen=True, slots=True)
class TakeStored(EnrolEffect):
    """As administrator: the credentials that the server keeps for a device. Value: as of ``Enrol``.

    Nothing changes on the server. ``own`` says for which name; of a certificate the server has no key.
    """

    own: CloudSettings


@dataclass(frozen=True, slots=True)
class FindLink(EnrolEffect):
    """Value: address of the device in the cloud's pages; empty if there is none."""

    name: str


# --- the person ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HandOver(EnrolEffect):
    """Make this file and keep it for the person to fetch, in memory only. Value: None."""

    name: str
    """Of the file; one of :data:`FILES`."""
    settings: BoardSettings
