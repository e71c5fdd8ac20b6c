"""Provisioning 2.0 over Bluetooth LE: the same machine, and a link whose state says hello and bye."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent.errors import BleUnreachable, JoinFailed, PortGone
from agent.links.ble import PROVISIONING, open_ble
from agent.links.ble_connect import Patience
from agent.links.ble_radio import BleRadio
from agent.protocols.v2.frames import Control, encode_control
from agent.sessions.ble import CONNECT, DISCONNECT, Dialogue, open_ble_session
from agent.settings import Secret
from agent.settings.network import WiFi
from tests.simulator.radios import AirHost, bluetooth, board_in_the_air, find

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.sessions.v2 import V2Session
    from agent.simulator.device import SimulatedDevice

RIGHT = WiFi(ssid="HomeNet", password=Secret("correct horse"))
WRONG = WiFi(ssid="HomeNet", password=Secret("battery staple"))
SOON = Patience(attempts=3, attempt_s=3.0, find_s=3.0, pause_s=0.01)
HASTE = Patience(attempts=2, attempt_s=0.3, find_s=0.3, pause_s=0.01)
MTUS = [23, 185, 247]


# --- the dialogue alone ---------------------------------------------------------------------------


class Pipe:
    """A link that the test holds both ends of."""

    def __init__(self, number: int) -> None:
        self.address = f"ble://{number}"
        self.written: list[bytes] = []
        self.closed = 0
        self.drop_at_write = False
        self._said: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        if self.drop_at_write:
            self.drop()
            raise PortGone(port=self.address)
        self.written.append(data)

    async def receive(self) -> bytes:
        data = await self._said.get()
        if data is None:
            self._said.put_nowait(None)
            raise PortGone(port=self.address)
        return data

    async def close(self) -> None:
        self.closed += 1
        self.drop()

    def say(self, data: bytes) -> None:
        self._said.put_nowait(data)

    def drop(self) -> None:
        self._said.put_nowait(None)


class Desk:
    """A dialogue, and the links that it opened."""

    def __init__(self) -> None:
        self.pipes: list[Pipe] = []
        self.refuse = False
        self.dialogue = Dialogue(self._open)

    async def _open(self) -> Pipe:
        if self.refuse:
            raise BleUnreachable(port="ble://x", attempts=1, detail="it was not heard")
        self.pipes.append(Pipe(len(self.pipes)))
        return self.pipes[-1]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    await desk.dialogue.open()
    yield desk
    await desk.dialogue.close()
    assert all(pipe.closed for pipe in desk.pipes)


async def test_connect_on_a_link_that_is_up_is_nothing(desk):
    await desk.dialogue.write(CONNECT)
    assert len(desk.pipes) == 1
    assert desk.pipes[0].written == []
    assert desk.dialogue.address == "ble://0"


async def test_data_goes_out_and_comes_in_unchanged(desk):
    await desk.dialogue.write(b"frame")
    desk.pipes[0].say(b"answer")
    assert desk.pipes[0].written == [b"frame"]
    assert await desk.dialogue.receive() == b"answer"


async def test_disconnect_hangs_up_and_connect_begins_anew(desk):
    waiting = asyncio.create_task(desk.dialogue.receive())
    await desk.dialogue.write(DISCONNECT)
    assert desk.pipes[0].closed
    await desk.dialogue.write(CONNECT)
    desk.pipes[1].say(b"list")
    assert await waiting == b"list"
    assert desk.dialogue.address == "ble://1"


async def test_a_board_that_drops_the_link_said_disconnect_once(desk):
    desk.pipes[0].say(b"last words")
    desk.pipes[0].drop()
    assert await desk.dialogue.receive() == b"last words"
    assert await desk.dialogue.receive() == DISCONNECT
    waiting = asyncio.create_task(desk.dialogue.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    await desk.dialogue.write(b"into the void")
    await desk.dialogue.write(CONNECT)
    desk.pipes[1].say(b"list")
    assert await waiting == b"list"
    assert desk.pipes[1].written == []


async def test_a_link_that_ends_while_it_is_written_to_is_a_drop(desk):
    desk.pipes[0].drop_at_write = True
    await desk.dialogue.write(b"frame")
    assert await desk.dialogue.receive() == DISCONNECT


async def test_a_board_that_is_not_found_again_ends_the_session(desk):
    desk.pipes[0].drop()
    assert await desk.dialogue.receive() == DISCONNECT
    desk.refuse = True
    with pytest.raises(BleUnreachable):
        await desk.dialogue.write(CONNECT)


async def test_after_close_there_is_no_port(desk):
    waiting = asyncio.create_task(desk.dialogue.receive())
    await asyncio.sleep(0)
    await desk.dialogue.close()
    await desk.dialogue.close()
    with pytest.raises(PortGone):
        await waiting
    with pytest.raises(PortGone):
        await desk.dialogue.write(CONNECT)


async def test_a_link_that_comes_too_late_is_closed():
    gate = asyncio.Event()
    pipe = Pipe(0)

    async def slow() -> Pipe:
        await gate.wait()
        return pipe

    dialogue = Dialogue(slow)
    opening = asyncio.create_task(dialogue.open())
    await asyncio.sleep(0)
    await dialogue.close()
    gate.set()
    with pytest.raises(PortGone):
        await opening
    assert pipe.closed


# --- with a simulated board ------------------------------------------------------------------------


class Room:
    """A simulated board in the air, and a radio that hears it."""

    def __init__(self, device: SimulatedDevice, radio: BleRadio) -> None:
        self.device = device
        self.radio = radio
        self.opened = 0
        self.patience = SOON

    @property
    def address(self) -> str:
        assert self.device.air is not None
        return self.device.air.address

    @asynccontextmanager
    async def session(self) -> AsyncIterator[V2Session]:
        async def opener():
            self.opened += 1
            return await open_ble(self.radio, self.address, patience=self.patience)

        session = await open_ble_session(opener)
        try:
            yield session
        finally:
            await session.close()
            assert not self.radio.connected


@asynccontextmanager
async def room(mtu: int = 247, *, att: bool = False) -> AsyncIterator[Room]:
    """``att``: over the ATT layer of two Bumble controllers."""
    async with board_in_the_air() as device, bluetooth() as bluez, AsyncExitStack() as stack:
        assert device.air is not None
        device.air.host_mtu = mtu
        radio = BleRadio([PROVISIONING.service])
        if att:
            from tests.simulator.bumble_air import two_radios

            bluez.add(await stack.enter_async_context(two_radios(device.air, mtu=mtu)))
        else:
            bluez.add(device.air)
        stack.push_async_callback(radio.close)
        yield Room(device, radio)


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
@pytest.mark.parametrize("mtu", MTUS)
@pytest.mark.parametrize("att", [False, True], ids=["bluez", "bumble"])
async def test_a_board_is_read_claimed_and_provisioned_over_the_air(mtu, att):
    async with room(mtu, att=att) as here, here.session() as session:
        facts = await session.read()
        assert facts.sketch_version == "0.6.2"
        assert facts.ble_address == here.address
        assert facts.uhwid is not None
        assert facts.wifi_firmware is not None
        assert facts.networks[0].ssid == "HomeNet"
        assert len(await session.scan()) == 5
        identity = await session.read_identity(int(time.time()))
        assert identity.uhwid == facts.uhwid
        await session.reset()
        with pytest.raises(JoinFailed):
            await session.configure(WRONG)
        await session.configure(RIGHT)
        await session.wait_ended()
        assert here.opened == 1


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_a_link_that_is_lost_in_between_is_made_again():
    async with room() as here, here.session() as session:
        assert here.device.air is not None
        here.device.air.drop()
        assert (await session.read()).sketch_version == "0.6.2"
        assert here.opened == 2


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_a_board_that_went_out_of_range_is_told():
    async with room() as here, here.session() as session:
        assert here.device.air is not None
        here.patience = HASTE
        here.device.air.go_out_of_range()
        with pytest.raises(BleUnreachable):
            await session.read()


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_one_session_after_the_other_is_served():
    async with room() as here:
        for _ in range(3):
            async with here.session() as session:
                assert len(await session.scan()) == 5
        assert here.opened == 3


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_session_that_is_given_up_at_any_moment_leaves_the_board_free(seed):
    dice = random.Random(seed)

    async def talk(here: Room) -> None:
        async with here.session() as session:
            await session.scan()
            await session.read_identity(int(time.time()))

    async with room() as here:
        assert here.device.air is not None
        await talk(here)
        tasks = len(asyncio.all_tasks())
        for _ in range(30):
            talking = asyncio.create_task(talk(here))
            for _ in range(1 + dice.randrange(2)):  # some are cancelled while they tidy up
                for _ in range(dice.randrange(600)):
                    await asyncio.sleep(0)
                talking.cancel()
            await asyncio.wait({talking})
            await here.radio.wait_idle()
            while here.device.air.advertisement is None:
                await asyncio.sleep(0.001)  # else the board is still linked
            assert not here.radio.connected
        await talk(here)
        while len(asyncio.all_tasks()) > tasks:
            await asyncio.sleep(0.01)


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_a_board_that_another_program_led_into_the_trap_is_led_out_of_it():
    """Written to before the subscription, it begins no session until its link ends."""
    async with room() as here:
        async with AirHost(await find(address=here.address)) as host:
            await host.write(encode_control(Control.CONNECT))
            await host.subscribe()
        async with here.session() as session:
            assert len(await session.scan()) == 5
