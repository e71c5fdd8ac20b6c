"""A computer with one Wi-Fi adapter, for tests: what a system does, and what it may do instead."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from agent.errors import WifiError, WifiFailed, WifiStopped
from agent.links.access_point_wifi import AccessPoint, Adapter, Computer, Network, WayBack

SSID = b"Blynk Thermo-4Y1H"
HOME = Network(id="uuid-home", name="Home")
BOARD = Network(id="ours", name="Blynk Thermo-4Y1H")
POINT = AccessPoint(SSID, "02:00:00:00:00:01", 70, False, "wlan0", "/ap/1")
WAY = WayBack(system="test", adapter="wlan0", ssid_hex=SSID.hex(), ours="ours", before=HOME)


@dataclass
class TestWifi:
    """A :class:`WifiSystem` that keeps all in this object."""

    __test__ = False

    name: str = "test"
    current: Network | None = HOME
    points: list[AccessPoint] = field(default_factory=lambda: [POINT])
    running: bool = True
    fails: WifiError | None = None
    """Of the next join, which has left the network by then."""
    returns: int = 0
    joining: asyncio.Event = field(default_factory=asyncio.Event)
    returning: asyncio.Event = field(default_factory=asyncio.Event)
    may_join: asyncio.Event = field(default_factory=asyncio.Event)
    may_return: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    def __post_init__(self) -> None:
        self.may_join.set()
        self.may_return.set()

    async def look(self) -> Computer:
        self._ask()
        return Computer((Adapter("wlan0", self.current, internet=True),))

    async def scan(self, limit_s: float, wanted: bytes | None = None) -> list[AccessPoint]:
        del limit_s, wanted
        self._ask()
        return self.points

    def mark(self, ssid: bytes) -> str:
        del ssid
        return "ours"

    async def join(self, way: WayBack, point: AccessPoint, limit_s: float) -> None:
        del way, point, limit_s
        self._ask()
        self.current = None
        self.joining.set()
        await self.may_join.wait()
        if self.fails:
            raise self.fails
        self.current = BOARD

    async def lost(self, way: WayBack) -> None:
        del way
        await self.gone.wait()

    async def go_back(self, way: WayBack, *, late: bool) -> None:
        self.returns += 1
        self.returning.set()
        await self.may_return.wait()
        self._ask()
        if late and self.current not in (None, BOARD):
            return
        self.current = way.before

    async def close(self) -> None:
        self.closed = True

    def _ask(self) -> None:
        if not self.running:
            raise WifiStopped(detail="It is stopped.", action="Start it.")


BROKEN = WifiFailed(detail="it broke")
