"""NetworkManager: into a board's access point and back, against python-dbusmock and nmcli."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dbus_fast import Variant

from agent.errors import (
    ApNotHeard,
    ApSecured,
    ApUnjoined,
    WifiAbsent,
    WifiFailed,
    WifiForbidden,
    WifiNotBack,
    WifiOff,
    WifiStopped,
)
from agent.links.access_point import AccessPoints
from agent.links.access_point_nm import CHECKPOINT_MARGIN_S, NetworkManager
from agent.links.access_point_nm_objects import DEVICE, ROOT, SERVICE
from tests.links.nm_bench import (
    BOARD,
    DISCONNECTED,
    HOME_PROFILE,
    LEAVE,
    OPEN,
    UNAVAILABLE,
    UNMANAGED,
    WITH_PASSWORD,
    WLAN,
    WLAN1,
    nm_bench,
    refuse,
)

pytestmark = [pytest.mark.needs("networkmanager"), pytest.mark.system("linux")]

SSID = BOARD.encode()
ROOT_FOLDER = Path(__file__).parents[2]
JOIN_NAME = "AddAndActivateConnection2"
JOIN_TYPES = ("a{sa{sv}}ooa{sv}", "ooa{sv}")
CRASHES = """
import asyncio, sys
from pathlib import Path
from agent.links.access_point import AccessPoints
from agent.links.access_point_nm import CHECKPOINT_MARGIN_S, NetworkManager

async def main():
    points = AccessPoints(NetworkManager(sys.argv[1]), Path(sys.argv[2]), print)
    async with points.join(sys.argv[3].encode()):
        print("inside", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def bench():
    async with nm_bench() as bench:
        yield bench


@asynccontextmanager
async def points(bench, folder: Path, **more):
    told: list[WifiNotBack] = []
    chosen = {"return_tries": 2, "return_pause_s": 0.0} | more
    found = AccessPoints(NetworkManager(bench.address), folder / "way.json", told.append, **chosen)
    try:
        yield found
    finally:
        await found.close()


async def test_the_computer_joins_and_is_back_in_its_network(bench, tmp_path):
    await bench.home()
    home = await bench.home_uuid()
    async with points(bench, tmp_path) as found:
        async with found.join(SSID) as inside:
            assert inside.adapter == "wlan0"
            assert (tmp_path / "way.json").exists()
            assert "wlan0:connected:Mooring" in await bench.nmcli(
                "-f", "DEVICE,STATE,CONNECTION", "device"
            )
        assert await bench.network() == home
        assert "wlan0:connected:Home" in await bench.nmcli(
            "-f", "DEVICE,STATE,CONNECTION", "device"
        )
        assert await bench.profiles() == [HOME_PROFILE]
        assert not (tmp_path / "way.json").exists()


async def test_the_profile_takes_no_route_no_names_and_ends_with_us(bench, tmp_path):
    await bench.home()
    async with points(bench, tmp_path) as found, found.join(SSID):
        pass
    ((settings, device, point, options),) = await bench.calls(JOIN_NAME)
    assert settings["802-11-wireless"] == {"ssid": SSID, "mode": "infrastructure"}
    assert "802-11-wireless-security" not in settings
    assert settings["ipv4"]["never-default"] is True
    assert settings["ipv4"]["ignore-auto-dns"] is True
    assert settings["connection"]["autoconnect"] is False
    assert (device, point) == (WLAN, f"{ROOT}/AccessPoint/board")
    assert options == {"persist": "volatile", "bind-activation": "dbus-client"}


async def test_what_is_seen_are_open_networks_and_what_the_computer_is_in(bench, tmp_path):
    await bench.home()
    async with points(bench, tmp_path) as found:
        assert [point.ssid for point in await found.seen()] == [SSID]
        (adapter,) = (await found.now()).adapters
        assert adapter.network is not None
        assert (adapter.network.name, adapter.internet) == ("Home", True)


async def test_an_account_that_may_not_change_networks_is_told_before_anything_changes(
    bench, tmp_path
):
    await bench.home()
    await bench.permit(network_control="no")
    async with points(bench, tmp_path) as found:
        with pytest.raises(WifiForbidden, match="may not"):
            async with found.join(SSID):
                pass
    assert await bench.calls(JOIN_NAME) == []


async def test_a_refusal_by_polkit_leaves_the_computer_in_its_network(bench, tmp_path):
    await bench.home()
    home = await bench.home_uuid()
    code = refuse(f"{SERVICE}.PermissionDenied", "Not authorized to control networking.")
    await bench.method(ROOT, SERVICE, JOIN_NAME, *JOIN_TYPES, code)
    async with points(bench, tmp_path) as found:
        with pytest.raises(WifiForbidden) as caught:
            async with found.join(SSID):
                pass
    assert "Not authorized to control networking." in caught.value.report().meaning
    assert await bench.network() == home
    assert not (tmp_path / "way.json").exists()


@pytest.mark.parametrize(
    ("user", "wanted"), [("auth", True), ("yes", False)], ids=["password", "free"]
)
async def test_a_profile_for_everybody_is_made_only_where_no_password_is_asked(
    bench, tmp_path, user, wanted
):
    await bench.home()
    await bench.permit(settings_modify_system=user)
    async with points(bench, tmp_path) as found, found.join(SSID):
        pass
    ((settings, *_),) = await bench.calls(JOIN_NAME)
    assert ("permissions" in settings["connection"]) is wanted


@pytest.mark.parametrize("may", ["yes", "auth"])
async def test_a_checkpoint_is_made_only_where_no_password_is_asked(bench, tmp_path, may):
    await bench.home()
    await bench.permit(checkpoint_rollback=may)
    async with points(bench, tmp_path) as found, found.join(SSID, limit_s=400):
        made = await bench.calls("CheckpointCreate")
    lasting = 400 + CHECKPOINT_MARGIN_S
    assert [args[:2] for args in made] == ([[[WLAN], lasting]] if may == "yes" else [])
    assert len(await bench.calls("CheckpointDestroy")) == len(made)


async def test_no_adapter_at_all(bench, tmp_path):
    async with points(bench, tmp_path) as found:
        with pytest.raises(WifiAbsent):
            await found.now()


async def test_an_adapter_that_is_not_managed(bench, tmp_path):
    await bench.adapter("wlan0", UNMANAGED)
    async with points(bench, tmp_path) as found:
        with pytest.raises(WifiAbsent) as caught:
            await found.now()
    assert "leave its Wi-Fi adapter alone" in caught.value.report().meaning


@pytest.mark.parametrize(
    ("switch", "remedy"),
    [("WirelessEnabled", "nmcli radio wifi on"), ("WirelessHardwareEnabled", "flight mode")],
)
async def test_a_radio_that_is_off_is_told_with_the_way_to_switch_it_on(
    bench, tmp_path, switch, remedy
):
    await bench.adapter("wlan0", UNAVAILABLE)
    await bench.set(ROOT, SERVICE, switch, Variant("b", False))
    async with points(bench, tmp_path) as found:
        with pytest.raises(WifiOff) as caught:
            await found.now()
    assert remedy in caught.value.report().remedy


async def test_a_board_out_of_range_changes_nothing(bench, tmp_path):
    await bench.home()
    await bench.board_gone()
    async with points(bench, tmp_path) as found:
        with pytest.raises(ApNotHeard):
            async with found.join(SSID):
                pass
    assert await bench.calls(JOIN_NAME) == []


async def test_a_network_of_that_name_with_a_password_is_not_joined(bench, tmp_path):
    await bench.home()
    await bench.board_gone()
    await bench.point(WLAN, "other", BOARD, WITH_PASSWORD)
    async with points(bench, tmp_path) as found:
        with pytest.raises(ApSecured):
            async with found.join(SSID):
                pass
    assert await bench.calls(JOIN_NAME) == []


@pytest.mark.parametrize(("reason", "error"), [(53, ApNotHeard), (5, ApUnjoined)])
async def test_an_attempt_that_fails_says_why_and_leads_back(bench, tmp_path, reason, error):
    await bench.home()
    home = await bench.home_uuid()
    code = f"""
path = get_object("{ROOT}/Settings").SettingsAddConnection(args[0])
{LEAVE}
active = self.AddActiveConnection([args[1]], path, args[2], "9", dbus.UInt32(1))
device = get_object(args[1])
for state, why in ((40, 0), (120, {reason}), (30, 0)):
    change = [dbus.UInt32(state), dbus.UInt32(0), dbus.UInt32(why)]
    device.EmitSignal({DEVICE!r}, "StateChanged", "uuu", change)
self.RemoveActiveConnection(args[1], active)
ret = (path, active, {{}})
"""
    await bench.method(ROOT, SERVICE, JOIN_NAME, *JOIN_TYPES, code)
    async with points(bench, tmp_path) as found:
        with pytest.raises(error):
            async with found.join(SSID):
                pass
    assert await bench.network() == home
    assert await bench.profiles() == [HOME_PROFILE]


async def test_an_access_point_that_vanishes_is_told_and_the_computer_goes_back(bench, tmp_path):
    await bench.home()
    home = await bench.home_uuid()
    async with points(bench, tmp_path) as found, found.join(SSID) as inside:
        assert not inside.lost.is_set()
        await bench.disconnected()
        await bench.board_gone()
        async with asyncio.timeout(30):
            await inside.lost.wait()
    assert await bench.network() == home


async def test_a_service_that_does_not_run_is_named(bench, tmp_path):
    await bench.kill()
    async with points(bench, tmp_path) as found:
        with pytest.raises(WifiStopped) as caught:
            await found.now()
    assert "systemctl enable --now NetworkManager" in caught.value.report().remedy


async def test_without_a_bus_there_is_no_service(tmp_path):
    system = NetworkManager(f"unix:path={tmp_path}/none")
    with pytest.raises(WifiStopped):
        await system.look()
    await system.close()


async def test_a_service_that_crashes_and_comes_again_brings_the_computer_back(bench, tmp_path):
    await bench.home()
    async with points(bench, tmp_path) as found:
        with pytest.raises(WifiNotBack):
            await work_while_the_service_crashes(bench, found)
        assert (tmp_path / "way.json").exists()
        home = await found_again(bench, tmp_path)
        restored = await found.restore()
        assert restored is not None
        assert restored.id == home == await bench.network()
        assert not (tmp_path / "way.json").exists()
        assert await found.restore() is None


async def work_while_the_service_crashes(bench, found: AccessPoints) -> None:
    async with found.join(SSID) as inside:
        await bench.kill()
        async with asyncio.timeout(30):
            await inside.lost.wait()


async def found_again(bench, folder: Path) -> str:
    """The service after its restart, with the profiles that it had, and in no network."""
    await bench.start()
    await bench.home()
    await bench.disconnected()
    home = str(await bench.home_uuid())
    note = folder / "way.json"
    before = note.read_text().partition('"before":{"id":"')[2].partition('"')[0]
    note.write_text(note.read_text().replace(before, home))
    return home


async def test_after_a_crash_of_the_agent_the_next_start_brings_the_computer_back(bench, tmp_path):
    await bench.home()
    home = await bench.home_uuid()
    note = tmp_path / "way.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CRASHES, bench.address, str(note), BOARD),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT_FOLDER)},
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"inside\n"
    process.kill()
    await process.wait()
    assert await bench.network() != home  # the stand-in does not bind a profile to its maker
    async with points(bench, tmp_path) as found:
        restored = await found.restore()
    assert restored is not None
    assert restored.name == "Home"
    assert await bench.network() == home
    assert await bench.profiles() == [HOME_PROFILE]
    assert not note.exists()


async def test_a_network_that_the_person_chose_after_a_crash_stays(bench, tmp_path):
    await bench.home()
    async with points(bench, tmp_path) as found:
        async with found.join(SSID):
            note = (tmp_path / "way.json").read_bytes()
        (tmp_path / "way.json").write_bytes(note)
        await bench.point(WLAN, "phone", "Phone", OPEN)
        await bench.mock(ROOT, "AddWiFiConnection", "ssss", [WLAN, "Phone", "Phone", ""])
        await bench.disconnected()
        body = [[WLAN], f"{ROOT}/Settings/Phone", f"{ROOT}/AccessPoint/phone", "5", 2]
        await bench.mock(ROOT, "AddActiveConnection", "assssu", body)
        chosen = await bench.network()
        await found.restore()
    assert await bench.network() == chosen
    assert not (tmp_path / "way.json").exists()


async def test_an_adapter_that_was_in_no_network_is_in_none_afterwards(bench, tmp_path):
    await bench.adapter("wlan0", DISCONNECTED)
    await bench.point(WLAN, "board", BOARD, OPEN)
    async with points(bench, tmp_path) as found, found.join(SSID):
        assert await bench.network()
    assert await bench.network() == ""


async def test_of_two_adapters_the_one_with_the_internet_stays(bench, tmp_path):
    await bench.home()
    home = await bench.home_uuid()
    await bench.adapter("wlan1")
    await bench.point(WLAN1, "board1", BOARD, OPEN, 20)
    async with points(bench, tmp_path) as found, found.join(SSID) as inside:
        assert inside.adapter == "wlan1"
        assert await bench.network(WLAN) == home


async def test_a_cable_is_never_touched(bench, tmp_path):
    await bench.home()
    active = await bench.wired()
    async with points(bench, tmp_path) as found:
        assert (await found.now()).elsewhere
        async with found.join(SSID):
            assert "eth0:connected:Cable" in await bench.nmcli(
                "-f", "DEVICE,STATE,CONNECTION", "device"
            )
    assert [active] not in await bench.calls("DeactivateConnection")
    used = await bench.calls(JOIN_NAME) + await bench.calls("ActivateConnection")
    assert {args[1] for args in used} == {WLAN}


async def test_a_network_whose_settings_were_deleted_meanwhile_cannot_be_returned_to(
    bench, tmp_path
):
    await bench.home()
    async with points(bench, tmp_path) as found:
        with pytest.raises(WifiNotBack) as caught:
            async with found.join(SSID):
                await bench.mock(ROOT, "RemoveWifiConnection", "ss", [WLAN, HOME_PROFILE])
    assert "Home" in caught.value.report().remedy
    assert "no longer there" in caught.value.report().meaning
    assert await bench.network() == ""


async def test_a_service_that_knows_the_call_not_is_told_as_it_says_it(bench, tmp_path):
    await bench.home()
    code = refuse("org.freedesktop.DBus.Error.UnknownMethod", "No such method.")
    await bench.method(ROOT, SERVICE, JOIN_NAME, *JOIN_TYPES, code)
    async with points(bench, tmp_path) as found:
        with pytest.raises(WifiFailed, match="No such method"):
            async with found.join(SSID):
                pass
