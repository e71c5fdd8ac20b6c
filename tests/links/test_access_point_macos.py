"""macOS: what is decided about Wi-Fi, with CoreWLAN's objects simulated."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from agent.errors import (
    ApNotHeard,
    ApSecured,
    ApUnjoined,
    WifiAbsent,
    WifiForbidden,
    WifiNotBack,
    WifiOff,
)
from agent.links.access_point import AccessPoints
from agent.links.access_point_macos import MacWifi, core_wlan, read_route

SSID = b"Blynk Thermo-4Y1H"
ROUTE = """   route to: default
destination: default
       mask: default
    gateway: 192.168.1.1
  interface: en0
      flags: <UP,GATEWAY,DONE,STATIC,PRCLONING,GLOBAL>
"""


@dataclass
class Net:
    """A ``CWNetwork``."""

    ssid: bytes | None
    open: bool = True

    def ssidData(self) -> bytes | None:
        return self.ssid

    def bssid(self) -> None:
        return None

    def rssiValue(self) -> int:
        return -60

    def supportsSecurity_(self, security: int) -> bool:
        assert security == 0
        return self.open


@dataclass
class Trouble:
    """An ``NSError``."""

    words: str

    def localizedDescription(self) -> str:
        return self.words


@dataclass
class En0:
    """A ``CWInterface`` in the network Home; it is its own ``CWWiFiClient`` too."""

    now: bytes | None = b"Home"
    known: bytes | None = b"Home"
    """What macOS joins by itself when the radio comes on."""
    nets: list[Net] = field(default_factory=lambda: [Net(SSID), Net(b"Home", open=False)])
    on: bool = True
    hidden: bool = False
    refuses: str = ""
    switched: list[bool] = field(default_factory=list)

    def interfaces(self) -> list[En0]:
        return [self]

    def interfaceName(self) -> str:
        return "en0"

    def powerOn(self) -> bool:
        return self.on

    def ssidData(self) -> bytes | None:
        return None if self.hidden else self.now

    def rssiValue(self) -> int:
        return -50 if self.now else 0

    def scanForNetworksWithSSID_error_(self, wanted: bytes | None, _: None):
        return [net for net in self.nets if wanted in (None, net.ssid)], None

    def associateToNetwork_password_error_(self, network: Net, password: None, _: None):
        if self.refuses:
            self.now = None
            return False, Trouble(self.refuses)
        self.now = network.ssid
        return True, None

    def disassociate(self) -> None:
        self.now = None

    def setPower_error_(self, on: bool, _: None):
        self.switched.append(on)
        self.on, self.now = on, self.known if on else None
        return True, None


@pytest.fixture
def en0():
    return En0()


@pytest.fixture
def points(en0, tmp_path):
    system = MacWifi(lambda: en0, look_again_s=0.0)
    told: list[WifiNotBack] = []
    return AccessPoints(
        system, tmp_path / "way.json", told.append, return_tries=1, back_limit_s=0.05
    )


async def test_the_computer_joins_and_macos_returns_by_itself(points, en0):
    async with points.join(SSID):
        assert en0.now == SSID
    assert (en0.now, en0.switched) == (b"Home", [False, True])


async def test_an_adapter_that_was_in_no_network_only_leaves(points, en0):
    en0.now = None
    async with points.join(SSID):
        pass
    assert (en0.now, en0.switched) == (None, [])


async def test_a_network_that_macos_does_not_join_is_told(points, en0):
    en0.known = None
    with pytest.raises(WifiNotBack, match="Home"):
        async with points.join(SSID):
            pass


async def test_a_refusal_says_why_and_leads_back(points, en0):
    en0.refuses = "The operation couldn’t be completed."
    with pytest.raises(ApUnjoined) as caught:
        async with points.join(SSID):
            raise AssertionError
    assert "couldn’t be completed." in caught.value.report().meaning
    assert en0.now == b"Home"


async def test_hidden_names_are_asked_for_before_anything_changes(points, en0):
    en0.hidden = True
    with pytest.raises(WifiForbidden) as caught:
        async with points.join(SSID):
            raise AssertionError
    assert "Location Services" in caught.value.report().remedy
    assert en0.switched == []


async def test_networks_without_names_are_the_same_refusal(points, en0):
    en0.nets = [Net(None)]
    with pytest.raises(WifiForbidden):
        await points.seen()


async def test_what_is_not_heard_or_secured_is_not_joined(points, en0):
    en0.nets = []
    with pytest.raises(ApNotHeard):
        await points.plan(SSID)
    en0.nets = [Net(SSID, open=False)]
    with pytest.raises(ApSecured):
        await points.plan(SSID)


async def test_a_radio_that_is_off_and_none_at_all(points, en0, tmp_path):
    en0.on = False
    with pytest.raises(WifiOff):
        await points.now()

    class Nothing:
        def interfaces(self) -> None:
            return None

    with pytest.raises(WifiAbsent):
        await MacWifi(Nothing).look()


async def test_the_loss_of_the_access_point_is_told(points, en0):
    async with points.join(SSID) as inside:
        en0.now = None
        await inside.lost.wait()
    assert en0.now == b"Home"


async def test_after_a_crash_a_network_that_the_person_chose_stays(points, en0, tmp_path):
    async with points.join(SSID):
        note = (tmp_path / "way.json").read_bytes()
    (tmp_path / "way.json").write_bytes(note)
    en0.now, en0.switched = b"Phone", []
    await points.restore()
    assert (en0.now, en0.switched) == (b"Phone", [])


def test_the_route_names_its_interface():
    assert read_route(ROUTE) == "en0"
    assert read_route("route: writing to routing socket: not in table\n") is None


@pytest.mark.system("linux", "win32")
def test_without_the_bridge_there_is_no_wifi():
    with pytest.raises(WifiAbsent):
        core_wlan()
