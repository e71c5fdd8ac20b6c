"""Requests of the procedures for Blynk boards, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from agent.jobs.kit import KitEffect

if TYPE_CHECKING:
    from agent.protocols.blynk.config import BlynkConfig, Way
    from agent.protocols.blynk.failures import Failure
    from agent.protocols.blynk.info import BoardInfo
    from agent.settings import Secret

Source: TypeAlias = Literal["made", "pasted", "vault"]
"""Where a token is from: the platform made it for this job, a person, or an earlier job."""
State: TypeAlias = Literal["online", "told", "failed", "unseen"]
"""``told``: the board says that it is connected, and the cloud could not confirm it."""

STAGES: Final = ("sent", "joining", "joined", "connecting", "connected")
"""Stages of :class:`agent.sessions.blynk.Told` by the numbers with which progress tells them."""


class Looked(NamedTuple):
    """One way to a board, and what came of it."""

    way: Way
    state: Literal["answers", "none", "untried"]
    why: str = ""


class Found(NamedTuple):
    """A board that answers."""

    way: Way
    board: BoardInfo
    looked: tuple[Looked, ...] = ()


class Kept(NamedTuple):
    """What the vault has of this board."""

    entry: str
    name: str
    token: Secret
    proven: bool


class Put(NamedTuple):
    """What is in the vault now."""

    entry: str
    host: str
    """Of the server that the token is for."""
    port: int = 443


class Arrived(NamedTuple):
    """What came of settings that a board was given."""

    state: State
    seconds: float = 0.0
    """Until the cloud saw it."""
    failure: Failure | None = None
    joined: bool = False
    detail: str = ""


class BlynkEffect(KitEffect):
    """A request of this module."""

    __slots__ = ()


# --- the board -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reach(BlynkEffect):
    """Open a session. Value: :class:`Found`."""

    point: bytes = b""
    """The board's own network, which is to be used; empty: the link of the job."""
    by_hand: bool = False
    """A person joins it; it is waited for the board's answer."""


@dataclass(frozen=True, slots=True)
class PlanLeaving(BlynkEffect):
    """Value: :class:`agent.links.access_point_question.Leaving`, what joining this network would do."""

    point: bytes


@dataclass(frozen=True, slots=True)
class GoBack(BlynkEffect):
    """Be back in the computer's own network. Value: None."""


@dataclass(frozen=True, slots=True)
class LookAround(BlynkEffect):
    """Let the board look for networks. Value: :class:`agent.protocols.blynk.info.Scan`."""


@dataclass(frozen=True, slots=True)
class Deliver(BlynkEffect):
    """Give it these settings and follow what comes of them. Value: :class:`Arrived`.

    Advances with the number of a stage (:data:`STAGES`) and a detail.
    """

    config: BlynkConfig
    fresh: bool
    """The token is of no device until a board has logged in with it."""
    was_online: bool = False
    """Its device may be called online because it was so before the board is given this."""


@dataclass(frozen=True, slots=True)
class GiveUp(BlynkEffect):
    """Let the board stop trying and wait for settings again. Value: None."""


@dataclass(frozen=True, slots=True)
class Erase(BlynkEffect):
    """Let the board forget its settings. Value: None."""


# --- the vault -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FindKept(BlynkEffect):
    """Value: :class:`Kept`, or None: the vault has no token of this board."""

    name: str = ""
    """Only one of a device with this name."""
    said: tuple[str, ...] = ()
    """What the board says of itself that no other says, the same on every way to it."""


@dataclass(frozen=True, slots=True)
class Keep(BlynkEffect):
    """Keep a token before it is used. Value: :class:`Put`."""

    name: str
    token: Secret = field(repr=False)
    hardware_id: str = ""
    entry: str = ""
    """It is in there already, under this id."""


@dataclass(frozen=True, slots=True)
class OpenKept(BlynkEffect):
    """Value: :class:`Kept`, this entry of the vault."""

    entry: str


@dataclass(frozen=True, slots=True)
class ForgetTokens(BlynkEffect):
    """Forget all entries of this board with these names. Value: ids of those that were forgotten.

    Of this board are those that ``said`` is kept with, and all of a board that has the ``token``.
    """

    names: tuple[str, ...]
    token: Secret = field(repr=False)
    """Of the device that was removed; empty: not known."""
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prove(BlynkEffect):
    """The board is online with this entry. Value: None."""

    entry: str


@dataclass(frozen=True, slots=True)
class TellKey(BlynkEffect):
    """Value: whether the person is to be told that the vault's key is in a file."""


# --- the cloud -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MakeToken(BlynkEffect):
    """Value: :class:`agent.protocols.blynk.platform.Provisioned`."""

    device_id: int = 0
    """For this device, whose old token ends; 0: for one that is to be."""


@dataclass(frozen=True, slots=True)
class CheckToken(BlynkEffect):
    """Ask the cloud for a token that somebody has had. Value: whether its device is online.

    :class:`agent.errors.BlynkTokenUnknown` if no device has it.
    """

    token: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class FindDevice(BlynkEffect):
    """Value: :class:`agent.protocols.blynk.platform.Device`, or None; needs the platform."""

    token: Secret = field(repr=False)
    name: str = ""
    """Without a token: the only device of this name."""


@dataclass(frozen=True, slots=True)
class DeleteDevice(BlynkEffect):
    """Delete the device and its data; one that is gone is not an error. Value: None."""

    device_id: int


@dataclass(frozen=True, slots=True)
class Rename(BlynkEffect):
    """Find the device of a board that is online, and give it a name.

    Value: :class:`agent.protocols.blynk.platform.Device`, or None: it is not to be found.
    """

    device_id: int
    """0: not known; it is the one with the token."""
    name: str
    """Empty: the one that it has."""
    token: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class AwaitBoard(BlynkEffect):
    """Go on waiting for a board that has its settings. Value: :class:`Arrived`."""

    token: Secret = field(repr=False)
    fresh: bool = False
