"""The agent's own session drives a simulated board: both ends of the protocol fit."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import JoinFailed, NoInternet, PortGone, StatusReported
from agent.links.open import open_link
from agent.protocols.v2 import conversations
from agent.protocols.v2.host import Failed, Finished, HostMachine
from agent.sessions.v2 import V2Session, open_session
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.config import BoardConfig, LineFaults, StepFault
from agent.simulator.timing import Timing
from agent.simulator.world import SecureElement, World
from tests.simulator.boards import Bench
from tests.simulator.test_device import home, plugged_in

if TYPE_CHECKING:
    from agent.protocols.v2.talk import Conversation
    from agent.simulator.device import SimulatedDevice

RIGHT = WiFi(ssid="HomeNet", password=Secret("correct horse"))
WRONG = WiFi(ssid="HomeNet", password=Secret("battery staple"))


class Desk:
    """Host machine and board side by side under one simulated clock."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.host = HostMachine()

    def talk(self, conversation: Conversation[Any]) -> Any:
        """The result of a conversation, or its failure."""
        board, host = self.bench.board, self.host
        host.start(conversation, board.now / 1000)
        while True:
            for frame in host.take_writes():
                board.receive(frame)
            for event in host.take_events():
                if isinstance(event, Finished):
                    return event.value
                if isinstance(event, Failed):
                    return event
            until = min(host.next_deadline * 1000, board.next_wake)
            assert until != math.inf
            board.run(max(until, board.now + 0.1))
            for data in board.take_output():
                host.receive(data, board.now / 1000)
            host.tick(board.now / 1000)


@settings(max_examples=25)
@given(st.floats(0, 4_000), st.floats(0, 3_000))
def test_the_whole_procedure_works_whenever_the_host_comes(boot_ms: float, scan_ms: float) -> None:
    timing = Timing(scan=scan_ms + 1)
    desk = Desk(Bench(timing=timing, boot_ms=boot_ms, log=True))
    networks = desk.talk(conversations.opening())
    assert len(networks) == 3
    assert desk.talk(conversations.sketch_version()) == "0.6.2"
    key, _, _ = desk.talk(conversations.identity(1_750_000_000))
    assert key.pem.startswith("-----BEGIN")
    assert len(desk.talk(conversations.scan())) == 3
    assert desk.talk(conversations.reset()) is True
    failure = desk.talk(conversations.configure(WRONG))
    assert isinstance(failure, Failed)
    assert desk.talk(conversations.configure(RIGHT)) is True


async def session_on(device: SimulatedDevice) -> V2Session:
    assert device.address is not None
    return await open_session(await open_link(device.address, 9600))


@pytest.mark.parametrize(
    "line", [LineFaults(), LineFaults(noise=0.5), LineFaults(split=5), LineFaults(merge_ms=5)]
)
@pytest.mark.parametrize("tcp", [False, True])
async def test_a_session_provisions_a_board_over_a_real_port(line: LineFaults, tcp: bool) -> None:
    async with plugged_in(line=line, tcp=tcp, board=BoardConfig(log=True), speed=100.0) as (
        device,
        _,
    ):
        session = await session_on(device)
        try:
            facts = await session.read()
            assert facts.sketch_version == "0.6.2"
            assert facts.uhwid == device.board.uhwid_bytes.hex()
            assert [n.ssid for n in await session.scan()] == ["HomeNet"]
            identity = await session.read_identity(int(time.time()))
            assert identity.uhwid == facts.uhwid
            await session.reset()
            with pytest.raises(JoinFailed):
                await session.configure(WRONG)
            await session.configure(RIGHT)
            await session.wait_ended()
        finally:
            await session.close()
        assert device.status().device_id


async def test_a_board_that_is_online_answers_a_second_session() -> None:
    async with plugged_in() as (device, seen):
        session = await session_on(device)
        await session.configure(RIGHT)
        await session.wait_ended()
        await session.close()
        await seen.wait_for("step", step="certificate")
        session = await session_on(device)
        facts = await session.read()
        assert facts.online
        await session.reset()
        await session.configure(RIGHT)
        await session.close()


async def test_faults_of_the_board_become_the_errors_that_people_read() -> None:
    world = World(networks=[home()], internet=False)
    async with plugged_in(world=world, speed=100.0) as (device, _):
        session = await session_on(device)
        with pytest.raises(NoInternet):
            await session.configure(RIGHT)
        await session.close()
    async with plugged_in(world=World(secure_element=SecureElement.NO_ANSWER)) as (device, _):
        with pytest.raises(StatusReported):
            await session_on(device)
    fault = StepFault(at="id", do="unplug")
    async with plugged_in(faults=(fault,)) as (device, _):
        session = await session_on(device)
        with pytest.raises(PortGone):
            await session.read()
        await session.close()


async def test_damaged_input_is_sent_again_until_it_arrives() -> None:
    async with plugged_in() as (device, _):
        session = await session_on(device)
        device.set_line(LineFaults(corrupt=0.3))
        for _ in range(5):
            await session.read_identity(int(time.time()))
        device.set_line(LineFaults())
        await session.close()


def test_a_sketch_that_knows_no_provisioning_is_silence_for_the_host() -> None:
    desk = Desk(Bench(answers=False))
    failure = desk.talk(conversations.opening())
    assert isinstance(failure, Failed)
