"""Windows: what is decided about Wi-Fi, over the few calls that :class:`WlanApi` names.

The profile for a board's access point is a temporary one: Windows keeps nothing of it. Unlike
NetworkManager, Windows does not leave the network when we die; the next start does.
Source: Microsoft Learn, “Native Wifi” (wlanapi.h), “WLAN_profile Schema”.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from xml.sax.saxutils import escape

from agent.errors import (
    ApNotHeard,
    ApUnjoined,
    WifiAbsent,
    WifiFailed,
    WifiForbidden,
    WifiOff,
    WifiStopped,
)
from agent.links.access_point_wifi import NO_ADAPTER, AccessPoint, Adapter, Computer, Network
from agent.settings import clean_text, decode_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.errors import WifiError
    from agent.links.access_point_wifi import WayBack

NETWORK_NOT_AVAILABLE: Final = 0x2800B
"""``WLAN_REASON_CODE_NETWORK_NOT_AVAILABLE``."""
_ACCESS_DENIED: Final = 5
_NOT_ACTIVE: Final = frozenset({1062, 1722, 1753})
"""``ERROR_SERVICE_NOT_ACTIVE``, and those of a service that went away (RPC)."""
_POWER_OFF: Final = 0x80342002
"""``ERROR_NDIS_DOT11_POWER_STATE_INVALID``."""
_NOT_FOUND: Final = 1168
_NAME: Final = "Mooring "

LOCATION: Final = (
    "Open Settings, Privacy & security, Location, and switch on “Location services” and “Let "
    "desktop apps access your location”: Windows 11 counts the names of Wi-Fi networks as one."
)
START: Final = "Open “Services” and start “WLAN AutoConfig”."
SWITCH_ON: Final = "Switch Wi-Fi on under Settings, Network & internet; end flight mode."


class WlanError(Exception):
    """A call of Windows failed; ``code`` is its Win32 error."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Windows error {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Connected:
    """What an adapter is in."""

    profile: str
    ssid: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """One network that an adapter hears; access points of one name are one network."""

    ssid: bytes
    strength: int
    """Of 100."""
    secured: bool


class WlanApi(Protocol):
    """The calls of ``wlanapi.dll``. All raise :class:`WlanError`; adapters are GUIDs as text."""

    def adapters(self) -> dict[str, bool]:
        """Each adapter, and whether its radio is on."""

    def connected(self, adapter: str) -> Connected | None:
        """What it is in; None: nothing, or still on the way."""

    def heard(self, adapter: str) -> list[Heard]:
        """What it heard last."""

    def scan(self, adapter: str) -> None:
        """Begin to listen; ``news`` tells the end."""

    def join(self, adapter: str, profile_xml: str) -> None:
        """Begin to join with a temporary profile."""

    def return_to(self, adapter: str, profile: str) -> None:
        """Begin to join with a stored profile."""

    def leave(self, adapter: str) -> None:
        """Leave the network that it is in."""

    def internet(self) -> str | None:
        """The adapter of whatever kind that the Internet is reached through."""

    def reason(self, adapter: str) -> tuple[int, str]:
        """Why its last attempt failed: code and words; 0: it has not failed."""

    def scanned(self, adapter: str) -> int:
        """How many scans have ended."""

    async def news(self) -> None:
        """Return when anything has changed since the call before."""

    def close(self) -> None:
        """Let go."""


def profile_xml(ssid: bytes, name: str) -> str:
    """A profile for an open network that Windows neither keeps nor joins by itself."""
    return (
        '<?xml version="1.0"?>'
        '<WLANProfile xmlns="http://www.microsoft.com/networking/WLAN/profile/v1">'
        f"<name>{escape(name)}</name>"
        f"<SSIDConfig><SSID><hex>{ssid.hex().upper()}</hex></SSID></SSIDConfig>"
        "<connectionType>ESS</connectionType><connectionMode>manual</connectionMode>"
        "<MSM><security><authEncryption><authentication>open</authentication>"
        "<encryption>none</encryption><useOneX>false</useOneX></authEncryption></security></MSM>"
        "</WLANProfile>"
    )


def wlan_error(error: WlanError) -> WifiError:
    """What an error of Windows means."""
    if error.code == _ACCESS_DENIED:
        return WifiForbidden(detail="access was denied (error 5).", action=LOCATION)
    if error.code in _NOT_ACTIVE:
        return WifiStopped(detail=f"{error}.", action=START)
    if error.code == _POWER_OFF:
        return WifiOff(action=SWITCH_ON)
    if error.code == _NOT_FOUND:
        return WifiAbsent(detail="The Wi-Fi adapter is no longer there.")
    return WifiFailed(detail=str(error))


class WlanWifi:
    """A :class:`WifiSystem`; ``make`` is called in the event loop when first needed."""

    name = "windows"

    def __init__(self, make: Callable[[], WlanApi]) -> None:
        self._make = make
        self._made: WlanApi | None = None

    @property
    def _api(self) -> WlanApi:
        if self._made is None:
            self._made = self._make()
        return self._made

    async def look(self) -> Computer:
        """See the protocol."""
        with _told():
            return self._look()

    def _look(self) -> Computer:
        radios = self._api.adapters()
        if not radios:
            raise WifiAbsent(detail=NO_ADAPTER)
        if not any(radios.values()):
            raise WifiOff(action=SWITCH_ON)
        through = self._api.internet()
        adapters = []
        for adapter in (name for name, on in radios.items() if on):
            connected = self._api.connected(adapter)
            network = _network(connected) if connected else None
            adapters.append(Adapter(adapter, network, internet=adapter == through))
        return Computer(tuple(adapters), elsewhere=through is not None and through not in radios)

    async def scan(self, limit_s: float, wanted: bytes | None = None) -> list[AccessPoint]:
        """See the protocol."""
        with _told():
            usable = [name for name, on in self._api.adapters().items() if on]
            before = {name: self._api.scanned(name) for name in usable}
            for name in usable:
                self._api.scan(name)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    while not self._listened(before, wanted):
                        await self._api.news()
            return self._points(usable)

    def _listened(self, before: dict[str, int], wanted: bytes | None) -> bool:
        if wanted is not None and any(p.ssid == wanted for p in self._points(list(before))):
            return True
        return all(self._api.scanned(name) > then for name, then in before.items())

    def _points(self, adapters: list[str]) -> list[AccessPoint]:
        return [
            AccessPoint(heard.ssid, "", heard.strength, heard.secured, adapter)
            for adapter in adapters
            for heard in self._api.heard(adapter)
        ]

    def mark(self, ssid: bytes) -> str:
        """See the protocol: the name of a profile."""
        del ssid
        return f"{_NAME}{secrets.token_hex(4)}"

    async def join(self, way: WayBack, point: AccessPoint, limit_s: float) -> None:
        """See the protocol."""
        del point, limit_s
        with _told():
            self._api.join(way.adapter, profile_xml(way.ssid, way.ours))
            while not self._inside(way):
                code, words = self._api.reason(way.adapter)
                if code == NETWORK_NOT_AVAILABLE:
                    raise ApNotHeard(ssid=way.name)
                if code:
                    raise ApUnjoined(ssid=way.name, detail=f"Windows says: {clean_text(words)}")
                await self._api.news()

    async def lost(self, way: WayBack) -> None:
        """See the protocol."""
        with _told():
            while self._inside(way):
                await self._api.news()

    async def go_back(self, way: WayBack, *, late: bool) -> None:
        """See the protocol."""
        with _told():
            connected = self._api.connected(way.adapter)
            if way.before is None:
                if self._inside(way):
                    self._api.leave(way.adapter)
                return
            if connected is not None and late and not self._inside(way):
                return
            if connected is not None and connected.profile == way.before.id:
                return
            self._api.return_to(way.adapter, way.before.id)
            await self._returned(way.adapter, way.before.id)

    async def _returned(self, adapter: str, profile: str) -> None:
        while True:
            connected = self._api.connected(adapter)
            if connected is not None and connected.profile == profile:
                return
            code, words = self._api.reason(adapter)
            if code:
                raise WifiFailed(detail=clean_text(words).rstrip("."))
            await self._api.news()

    def _inside(self, way: WayBack) -> bool:
        """By the name of the network: Windows may name a temporary profile as it likes."""
        connected = self._api.connected(way.adapter)
        return connected is not None and connected.ssid == way.ssid

    async def close(self) -> None:
        """See the protocol."""
        made, self._made = self._made, None
        if made is not None:
            made.close()


def _network(connected: Connected) -> Network:
    name = clean_text(connected.profile) or decode_text(connected.ssid)
    return Network(id=connected.profile, name=name)


class _told(contextlib.AbstractContextManager[None]):  # noqa: N801  (used as a verb)
    """Errors of Windows become ours."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, WlanError):
            raise wlan_error(error) from error
