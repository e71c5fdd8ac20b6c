"""A session of 1.0 with a simulated board behind a real link."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from agent.catalog import Catalog
from agent.errors import (
    AnswerMissing,
    CommandRefused,
    NetworkModuleFailed,
    PortGone,
    SketchHalted,
    WrongSketch,
)
from agent.links.open import open_link
from agent.protocols.v1.certificate import CompressedCertificate
from agent.protocols.v1.commands import FrameType
from agent.protocols.v2.frames import encode_frame
from agent.sessions.v1 import BAUD, LORA_BAUD, V1Session, open_v1_session, read_eui
from agent.simulator.config import BoardConfig, SimulatorConfig, StepFault
from agent.simulator.device import SimulatedDevice
from agent.simulator.world import SecureElement, Uplink, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.links.link import Link
    from agent.simulator.config import SketchName, V1Milestone

DEVICE_ID = "01234567-89ab-cdef-0123-456789abcdef"
CERTIFICATE = CompressedCertificate(
    not_before=datetime(2026, 1, 2, 3, tzinfo=UTC),
    serial=bytes(range(1, 17)),
    authority_key_id=bytes(range(20)),
    signature=bytes(range(1, 65)),
)
SPEED = 20.0


@asynccontextmanager
async def plugged_in(
    sketch: SketchName = "provisioning-1.0",
    world: World | None = None,
    faults: tuple[StepFault, ...] = (),
) -> AsyncIterator[SimulatedDevice]:
    model = "mkr_wan_1310" if sketch == "lora-1.0" else "mkr_wifi_1010"
    config = SimulatorConfig(
        board=BoardConfig(model=model, sketch=sketch),
        world=world or World(),
        speed=SPEED,
        tcp=True,
        faults=faults,
    )
    async with SimulatedDevice(config, Catalog.load()) as device:
        yield device


async def link_to(device: SimulatedDevice, baud: int = BAUD) -> Link:
    assert device.address is not None
    return await open_link(device.address, baud)


@asynccontextmanager
async def session_with(device: SimulatedDevice) -> AsyncIterator[V1Session]:
    session = await open_v1_session(await link_to(device), flashed=True)
    try:
        yield session
    finally:
        await session.close()


class ScriptedBoard:
    """A port that answers what a test says; counts what was written."""

    address = "script"

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.written: list[bytes] = []
        self.closed = False
        self._answer = answer
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        self.written.append(data)
        if answer := self._answer(data):
            self._waiting.put_nowait(answer)

    async def receive(self) -> bytes:
        return await self._waiting.get()

    async def close(self) -> None:
        self.closed = True

    def say(self, data: bytes) -> None:
        self._waiting.put_nowait(data)


def acknowledge(_: bytes) -> bytes:
    return encode_frame(FrameType.RESPONSE, b"\x02")


async def provision(session: V1Session) -> None:
    await session.csr(DEVICE_ID)
    await session.store_certificate(CERTIFICATE)


async def test_a_board_gets_a_key_and_stores_its_certificate() -> None:
    async with plugged_in() as device, session_with(device) as session:
        request = x509.load_pem_x509_csr((await session.csr(DEVICE_ID)).encode())
        assert request.is_signature_valid
        assert request.subject.rfc4514_string() == f"CN={DEVICE_ID}"
        await session.store_certificate(CERTIFICATE)
        await session.sketch_info()
        assert device.status().device_id == DEVICE_ID


async def test_a_sketch_that_is_still_starting_is_waited_for() -> None:
    async with plugged_in() as device:
        assert device.status().board_seconds < 1.5
        session = await open_v1_session(await link_to(device), flashed=True)
        await session.close()


async def test_without_a_secure_element_the_sketch_is_halted_and_the_port_free_again() -> None:
    async with plugged_in(world=World(secure_element=SecureElement.NO_ANSWER)) as device:
        with pytest.raises(SketchHalted) as caught:
            await open_v1_session(await link_to(device))
        assert "secure element is missing" in caught.value.report().meaning
        again = await link_to(device)
        await again.close()


async def test_a_chip_that_refuses_the_device_id_is_told_with_the_command() -> None:
    async with (
        plugged_in(world=World(secure_element=SecureElement.NO_WRITE)) as device,
        session_with(device) as session,
    ):
        await session.csr(DEVICE_ID)
        with pytest.raises(CommandRefused) as caught:
            await session.store_certificate(CERTIFICATE)
        assert caught.value.facts == {"command": "begin storage", "answer": "04"}
        await session.sketch_info()  # the board still listens


async def test_silence_in_the_middle_ends_the_session_and_nothing_more_is_sent() -> None:
    faults = (StepFault(at="storage", do="silence"),)
    async with plugged_in(faults=faults) as device, session_with(device) as session:
        await session.csr(DEVICE_ID)
        with pytest.raises(AnswerMissing) as caught:
            await session.store_certificate(CERTIFICATE)
        assert caught.value.facts == {"command": "begin storage", "seconds": 2}
        with pytest.raises(AnswerMissing):
            await session.csr(DEVICE_ID)


async def test_a_lost_end_marker_is_silence_and_the_old_command_is_not_woken() -> None:
    async with plugged_in() as device:
        link = await link_to(device)
        session = await open_v1_session(CutsEnds(link, of_command=6), flashed=True)
        await session.csr(DEVICE_ID)
        with pytest.raises(AnswerMissing):
            await session.store_certificate(CERTIFICATE)
        assert device.status().device_id == ""
        await session.close()
        await reset(device)
        async with session_with(device) as session:
            await session.csr(DEVICE_ID)
            await session.store_certificate(CERTIFICATE)
        assert device.status().device_id == DEVICE_ID


async def reset(device: SimulatedDevice) -> None:
    """Press the button, and wait for the board's new port."""
    before = device.address
    device.press_reset()
    async with asyncio.timeout(30):
        while device.address in {None, before}:
            await asyncio.sleep(0.01)


class CutsEnds:
    """A link that loses the end marker of one command."""

    def __init__(self, link: Link, *, of_command: int) -> None:
        self._link = link
        self._command = of_command

    @property
    def address(self) -> str:
        return self._link.address

    async def write(self, data: bytes) -> None:
        await self._link.write(data[:-2] + b"\0\0" if data[5] == self._command else data)

    async def receive(self) -> bytes:
        return await self._link.receive()

    async def close(self) -> None:
        await self._link.close()


@pytest.mark.parametrize("code", [0x01, 0x03, 0x04, 0x20])
async def test_an_answer_other_than_ack_is_a_refusal(code: int) -> None:
    board = ScriptedBoard(lambda _: encode_frame(FrameType.RESPONSE, bytes((code,))))
    with pytest.raises(CommandRefused) as caught:
        await open_v1_session(board)
    assert caught.value.facts == {"command": "sketch info", "answer": f"{code:02X}"}
    assert board.closed
    assert len(board.written) == 1


async def test_an_answer_from_before_is_not_taken_for_the_answer() -> None:
    board = ScriptedBoard(lambda data: b"" if data[5] == 2 else acknowledge(data))
    session = await open_v1_session(board)
    board.say(encode_frame(FrameType.RESPONSE, b"\x04"))
    await session.sketch_info()
    await session.close()


async def test_an_unreadable_certificate_request_is_refused() -> None:
    board = ScriptedBoard(
        lambda data: acknowledge(data) if data[5] == 1 else encode_frame(FrameType.DATA, b"PEM")
    )
    session = await open_v1_session(board)
    with pytest.raises(CommandRefused) as caught:
        await session.csr(DEVICE_ID)
    assert caught.value.facts["answer"] == "unreadable"


async def test_a_device_id_that_does_not_fit_is_not_sent() -> None:
    board = ScriptedBoard(acknowledge)
    session = await open_v1_session(board)
    with pytest.raises(ValueError, match="certificate request"):
        await session.csr("too-short")
    assert len(board.written) == 1
    await session.sketch_info()


async def test_a_frame_is_one_write() -> None:
    board = ScriptedBoard(acknowledge)
    session = await open_v1_session(board)
    await session.store_certificate(CERTIFICATE)
    assert [frame[5] for frame in board.written] == [1, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]
    assert all(frame[-2:] == b"\xaa\x55" for frame in board.written)


async def test_a_cancelled_request_leaves_a_session_that_sends_nothing() -> None:
    board = ScriptedBoard(lambda data: acknowledge(data) if data[5] == 1 else b"")
    session = await open_v1_session(board)
    task = asyncio.create_task(session.csr(DEVICE_ID))
    while len(board.written) < 2:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(RuntimeError):
        await session.sketch_info()
    assert len(board.written) == 2


@pytest.mark.parametrize("step", ["csr", "storage", "stored", "rebuilt"])
async def test_an_unplugged_board_is_told_at_every_step(step: V1Milestone) -> None:
    async with plugged_in(faults=(StepFault(at=step, do="unplug"),)) as device:
        link = await link_to(device)
        session = await open_v1_session(link, flashed=True)
        with pytest.raises(PortGone):
            await provision(session)
        await session.close()


async def test_a_closed_session_says_that_the_port_is_gone() -> None:
    board = ScriptedBoard(acknowledge)
    session = await open_v1_session(board)
    await session.close()
    await session.close()
    with pytest.raises(PortGone):
        await session.sketch_info()


async def test_the_console_sketch_is_recognised() -> None:
    async with plugged_in("console-1.0") as device:
        with pytest.raises(WrongSketch) as caught:
            await open_v1_session(await link_to(device))
        assert "console sketch is running" in caught.value.report().meaning


# --- LoRa ---


async def test_the_eui_of_a_lora_board_is_read() -> None:
    async with plugged_in("lora-1.0", World(modem=Uplink.OK)) as device:
        link = await link_to(device, LORA_BAUD)
        assert await read_eui(link) == device.board.device_eui.upper()
        await link.close()


async def test_a_modem_that_does_not_start_is_told_in_the_sketchs_words() -> None:
    async with plugged_in("lora-1.0", World(modem=Uplink.BROKEN)) as device:
        link = await link_to(device, LORA_BAUD)
        with pytest.raises(NetworkModuleFailed, match="network module") as caught:
            await read_eui(link)
        assert "Modem failed to start" in caught.value.report().meaning
        await link.close()


@pytest.mark.parametrize(
    ("said", "meaning"),
    [(b"", "another sketch"), (b"hello\r\n\x1b[31mworld\r\n", "but:")],
)
async def test_a_sketch_that_prints_no_eui_is_told(said: bytes, meaning: str) -> None:
    board = ScriptedBoard(lambda _: b"")
    if said:
        board.say(said)
    with pytest.raises(SketchHalted) as caught:
        await read_eui(board, limit_s=0.05)
    assert meaning in caught.value.report().meaning
    assert "\x1b" not in caught.value.report().meaning
