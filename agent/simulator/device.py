"""A simulated board in real or scaled time: firmware, power, port and line together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from agent.protocols.v2.frames import START
from agent.simulator import world as worlds
from agent.simulator.announcement import Announcement, announce, withdraw
from agent.simulator.config import (
    BoardConfig,
    FaultAction,
    LineFaults,
    SimulatorConfig,
    StepFault,
    complete,
)
from agent.simulator.firmware import Firmware, Interrupted, new_memory
from agent.simulator.line import Line
from agent.simulator.ports import BoardPort, open_port

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from agent.catalog import Catalog, Model
    from agent.simulator.hardware import CloudCall

LONGEST_SLEEP_S = 3600.0
"""A wake-up later than this is looked at again then; event loops dislike huge numbers."""


class DeviceEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened to a board, for those who wait for it."""

    event: Literal["plugged", "unplugged", "step", "reset", "cloud"]
    board: str
    """USB serial number."""
    address: str | None = None
    step: str | None = None
    status: int | None = None
    """Answer of the cloud to the board."""


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a board is doing now."""

    board: str
    address: str | None
    state: str
    host_connected: bool
    resets: int
    board_seconds: float
    """Time on the board's own clock since it got power."""
    working_seconds: float
    """Real time in which a host that waited for the board waited for the board itself."""
    lost_bytes: int
    device_id: str


class SimulatedDevice:
    """One board, plugged in by :meth:`start`; an asynchronous context manager.

    ``world`` may be shared with other boards.
    """

    def __init__(
        self,
        config: SimulatorConfig,
        catalog: Catalog,
        *,
        number: int = 0,
        world: worlds.World | None = None,
        on_event: Callable[[DeviceEvent], None] | None = None,
    ) -> None:
        self.board: BoardConfig = complete(config.board, catalog, number)
        self.world = world if world is not None else config.world
        self.address: str | None = None
        """Where the board can be opened now; None while it is unplugged."""
        self._config = config
        self._model: Model | None = catalog.get(config.board.model)
        self._number = number
        self._on_event = on_event
        self._memory = new_memory()
        self._chance = random.Random(config.seed * 1000 + number)  # noqa: S311  (faults, no keys)
        self._faults = list(config.faults)
        self._firmware: Firmware | None = None
        self._port: BoardPort | None = None
        self._line = Line(config.line, self._chance, self._deliver)
        self._file: Path | None = None
        self._last_address: str | None = None
        self._powered_at = 0.0
        self._resets_seen = 0
        self._worked_ms = 0.0
        self._lost = 0
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._due: StepFault | None = None

    async def __aenter__(self) -> SimulatedDevice:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def port(self) -> Announcement:
        """The port as it is announced."""
        usb = self._model.usb.sketch[0] if self._model is not None else None
        return Announcement(
            address=self.address or "",
            vid=usb.vid if usb is not None else 0,
            pid=usb.pid or 0 if usb is not None else 0,
            serial_number=self.board.serial_number,
            location=f"9-{self._number + 1}",
            manufacturer="Arduino",
            product=self._model.name if self._model is not None else self.board.model,
            process=os.getpid(),
        )

    async def start(self) -> str:
        """Plug the board in; its address."""
        await self.plug()
        assert self.address is not None  # noqa: S101  (plug sets it)
        return self.address

    async def stop(self) -> None:
        """Unplug the board and wait for what it still had running."""
        self.unplug()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def plug(self) -> None:
        """Give the board power and a port, normally another one than before."""
        if self._firmware is not None:
            return
        self._powered_at = self._now()
        self._resets_seen = 0
        self._firmware = Firmware(
            self.board,
            self._config.timing,
            self.world,
            self._memory,
            asks_cloud=self._config.cloud is not None,
            seed=self._chance.randrange(1 << 30),
            on_milestone=self._reach,
        )
        await self._open_port()
        self._go_on()

    def unplug(self) -> None:
        """Pull the cable: port and power are gone at once."""
        self._close_port()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._firmware is not None:
            self._worked_ms += self._firmware.working_ms
            self._firmware = None

    def press_reset(self) -> None:
        """Press the reset button."""
        if self._firmware is not None:
            self._run()
            self._firmware.reset()
            self._go_on()

    def press_reconfigure(self, seconds: float = 3.5) -> None:
        """Hold the reconfigure pin or button for ``seconds`` of board time, then release it."""
        self._spawn(self._hold_pin(seconds))

    def change_world(self, changes: dict[str, Any]) -> None:
        """Change fields of the surroundings; raises :class:`InputError`."""
        worlds.change(self.world, changes)
        self.look_again()

    def look_again(self) -> None:
        """The surroundings, which others may share, changed."""
        if self._firmware is not None:
            self._run()
            self._firmware.changed()
            self._go_on()

    def set_line(self, faults: LineFaults) -> None:
        """What the line does to the bytes from now on."""
        self._line.faults = faults

    def add_fault(self, fault: StepFault) -> None:
        """Something that will happen once, at a step."""
        self._faults.append(fault)

    def apply(self, action: FaultAction, back_after: float | None = None) -> None:
        """Let a fault happen now."""
        if action == "unplug":
            self.unplug()
            if back_after is not None:
                self._spawn(self._plug_later(back_after))
        elif action == "reboot":
            self.press_reset()
        elif self._firmware is not None:
            if action == "silence":
                self._firmware.halt()
            else:
                self._firmware.wedge()
            self._go_on()

    def status(self) -> DeviceStatus:
        """What the board is doing now."""
        if self._firmware is not None:
            self._run()
        firmware = self._firmware
        worked = self._worked_ms + (firmware.working_ms if firmware is not None else 0.0)
        return DeviceStatus(
            board=self.board.serial_number,
            address=self.address,
            state=firmware.state_name if firmware is not None else "UNPLUGGED",
            host_connected=firmware is not None and firmware.host_connected,
            resets=firmware.resets if firmware is not None else 0,
            board_seconds=firmware.now / 1000 if firmware is not None else 0.0,
            working_seconds=worked / 1000 / self._config.speed,
            lost_bytes=self._lost + (self._port.lost_bytes if self._port is not None else 0),
            device_id=self._memory.element.device_id,
        )

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _board_ms(self) -> float:
        return (self._now() - self._powered_at) * 1000 * self._config.speed

    def _real_s(self, board_ms: float) -> float:
        return board_ms / 1000 / self._config.speed

    def _run(self) -> None:
        """Let the board catch up with the time, and carry out what came of it."""
        firmware = self._firmware
        if firmware is None:
            return
        firmware.run(self._board_ms())
        for data in firmware.take_output():
            self._line.to_host(data)
        for call in firmware.take_calls():
            self._spawn(self._call_cloud(firmware, call))
        if firmware.resets != self._resets_seen:
            self._resets_seen = firmware.resets
            self._tell("reset")
            if not self.board.bridged:
                self._spawn(self._enumerate_again(firmware))
        due, self._due = self._due, None
        if due is not None:
            self.apply(due.do, due.back_after)

    def _go_on(self) -> None:
        """Run, and be called again when the board has something to do."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._run()
        firmware = self._firmware
        if firmware is None:
            return
        delay = self._real_s(firmware.next_wake - self._board_ms())
        if delay != float("inf"):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(min(max(0.0, delay), LONGEST_SLEEP_S), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._go_on()

    def _reach(self, step: str) -> None:
        """The firmware reached a step and has not answered it yet."""
        self._tell("step", step=step)
        fault = next((f for f in self._faults if f.at == step), None)
        if fault is None:
            return
        self._faults.remove(fault)
        if fault.do == "wedge":
            if self._firmware is not None:
                self._firmware.wedge()
            return
        self._due = fault
        raise Interrupted

    def _take(self, data: bytes) -> None:
        """Bytes of the host."""
        firmware = self._firmware
        if firmware is None:
            return
        self._run()
        opening = not firmware.host_connected and data.startswith(START[:1])
        if opening and self._port is not None:
            self._port.forget_unread()
        firmware.receive(self._line.to_board(data))
        self._go_on()

    def _host_opened(self, is_open: bool) -> None:
        if self._firmware is not None and not self.board.bridged:
            self._run()
            self._firmware.set_port_open(is_open)
            self._go_on()

    def _deliver(self, data: bytes) -> None:
        if self._port is not None:
            self._port.write(data)

    async def _open_port(self) -> None:
        self._port = await open_port(
            tcp=self._config.tcp,
            dtr=self.board.notices_host(dtr=self._config.dtr),
            not_at=self._last_address,
            on_data=self._take,
            on_host=self._host_opened,
        )
        self.address = self._last_address = self._port.address
        if self._config.folder is not None:
            self._file = announce(Path(self._config.folder), self.port)
        self._tell("plugged", address=self.address)

    def _close_port(self) -> None:
        if self._port is None:
            return
        if self._file is not None:
            with contextlib.suppress(OSError):
                withdraw(self._file)
            self._file = None
        self._line.close()
        self._lost += self._port.lost_bytes
        self._port.close()
        self._port = None
        address, self.address = self.address, None
        self._tell("unplugged", address=address)

    async def _enumerate_again(self, firmware: Firmware) -> None:
        """A reset of a board with native USB takes its port away for a moment."""
        self._close_port()
        await asyncio.sleep(self._real_s(self._config.timing.reenumerate))
        if self._firmware is firmware and self._port is None:
            await self._open_port()

    async def _plug_later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.plug()

    async def _hold_pin(self, seconds: float) -> None:
        await asyncio.sleep(self._real_s(seconds * 1000))
        if self._firmware is not None:
            self._run()
            self._firmware.release_pin(seconds * 1000)
            self._go_on()

    async def _call_cloud(self, firmware: Firmware, call: CloudCall) -> None:
        from agent.simulator.cloud_caller import post

        token = self._memory.element.token(self.board.uhwid_bytes, int(time.time()))
        status, body = await post(self._config.cloud or "", call.path, call.body, token.decode())
        self._tell("cloud", status=status)
        if self._firmware is firmware:
            self._run()
            firmware.cloud_answer(status, body)
            self._go_on()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell(
        self,
        event: Literal["plugged", "unplugged", "step", "reset", "cloud"],
        *,
        address: str | None = None,
        step: str | None = None,
        status: int | None = None,
    ) -> None:
        if self._on_event is not None:
            self._on_event(
                DeviceEvent(
                    event=event,
                    board=self.board.serial_number,
                    address=address,
                    step=step,
                    status=status,
                )
            )
