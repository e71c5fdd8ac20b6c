"""What the computer's Wi-Fi is, whatever the system: adapters, networks heard, the way back.

The decisions that are the same everywhere are here too: which adapter joins, and whether the
network of that name is one to join at all. Nothing here does anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from agent.errors import ApNotHeard, ApSecured, WifiAbsent
from agent.settings import decode_text

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_ADAPTER = "No Wi-Fi adapter is there that the system manages."


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """One network that an adapter hears just now."""

    ssid: bytes
    bssid: str
    """Hardware address; empty where the system keeps it to itself."""
    strength: int
    """Of 100."""
    secured: bool
    """It asks for a password or another proof."""
    adapter: str
    """Which one hears it."""
    place: str = ""
    """What the system calls it, for instance an object's path; empty if it has no such name."""

    @property
    def name(self) -> str:
        """The SSID, fit to be shown."""
        return decode_text(self.ssid)


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A network that an adapter is in."""

    id: str
    """What the system needs to go back there: a profile's UUID or name, or the SSID in hex."""
    name: str
    """For a person."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A Wi-Fi adapter that could join; those that are off or not managed are not among them."""

    name: str
    network: Network | None = None
    internet: bool = False
    """What is for the Internet goes through it."""


@dataclass(frozen=True, slots=True)
class Computer:
    """What the computer is connected to."""

    adapters: tuple[Adapter, ...]
    elsewhere: bool = False
    """The Internet is reached through something else than Wi-Fi, which is never touched."""


class WayBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is remembered on the disk before anything is changed."""

    system: str
    """Which adapter of ours wrote it: ``networkmanager``, ``windows``, ``macos``."""
    adapter: str
    ssid_hex: str
    """The board's access point."""
    ours: str
    """Name or UUID of what is made for it, so that it can be found and removed after a crash."""
    before: Network | None
    """What the adapter was in; None: nothing."""

    @property
    def ssid(self) -> bytes:
        """The access point's name."""
        return bytes.fromhex(self.ssid_hex)

    @property
    def name(self) -> str:
        """The access point's name, fit to be shown."""
        return decode_text(self.ssid)


class WifiSystem(Protocol):
    """What each operating system does; all methods raise :class:`WifiError` and its kin."""

    name: str

    async def look(self) -> Computer:
        """What the computer is connected to."""

    async def scan(self, limit_s: float, wanted: bytes | None = None) -> list[AccessPoint]:
        """Networks heard, freshly listened for; ends early when ``wanted`` is heard."""

    def mark(self, ssid: bytes) -> str:
        """A new value for :attr:`WayBack.ours`."""

    async def join(self, way: WayBack, point: AccessPoint, limit_s: float) -> None:
        """Get in. ``limit_s``: for how long the access point will be used at most after that.

        Raises :class:`ApUnjoined` and :class:`ApNotHeard` too. What is half done stays, for
        :meth:`go_back` undoes it.
        """

    async def lost(self, way: WayBack) -> None:
        """Return when the computer is no longer in the access point, in whatever way."""

    async def go_back(self, way: WayBack, *, late: bool) -> None:
        """Undo what is ours and return when the adapter is in its network again.

        ``late``: at a next start, where a network that is neither ours nor the earlier one was
        chosen by the person meanwhile and stays. To be called any number of times.
        """

    async def close(self) -> None:
        """Let go of the system."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who joins what."""

    adapter: Adapter
    point: AccessPoint


def choose(computer: Computer, points: Sequence[AccessPoint], ssid: bytes) -> Choice:
    """The adapter that is to join ``ssid``, and which of the access points of that name.

    An adapter that carries the Internet is taken last, one that is in no network first; the
    stronger signal decides between equals. Raises :class:`WifiAbsent`, :class:`ApNotHeard` and
    :class:`ApSecured`: what asks for a password is never joined, for it is no board.
    """
    if not computer.adapters:
        raise WifiAbsent(detail=NO_ADAPTER)
    named = [point for point in points if point.ssid == ssid]
    adapters = {adapter.name: adapter for adapter in computer.adapters}
    heard = [point for point in named if point.adapter in adapters]
    if not heard:
        raise ApNotHeard(ssid=decode_text(ssid))
    choices = [Choice(adapters[each.adapter], each) for each in heard if not each.secured]
    if not choices:
        raise ApSecured(ssid=decode_text(ssid))
    return min(choices, key=_reluctance)


def _reluctance(choice: Choice) -> tuple[bool, bool, int, str, str]:
    adapter, point = choice.adapter, choice.point
    busy = adapter.network is not None
    return adapter.internet, busy, -point.strength, adapter.name, point.bssid


def loses_internet(computer: Computer, adapter: Adapter) -> bool:
    """Whether the computer is without the Internet while ``adapter`` is in a board's network.

    An adapter in a network whose way to the Internet the system did not tell may be the only one.
    """
    others = [each for each in computer.adapters if each.name != adapter.name]
    if computer.elsewhere or any(each.internet for each in others):
        return False
    return adapter.internet or adapter.network is not None
