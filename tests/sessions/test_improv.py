"""Sessions of Improv Wi-Fi with simulated devices behind real links, and over Bluetooth LE."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import (
    AuthorisationNeeded,
    BleLost,
    ImprovSilent,
    InputError,
    JoinFailed,
    MooringError,
    NotSupported,
    PortGone,
    StatusReported,
)
from agent.links.open import open_link
from agent.protocols.improv.host import Done, Failed, Reason
from agent.protocols.improv.messages import Error, State
from agent.protocols.improv.packets import END, START
from agent.sessions.improv import (
    BAUD,
    ImprovSession,
    _address,
    open_improv_ble_session,
    open_improv_session,
)
from agent.sessions.improv_errors import improv_error
from agent.sessions.session import ImprovDevice
from agent.settings import Secret
from agent.settings.network import Ethernet, WiFi
from agent.simulator.config import LineFaults
from agent.simulator.improv import HABITS, Brand, ImprovConfig, ImprovFirmware
from agent.simulator.improv_device import SimulatedImprov
from agent.simulator.world import Network, World, demo_networks
from tests.sessions.improv_radio import RadioLink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.sessions.session import Session

SPEED = 30.0
"""Board seconds in a second."""
RIGHT = WiFi(ssid="HomeNet", password=Secret("correct horse"))
WRONG = WiFi(ssid="HomeNet", password=Secret("battery staple"))
FAR = WiFi(ssid="Elsewhere", password=Secret("battery staple"))
URL = "http://192.168.4.20"
QUICK = ImprovConfig(give_up_ms=6000)
"""An attempt in vain takes 0.2 s."""


@asynccontextmanager
async def plugged_in(
    config: ImprovConfig = QUICK,
    world: World | None = None,
    *,
    starts: bool = False,
    **options: Any,
) -> AsyncIterator[SimulatedImprov]:
    """A device on a loopback socket that has been running for a while, unless it ``starts``."""
    around = world or World(networks=demo_networks())
    device = SimulatedImprov(config, around, **{"speed": SPEED, "tcp": True} | options)
    if not starts:
        device.firmware.run(device.firmware.next_wake)
        device.firmware.take()
    await device.start()
    try:
        yield device
    finally:
        device.unplug()
        await asyncio.sleep(0)  # the sockets close in the loop's next turn


@asynccontextmanager
async def session_with(device: SimulatedImprov, **options: Any) -> AsyncIterator[ImprovSession]:
    session = await open_improv_session(await open_link(device.address, BAUD), **options)
    try:
        yield session
    finally:
        await session.close()


@asynccontextmanager
async def over_ble(
    config: ImprovConfig = QUICK, *, mtu: int = 23
) -> AsyncIterator[tuple[ImprovSession, RadioLink]]:
    firmware = ImprovFirmware(config, World(networks=demo_networks()))
    link = RadioLink(firmware, mtu=mtu)
    session = await open_improv_ble_session(link)
    try:
        yield session, link
    finally:
        await session.close()
        assert link.closed


@pytest.mark.parametrize("brand", HABITS)
async def test_a_device_is_brought_into_a_network(brand: Brand) -> None:
    async with plugged_in(ImprovConfig(brand=brand)) as device, session_with(device) as session:
        facts = await session.read()
        assert facts.protocol == "improv"
        assert not facts.online
        assert [option.ssid for option in facts.networks][:2] == ["HomeNet", "Café Größe 🧀"]
        assert session.device == ImprovDevice(
            firmware="Simulated", version="1.0.0", hardware="ESP32-C3", name="Improv demo"
        )
        await session.configure(RIGHT)
        assert session.redirect == URL
        await session.wait_ended()


async def test_a_session_is_one_of_the_agents_sessions() -> None:
    async with plugged_in() as device, session_with(device) as session:
        as_any: Session = session
        assert (await as_any.read()).networks


@pytest.mark.system("linux", "darwin")  # there are no pseudo-terminals
async def test_a_board_that_restarts_when_its_port_is_opened_is_waited_for() -> None:
    config = ImprovConfig(boot_ms=3000)
    options: dict[str, Any] = {"tcp": False, "restarts_when_opened": True, "speed": 2.0}
    async with plugged_in(config, **options) as device, session_with(device) as session:
        assert session.state == State.AUTHORISED
        assert device.received.count(START) >= 2


async def test_a_wrong_password_is_explained_and_the_right_one_helps() -> None:
    async with plugged_in() as device, session_with(device) as session:
        await session.scan()
        with pytest.raises(JoinFailed) as failed:
            await session.configure(WRONG)
        assert "password is most likely wrong" in failed.value.report().meaning
        with pytest.raises(JoinFailed) as failed:
            await session.configure(FAR)
        assert "own scan does not show" in failed.value.report().meaning
        await session.configure(RIGHT)
        assert session.redirect == URL


async def test_a_device_that_is_online_tells_its_address_at_once() -> None:
    async with plugged_in(ImprovConfig(joined=True)) as device, session_with(device) as session:
        assert session.redirect == URL
        assert (await session.read()).online
        await session.wait_ended()


async def test_each_name_of_a_network_is_listed_once_with_its_best_strength() -> None:
    home = [Network(ssid="Home", rssi=rssi, password=Secret("x" * 8)) for rssi in (-70, -50, -60)]
    world = World(networks=[*home, Network(ssid_hex="ff00", rssi=-40)])
    async with plugged_in(world=world) as device, session_with(device) as session:
        found = [(option.ssid_hex, option.rssi_dbm) for option in await session.scan()]
    assert found == [("ff", -40), (b"Home".hex(), -50)]


async def test_a_name_that_is_no_text_reaches_the_device_as_its_bytes() -> None:
    world = World(networks=[Network(ssid_hex="fffe41")])
    async with plugged_in(world=world) as device, session_with(device) as session:
        (option,) = await session.scan()
        await session.configure(WiFi(ssid_hex=option.ssid_hex))
        assert device.firmware.credentials == (b"\xff\xfeA", b"")


async def test_a_device_that_cannot_scan_lists_nothing_and_joins() -> None:
    async with (
        plugged_in(ImprovConfig(scans="refused")) as device,
        session_with(device) as session,
    ):
        facts = await session.read()
        assert facts.networks == []
        assert not facts.scans
        with pytest.raises(JoinFailed) as failed:
            await session.configure(WRONG)
        assert "does not say" in failed.value.report().meaning
        assert await session.configure(RIGHT) == URL


async def test_what_was_read_says_what_the_device_is_and_where_its_page_is() -> None:
    async with plugged_in(ImprovConfig(joined=True)) as device, session_with(device) as session:
        facts = await session.read()
        assert facts.online
        assert facts.scans
        assert facts.redirect == URL
        assert facts.device == session.device


async def test_what_knows_no_improv_is_silent() -> None:
    async with plugged_in(ImprovConfig(boot_ms=1e9), starts=True) as device:
        link = await open_link(device.address, BAUD)
        with pytest.raises(ImprovSilent) as failed:
            await open_improv_session(link, limit_s=1.0)
        assert failed.value.facts["seconds"] == 1
        with pytest.raises(PortGone):
            await link.receive()


async def test_only_what_the_standard_has_is_done() -> None:
    async with plugged_in() as device, session_with(device) as session:
        before = bytes(device.received)
        with pytest.raises(NotSupported):
            await session.read_identity(0)
        with pytest.raises(NotSupported):
            await session.reset()
        with pytest.raises(NotSupported):
            await session.identify()
        with pytest.raises(NotSupported):
            await session.configure(Ethernet())
        with pytest.raises(InputError):
            await session.configure(WiFi(ssid=""))
        assert bytes(device.received) == before


async def test_names_are_read_set_and_refused() -> None:
    async with plugged_in() as device, session_with(device) as session:
        assert await session.name() == "Improv demo"
        assert await session.name("Lampe Küche") == "Lampe Küche"
        assert await session.hostname("lamp") == "lamp"
        with pytest.raises(InputError):
            await session.hostname("no dots.")
        with pytest.raises(InputError):
            await session.name("x" * 253)
        with pytest.raises(InputError):
            await session.name("\ud800")


async def test_firmware_that_does_not_know_names_says_so() -> None:
    async with (
        plugged_in(ImprovConfig(brand="esphome")) as device,
        session_with(device) as session,
    ):
        with pytest.raises(NotSupported):
            await session.name()
        assert (await session.read()).networks


async def test_a_device_that_disappears_ends_every_request() -> None:
    async with plugged_in() as device, session_with(device) as session:
        waiting = asyncio.create_task(session.wait_ended())
        joining = asyncio.create_task(session.configure(WRONG))
        await asyncio.sleep(0)
        device.unplug()
        with pytest.raises(PortGone):
            await joining
        with pytest.raises(PortGone):
            await waiting
        with pytest.raises(PortGone):
            await session.scan()


async def test_a_closed_session_answers_no_more() -> None:
    async with plugged_in() as device, session_with(device) as session:
        asking = asyncio.create_task(session.scan())
        await asyncio.sleep(0)
        await session.close()
        await session.close()
        with pytest.raises(PortGone):
            await asking
        with pytest.raises(PortGone):
            await session.scan()


async def test_an_attempt_that_was_given_up_does_not_end_the_next_one() -> None:
    async with plugged_in() as device, session_with(device) as session:
        joining = asyncio.create_task(session.configure(WRONG))
        while session.state != State.PROVISIONING:
            await asyncio.sleep(0)
        joining.cancel()
        await asyncio.gather(joining, return_exceptions=True)
        await session.scan()
        await session.configure(RIGHT)
        assert device.firmware.credentials == (b"HomeNet", b"correct horse")
        assert device.firmware.state is State.PROVISIONED


async def test_a_scan_that_was_given_up_leaves_the_session_usable() -> None:
    async with plugged_in() as device, session_with(device) as session:
        heard = len(device.received)
        scanning = asyncio.create_task(session.scan())
        while len(device.received) == heard:
            await asyncio.sleep(0)
        scanning.cancel()
        await asyncio.gather(scanning, return_exceptions=True)
        assert len(await session.scan()) == 4


@pytest.mark.parametrize(
    "faults",
    [
        LineFaults(noise=0.5),
        LineFaults(split=1),
        LineFaults(split=7, noise=0.3),
        LineFaults(merge_ms=5),
    ],
    ids=str,
)
async def test_a_bad_line_is_lived_with(faults: LineFaults) -> None:
    async with plugged_in(faults=faults) as device, session_with(device) as session:
        assert len(await session.scan()) == 4
        await session.configure(RIGHT)
        assert session.redirect == URL


async def test_the_log_is_passed_on_without_the_password() -> None:
    lines: list[str] = []
    async with plugged_in() as device, session_with(device, observer=lines.append) as session:
        await session.configure(RIGHT)
        assert any("joined" in line for line in lines)
        device._deliver(b"[W] tried correct horse\x1b[0m\r\n")
        await session.name()
    assert "[W] tried ***·[0m" in lines
    assert not any("IMPROV" in line for line in lines)


async def test_what_a_device_says_of_itself_is_cleaned() -> None:
    config = ImprovConfig(name="lamp\u202e\x07", os_name="ESPHome", os_version="2025.12.2")
    async with plugged_in(config) as device, session_with(device) as session:
        await session.read()
        assert session.device is not None
        assert session.device.name == "lamp··"
        assert session.device.os_version == "2025.12.2"


async def test_a_packet_is_written_with_one_call_and_its_end() -> None:
    async with plugged_in() as device, session_with(device) as session:
        await session.configure(RIGHT)
        assert bytes(device.received).endswith(END)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://",
        "http://user:pw@host/",
        "http://a b/",
        "http://h\u00f6st/",
        "http://host:port/",
        "http://[/",
        "//host",
        "",
    ],
)
def test_an_address_that_no_page_should_open_is_none(url: str) -> None:
    assert _address(Done(((url.encode(),),))) is None


@pytest.mark.parametrize(
    "url", ["http://10.0.0.2", "https://my.example/x?y=1#z", "http://[fe80::1]:8080/"]
)
def test_an_address_is_passed_on_as_it_came(url: str) -> None:
    assert _address(Done(((url.encode(), b"other"),))) == url


@given(st.binary(max_size=60))
def test_any_address_is_read(data: bytes) -> None:
    url = _address(Done(((data,),)))
    assert url is None or url.encode() == data
    url = _address(Done(((b"http://" + data,),)))
    assert url is None or url.startswith("http://")


@pytest.mark.parametrize("error", [*Error, 77])
def test_each_error_of_a_device_has_its_sentences(error: int) -> None:
    kinds: dict[int, type[MooringError]] = {
        Error.UNKNOWN_RPC: NotSupported,
        Error.NOT_AUTHORISED: AuthorisationNeeded,
        Error.BAD_HOSTNAME: InputError,
    }
    said = improv_error(Failed(Reason.REFUSED, error), "do this")
    assert type(said) is kinds.get(error, StatusReported)
    assert "?" not in said.report().title


# --- Bluetooth LE ------------------------------------------------------------------------------


@pytest.mark.parametrize("mtu", [23, 185, 247])
async def test_a_device_is_brought_into_a_network_over_the_air(mtu: int) -> None:
    async with over_ble(mtu=mtu) as (session, link):
        facts = await session.read()
        assert [option.ssid for option in facts.networks][:2] == ["HomeNet", "Café Größe 🧀"]
        assert session.device is not None
        assert session.device.name == "Improv demo"
        assert session.can_identify
        await session.identify()
        assert link.service.firmware.identifies_until > 0
        with pytest.raises(JoinFailed):
            await session.configure(WRONG)
        await session.configure(RIGHT)
        assert session.redirect == URL
        await session.wait_ended()


async def test_a_device_that_drops_the_link_without_a_result_has_joined() -> None:
    async with over_ble(ImprovConfig(results=False)) as (session, _):
        await session.configure(RIGHT)
        assert session.redirect is None
        await session.wait_ended()


async def test_a_device_with_a_button_takes_settings_after_it_was_pressed() -> None:
    async with over_ble(ImprovConfig(needs_button=True)) as (session, link):
        with pytest.raises(AuthorisationNeeded):
            await session.configure(RIGHT)
        assert link.written == [], "a password for a device that does not take it yet"
        link.press_button()
        await session.configure(RIGHT)


async def test_a_button_that_is_pressed_is_noticed() -> None:
    async with over_ble(ImprovConfig(needs_button=True)) as (session, link):
        waiting = asyncio.create_task(session.wait_authorised())
        await asyncio.sleep(0)
        assert not waiting.done()
        link.press_button()
        await waiting
        await session.wait_authorised()
        assert await session.configure(RIGHT) == URL


async def test_a_link_that_is_lost_while_the_button_is_awaited_is_lost() -> None:
    async with over_ble(ImprovConfig(needs_button=True)) as (session, link):
        waiting = asyncio.create_task(session.wait_authorised())
        await asyncio.sleep(0)
        link.drop()
        with pytest.raises(BleLost):
            await waiting


async def test_a_device_without_capabilities_is_asked_for_none() -> None:
    async with over_ble(ImprovConfig(can_identify=False, scans="refused")) as (session, _):
        assert (await session.read()).networks == []
        with pytest.raises(NotSupported):
            await session.identify()


async def test_a_link_that_is_lost_before_the_device_has_joined_is_lost() -> None:
    async with over_ble() as (session, link):
        joining = asyncio.create_task(session.configure(WRONG))
        while session.state != State.PROVISIONING:
            await asyncio.sleep(0)
        link.drop()
        with pytest.raises(BleLost):
            await joining
