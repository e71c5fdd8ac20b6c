"""Windows: what is decided about Wi-Fi, with the calls of the system simulated."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import (
    ApNotHeard,
    ApUnjoined,
    WifiAbsent,
    WifiFailed,
    WifiForbidden,
    WifiNotBack,
    WifiOff,
    WifiStopped,
)
from agent.links.access_point import AccessPoints
from agent.links.access_point_wlan import (
    NETWORK_NOT_AVAILABLE,
    Connected,
    Heard,
    WlanError,
    WlanWifi,
    profile_xml,
    wlan_error,
)

SSID = b"Blynk Thermo-4Y1H"
HOME = Connected("Home 2", b"Home")
WLAN = "aaaaaaaa-0000-0000-0000-000000000001"
CABLE = "aaaaaaaa-0000-0000-0000-000000000009"
SPACE = "{http://www.microsoft.com/networking/WLAN/profile/v1}"


@dataclass
class Api:
    """Windows with one adapter in the network Home."""

    radios: dict[str, bool] = field(default_factory=lambda: {WLAN: True})
    now: Connected | None = HOME
    nets: list[Heard] = field(default_factory=lambda: [Heard(SSID, 70, False)])
    through: str | None = WLAN
    fails: tuple[int, str] = (0, "")
    refuses: WlanError | None = None
    returned: list[str] = field(default_factory=list)
    scans: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    def adapters(self) -> dict[str, bool]:
        return self.radios

    def connected(self, adapter: str) -> Connected | None:
        assert adapter == WLAN
        if self.refuses:
            raise self.refuses
        return self.now

    def heard(self, adapter: str) -> list[Heard]:
        assert adapter == WLAN
        return self.nets

    def scan(self, adapter: str) -> None:
        assert adapter == WLAN
        self.scans += 1
        self.changed.set()

    def join(self, adapter: str, profile_xml: str) -> None:
        assert adapter == WLAN
        name = ET.fromstring(profile_xml).find(f".//{SPACE}hex")
        assert name is not None
        joined = Connected("", bytes.fromhex(name.text or ""))
        self.now = None if self.fails[0] else joined
        self.changed.set()

    def return_to(self, adapter: str, profile: str) -> None:
        assert adapter == WLAN
        self.returned.append(profile)
        self.fails = (0, "") if profile == HOME.profile else (0x38002, "The profile is gone.")
        if not self.fails[0]:
            self.now = HOME
        self.changed.set()

    def leave(self, adapter: str) -> None:
        assert adapter == WLAN
        self.now = None

    def internet(self) -> str | None:
        return self.through

    def reason(self, adapter: str) -> tuple[int, str]:
        assert adapter == WLAN
        return self.fails

    def scanned(self, adapter: str) -> int:
        assert adapter == WLAN
        return self.scans

    async def news(self) -> None:
        await self.changed.wait()
        self.changed.clear()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def points(api, tmp_path):
    told: list[WifiNotBack] = []
    return AccessPoints(WlanWifi(lambda: api), tmp_path / "way.json", told.append, return_tries=1)


async def test_the_computer_joins_and_returns_to_its_profile(points, api):
    async with points.join(SSID):
        assert api.now == Connected("", SSID)
    assert (api.now, api.returned) == (HOME, ["Home 2"])
    await points.close()
    assert api.closed


async def test_an_adapter_that_was_in_no_network_only_leaves(points, api):
    api.now = None
    async with points.join(SSID):
        pass
    assert (api.now, api.returned) == (None, [])


async def test_after_a_crash_the_computer_is_still_inside_and_is_brought_back(
    points, api, tmp_path
):
    async with points.join(SSID):
        note = (tmp_path / "way.json").read_bytes()
    (tmp_path / "way.json").write_bytes(note)
    api.now = Connected("Mooring x", SSID)
    restored = await points.restore()
    assert restored is not None
    assert (restored.name, api.now) == ("Home 2", HOME)


async def test_a_network_that_the_person_chose_after_a_crash_stays(points, api, tmp_path):
    async with points.join(SSID):
        note = (tmp_path / "way.json").read_bytes()
    (tmp_path / "way.json").write_bytes(note)
    api.now, api.returned = Connected("Phone", b"Phone"), []
    await points.restore()
    assert (api.now.profile, api.returned) == ("Phone", [])


async def test_a_network_that_windows_chose_meanwhile_is_left_for_the_one_before(points, api):
    async with points.join(SSID):
        api.now = Connected("Phone", b"Phone")
    assert api.now == HOME


async def test_the_loss_of_the_access_point_is_told(points, api):
    async with points.join(SSID) as inside:
        api.now = None
        api.changed.set()
        async with asyncio.timeout(30):
            await inside.lost.wait()
    assert api.now == HOME


@pytest.mark.parametrize(
    ("reason", "error"),
    [((NETWORK_NOT_AVAILABLE, "No."), ApNotHeard), ((0x38002, "It timed out."), ApUnjoined)],
)
async def test_an_attempt_that_fails_says_why_and_leads_back(points, api, reason, error):
    api.fails = reason
    with pytest.raises(error):
        async with points.join(SSID):
            raise AssertionError
    assert api.now == HOME


async def test_a_profile_that_is_gone_is_told(points, api, tmp_path):
    api.now = Connected("Office", b"Office")
    with pytest.raises(WifiNotBack) as caught:
        async with points.join(SSID):
            pass
    assert "Office" in caught.value.report().remedy
    assert (tmp_path / "way.json").exists()


async def test_names_that_windows_hides_are_asked_for_with_the_place_of_the_switch(points, api):
    api.refuses = WlanError(5)
    with pytest.raises(WifiForbidden) as caught:
        async with points.join(SSID):
            raise AssertionError
    assert "Location" in caught.value.report().remedy


async def test_adapters_that_are_off_or_absent(points, api):
    api.radios = {WLAN: False}
    with pytest.raises(WifiOff):
        await points.now()
    api.radios = {}
    with pytest.raises(WifiAbsent):
        await points.now()


async def test_the_internet_over_a_cable_is_seen(points, api):
    api.through = CABLE
    computer = await points.now()
    assert (computer.elsewhere, computer.adapters[0].internet) == (True, False)


async def test_what_is_seen_waits_for_the_end_of_the_scan(points, api):
    (point,) = await points.seen()
    assert (point.ssid, point.strength, api.scans) == (SSID, 70, 1)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (5, WifiForbidden),
        (1062, WifiStopped),
        (0x80342002, WifiOff),
        (1168, WifiAbsent),
        (87, WifiFailed),
    ],
)
def test_errors_of_windows_are_told_by_their_number(code, kind):
    assert type(wlan_error(WlanError(code))) is kind


@given(st.binary(min_size=1, max_size=32), st.text(st.characters(codec="ascii", min_codepoint=32)))
def test_every_name_survives_the_profile(ssid, name):
    root = ET.fromstring(profile_xml(ssid, name))
    found = root.find(f"{SPACE}SSIDConfig/{SPACE}SSID/{SPACE}hex")
    assert found is not None
    assert bytes.fromhex(found.text or "") == ssid
    assert (root.findtext(f"{SPACE}name") or "") == name
    assert root.findtext(f"{SPACE}connectionMode") == "manual"
    assert root.findtext(f".//{SPACE}authentication") == "open"
