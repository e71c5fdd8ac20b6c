"""macOS: CoreWLAN joins the access point; macOS itself comes back to the network it knows.

A program cannot return to a network with a password: CoreWLAN wants that password, and the system
keeps it to itself. So the radio is switched off and on: macOS then joins the networks that it
knows, and the board's, which was joined by a program, is none of them.

CoreWLAN is reached through the bridge that bleak brings, without a package of its own. Its calls
block, so each runs in a thread.
Source: Apple's documentation, CoreWLAN: CWWiFiClient, CWInterface, CWNetwork; PyObjC, “Metadata”.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

from agent.errors import (
    ApNotHeard,
    ApUnjoined,
    WifiAbsent,
    WifiFailed,
    WifiForbidden,
    WifiOff,
)
from agent.links.access_point_wifi import NO_ADAPTER, AccessPoint, Adapter, Computer, Network
from agent.settings import clean_text, decode_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.links.access_point_wifi import WayBack

LOOK_AGAIN_S: Final = 1.0
"""CoreWLAN's events need an object of Objective-C and its loop; a look costs microseconds, and is
taken only while the computer is in a board's network or on its way back."""
ROUTE_LIMIT_S: Final = 5.0
_SECURITY_NONE: Final = 0
"""``kCWSecurityNone``."""
_BUNDLE: Final = "/System/Library/Frameworks/CoreWLAN.framework"
_WITH_ERROR: Final = (
    (b"CWInterface", b"scanForNetworksWithSSID:error:", 3),
    (b"CWInterface", b"associateToNetwork:password:error:", 4),
    (b"CWInterface", b"setPower:error:", 3),
)
"""Methods whose last argument gives an error back, counted with the two hidden ones."""
_INTERFACE: Final = re.compile(r"^\s*interface:\s*(\S+)", re.MULTILINE)

LOCATION: Final = (
    "Open System Settings, Privacy & Security, Location Services, and allow Mooring there; it must "
    "be the signed app for that. Names of Wi-Fi networks count as a place."
)
SWITCH_ON: Final = "Switch Wi-Fi on in the Control Centre."


def core_wlan() -> Any:  # noqa: ANN401  (an object of Objective-C)
    """The shared ``CWWiFiClient``; raises :class:`WifiAbsent`."""
    try:
        import objc  # type: ignore[import-not-found, unused-ignore]  # PyObjC, on macOS only
    except ImportError as error:
        raise WifiAbsent(detail="The bridge to CoreWLAN is not installed.") from error
    classes: dict[str, Any] = {}
    objc.loadBundle("CoreWLAN", classes, bundle_path=_BUNDLE)
    for owner, selector, place in _WITH_ERROR:
        gives = {"arguments": {place: {"type_modifier": b"o"}}}
        objc.registerMetaDataForSelector(owner, selector, gives)
    return classes["CWWiFiClient"].sharedWiFiClient()


async def default_interface() -> str | None:
    """Through which interface the Internet is reached, as ``route`` says it."""
    try:
        process = await asyncio.create_subprocess_exec(
            *("/sbin/route", "-n", "get", "default"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(ROUTE_LIMIT_S):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return read_route(out.decode(errors="replace"))


def read_route(text: str) -> str | None:
    """The interface in what ``route -n get default`` says."""
    found = _INTERFACE.search(text)
    return found.group(1) if found else None


class MacWifi:
    """A :class:`WifiSystem`; ``make`` gives the ``CWWiFiClient`` when it is first needed."""

    name = "macos"

    def __init__(
        self,
        make: Callable[[], Any] = core_wlan,
        *,
        look_again_s: float = LOOK_AGAIN_S,
    ) -> None:
        self._make = make
        self._look_again_s = look_again_s
        self._client: Any = None
        self._networks: dict[tuple[str, bytes], Any] = {}

    async def look(self) -> Computer:
        """See the protocol."""
        interfaces = self._interfaces()
        if not interfaces:
            raise WifiAbsent(detail=NO_ADAPTER)
        on = {name: each for name, each in interfaces.items() if each.powerOn()}
        if not on:
            raise WifiOff(action=SWITCH_ON)
        through = await default_interface()
        adapters = tuple(
            Adapter(name, _network(interface), internet=name == through)
            for name, interface in on.items()
        )
        return Computer(adapters, elsewhere=through is not None and through not in interfaces)

    async def scan(self, limit_s: float, wanted: bytes | None = None) -> list[AccessPoint]:
        """See the protocol; the system has its own limit of some seconds."""
        del limit_s
        points = []
        for name, interface in self._interfaces().items():
            if not interface.powerOn():
                continue
            found, error = await asyncio.to_thread(
                interface.scanForNetworksWithSSID_error_, wanted, None
            )
            if error is not None:
                raise WifiFailed(detail=_words(error))
            for network in found or ():
                if network.ssidData() is None:
                    raise WifiForbidden(detail="names of networks are hidden.", action=LOCATION)
                point = _point(name, network)
                if not point.secured:
                    self._networks[name, point.ssid] = network
                points.append(point)
        return points

    def mark(self, ssid: bytes) -> str:
        """See the protocol: nothing of ours is kept by macOS, so the name itself."""
        return ssid.hex()

    async def join(self, way: WayBack, point: AccessPoint, limit_s: float) -> None:
        """See the protocol."""
        del limit_s
        network = self._networks.get((way.adapter, point.ssid))
        if network is None:
            raise ApNotHeard(ssid=way.name)
        interface = self._interface(way.adapter)
        joined, error = await asyncio.to_thread(
            interface.associateToNetwork_password_error_, network, None, None
        )
        if not joined:
            raise ApUnjoined(ssid=way.name, detail=f"macOS says: {_words(error)}.")

    async def lost(self, way: WayBack) -> None:
        """See the protocol."""
        await self._until(lambda: _ssid(self._interface(way.adapter)) != way.ssid)

    async def go_back(self, way: WayBack, *, late: bool) -> None:
        """See the protocol."""
        interface = self._interface(way.adapter)
        now = _ssid(interface)
        if way.before is None:
            if now == way.ssid:
                await asyncio.to_thread(interface.disassociate)
            return
        if late and now not in {None, way.ssid}:
            return
        wanted = bytes.fromhex(way.before.id)
        if now == wanted:
            return
        for on in (False, True):
            done, error = await asyncio.to_thread(interface.setPower_error_, on, None)
            if not done:
                raise WifiFailed(detail=_words(error))
        await self._until(lambda: _ssid(interface) == wanted)

    async def close(self) -> None:
        """See the protocol."""
        self._client = None
        self._networks.clear()

    async def _until(self, true: Callable[[], bool]) -> None:
        while not true():  # noqa: ASYNC110  (see LOOK_AGAIN_S)
            await asyncio.sleep(self._look_again_s)

    def _interfaces(self) -> dict[str, Any]:
        if self._client is None:
            self._client = self._make()
        return {str(each.interfaceName()): each for each in self._client.interfaces() or ()}

    def _interface(self, name: str) -> Any:  # noqa: ANN401  (an object of Objective-C)
        try:
            return self._interfaces()[name]
        except KeyError:
            raise WifiAbsent(detail=f"The Wi-Fi adapter {name} is no longer there.") from None


def _ssid(interface: Any) -> bytes | None:  # noqa: ANN401  (as above)
    data = interface.ssidData()
    return None if data is None else bytes(data)


def _network(interface: Any) -> Network | None:  # noqa: ANN401  (as above)
    ssid = _ssid(interface)
    if ssid is not None:
        return Network(id=ssid.hex(), name=decode_text(ssid))
    if interface.rssiValue():  # it hears the network that it is in, and the name is kept from us
        raise WifiForbidden(detail="names of networks are hidden.", action=LOCATION)
    return None


def _point(adapter: str, network: Any) -> AccessPoint:  # noqa: ANN401  (as above)
    strength = max(0, min(100, 2 * (int(network.rssiValue()) + 100)))
    secured = not network.supportsSecurity_(_SECURITY_NONE)
    bssid = str(network.bssid() or "")
    return AccessPoint(bytes(network.ssidData()), bssid, strength, secured, adapter)


def _words(error: Any) -> str:  # noqa: ANN401  (as above)
    words = str(error.localizedDescription()) if error is not None else "no reason was given"
    return clean_text(words).rstrip(".")
