"""A simulated board: power, its port, and which face is up: a sketch or a bootloader."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agent.simulator import world as worlds
from agent.simulator.ble_air import heard
from agent.simulator.board_flash import EspFlash, SambaFlash
from agent.simulator.config import BoardConfig, complete
from agent.simulator.drive_face import DriveFace
from agent.simulator.events import DeviceEvent, DeviceStatus
from agent.simulator.loaders import ESP_SYNC, Entry, entry_of, flash_of, make_loader
from agent.simulator.sketch_face import SketchFace
from agent.simulator.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from agent.catalog import Catalog, UsbRole
    from agent.simulator.announcement import Announcement
    from agent.simulator.ble_board import BoardInTheAir
    from agent.simulator.config import (
        BootloaderConfig,
        FaultAction,
        LineFaults,
        SimulatorConfig,
        StepFault,
    )
    from agent.simulator.face import Face
    from agent.simulator.loader_face import LoaderFace

__all__ = ["DeviceEvent", "DeviceStatus", "SimulatedDevice"]


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
        board, series = config.board_at(number)
        self.board: BoardConfig = complete(board, catalog, number, series)
        model = catalog.get(board.model)
        assert model is not None  # noqa: S101  (complete looked it up)
        self.world = world if world is not None else config.world
        self._config = config
        self._model = model
        self._entry = entry_of(model)
        self._flash = flash_of(self.board, model)
        self._stage = Stage(config, self.board, model, number, self.world, self, on_event)
        if isinstance(self._flash, EspFlash):
            self._stage.memory.settings_area = self._flash.settings_area
        self._cable = self._stage.cable
        self._face: Face | None = None
        self._powered_at: float | None = None
        self._life = 0
        """Changes when what was still to happen will not: no power, another face."""
        self._was_in_loader = False
        self._resets = 0
        self._worked_ms = 0.0
        self._countdown: asyncio.TimerHandle | None = None

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
    def address(self) -> str | None:
        """Where the board can be opened now; None while it cannot."""
        return self._cable.address

    @property
    def port(self) -> Announcement:
        """The port as it is announced; of a board without a cable, where it is in the air."""
        return self._stage.port

    @property
    def air(self) -> BoardInTheAir | None:
        """The board as a Bluetooth LE device, if it is one."""
        return self._stage.air

    async def start(self) -> str:
        """Plug the board in; its address, empty if nothing of it can be opened."""
        await self.plug()
        return self.address or ""

    async def stop(self) -> None:
        """Unplug the board and wait for what it still had running."""
        self.unplug()
        await self._stage.close()

    # --- what a person does ---

    async def plug(self) -> None:
        """Give the board power and a port, normally another one than before."""
        if self._powered_at is not None:
            return
        self._powered_at = self._stage.now()
        self._resets = 0
        await self._boot()

    def unplug(self) -> None:
        """Pull the cable: port and power are gone at once."""
        self._drop_face()
        self._powered_at = None
        self._close_port()

    def press_reset(self, times: int = 1) -> None:
        """Press the reset button; twice for the bootloader."""
        if self._powered_at is None:
            return
        if times > 1 and self._entry in {Entry.RESTARTS, Entry.STAYS}:
            self._move(self._to_loader)
        elif isinstance(self._face, SketchFace):
            self._face.press_reset()
        else:
            self._move(self._restart)

    def press_reconfigure(self, seconds: float = 3.5) -> None:
        """Hold the reconfigure pin or button for ``seconds`` of board time, then release it."""
        self._stage.spawn(self._hold_pin(seconds))

    def change_world(self, changes: dict[str, Any]) -> None:
        """Change fields of the surroundings; raises :class:`InputError`."""
        worlds.change(self.world, changes)
        self.look_again()

    def look_again(self) -> None:
        """The surroundings, which others may share, changed."""
        if isinstance(self._face, SketchFace):
            self._face.look_again()

    def set_line(self, faults: LineFaults) -> None:
        """What the line does to the bytes from now on."""
        self._cable.set_line(faults)

    def add_fault(self, fault: StepFault) -> None:
        """Something that will happen once, at a step."""
        self._stage.faults.append(fault)

    def apply(self, action: FaultAction, back_after: float | None = None) -> None:
        """Let a fault happen now."""
        if action == "unplug":
            self.unplug()
            if back_after is not None:
                self._stage.spawn(self._plug_later(back_after))
        elif action == "reboot":
            self.press_reset()
        elif self._face is not None:
            self._face.apply(action)

    def status(self) -> DeviceStatus:
        """What the board is doing now."""
        face = self._face
        sketch = face if isinstance(face, SketchFace) else None
        if sketch is not None:
            sketch.catch_up()
        worked = self._worked_ms + (sketch.working_ms if sketch is not None else 0.0)
        since = 0.0 if self._powered_at is None else self._stage.now() - self._powered_at
        state = "UNPLUGGED" if self._powered_at is None else "RESTARTING"
        return DeviceStatus(
            board=self.board.serial_number,
            address=self.address,
            state=face.state_name if face is not None else state,
            host_connected=sketch is not None and sketch.host_connected,
            resets=self._resets,
            board_seconds=since * self._config.speed,
            working_seconds=worked / 1000 / self._config.speed,
            lost_bytes=self._cable.lost_bytes,
            device_id=self._stage.memory.element.device_id,
            runs=self._runs,
            in_bootloader=face is not None and face.in_bootloader and self.address is not None,
            advertises=self.air is not None and heard(self.air),
        )

    # --- what the port tells ---

    def hear(self, data: bytes) -> None:
        """Bytes of the host."""
        if self._entry is Entry.ROM and isinstance(self._face, SketchFace) and ESP_SYNC in data:
            self._drop_face()
            self._begin_loader(make_loader(self._stage, self._flash, self._model, self._how))
        if self._face is not None:
            self._face.hear(data)

    def host_opened(self, is_open: bool) -> None:
        """A host opened or closed the port."""
        if is_open and self._entry is Entry.RESTARTS:
            self._cancel_countdown()
        if self._face is not None:
            self._face.host_opened(is_open)

    def touched(self) -> None:
        """A host set 1200 baud and hung up: a sketch feels it, a bridge whatever runs behind it."""
        bridged = self._entry is Entry.STAYS
        feels = self._entry is Entry.RESTARTS and isinstance(self._face, SketchFace)
        if not bridged and not feels:
            return
        self._stage.tell("touch")
        fault = self._stage.take_fault("touch")
        if fault is not None:
            self.apply(fault.do, fault.back_after)
        if self._powered_at is None:
            return
        timing = self._config.timing
        if bridged:
            self._drop_face()
        self._cancel_countdown()
        delay_s = self._stage.real_s(timing.bridge_reset if bridged else timing.touch)
        loop = asyncio.get_running_loop()
        self._countdown = loop.call_later(delay_s, self._leave_sketch)

    # --- what the face that is up tells ---

    def restarted(self) -> None:
        """The sketch restarted itself: one with native USB takes its port away for a moment."""
        self._resets += 1
        self._cancel_countdown()
        self._stage.tell("reset")
        if not self._port_stays:
            self._move(self._enumerate_again)

    def loaded(self, face: Face, *, written: bool = True) -> None:
        """The bootloader was told to start what is in the flash."""
        if face is not self._face:
            return
        if written:
            self._stage.tell("flashed", runs=self._runs)
        if self._how.back_as:
            self._cable.serial_number = self._how.back_as
        self._move(self._restart)

    # --- from face to face ---

    def _move(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it as soon as the loop comes to it, unless something else is the case by then."""
        life = self._life

        async def begin() -> None:
            if life == self._life:
                await work()

        self._stage.spawn(begin())

    async def _boot(self) -> None:
        """What the chip does after a reset: start the sketch if there is one."""
        board = self._flash.running()
        if board is None:
            await self._show_loader()
            return
        self._drop_face()
        self._face = face = SketchFace(self._stage, board)
        await self._open_port(face)
        if self._face is face:
            face.start()
            if self._was_in_loader:
                self._was_in_loader = False
                self._stage.tell("sketch", runs=self._runs, address=self.address)

    async def _restart(self) -> None:
        """A reset."""
        if await self._leave_bus():
            await self._boot()

    async def _to_loader(self) -> None:
        """A reset that ends in the bootloader."""
        if await self._leave_bus():
            await self._show_loader()

    async def _leave_bus(self) -> bool:
        """Native USB vanishes for a moment; whether the board still goes on from here."""
        self._drop_face()
        if self._port_stays:
            return True
        self._close_port()
        return await self._pause(self._config.timing.reenumerate)

    async def _show_loader(self) -> None:
        """The bootloader comes up, if it comes."""
        self._drop_face()
        if self._how.comes == "never":
            return
        face = make_loader(self._stage, self._flash, self._model, self._how)
        if self._how.comes == "glitch" and face.shown == "serial" and not self._port_stays:
            life = self._life
            await self._open_port(face)
            if life != self._life or not await self._pause(self._config.timing.glitch):
                return
            self._close_port()
            if not await self._pause(self._config.timing.glitch):
                return
        self._face = face
        await self._open_port(face)
        if self._face is face:
            self._begin_loader(face)

    def _begin_loader(self, face: LoaderFace) -> None:
        self._face = face
        self._was_in_loader = True
        face.start()
        self._stage.tell("bootloader", address=self.address)

    def _leave_sketch(self) -> None:
        """The end of the countdown that a touch began."""
        self._cable.look()  # the last moment to open the port again
        if self._countdown is None:
            return
        self._countdown = None
        if isinstance(self._flash, SambaFlash) and self._entry is Entry.RESTARTS:
            self._flash.erase_first_row()
        self._move(self._to_loader)

    def _drop_face(self) -> None:
        """Nothing runs on the chip now, and nothing that was to happen to it will."""
        self._life += 1
        self._cancel_countdown()
        face, self._face = self._face, None
        if face is not None:
            face.stop()
        if isinstance(face, SketchFace):
            self._worked_ms += face.working_ms

    def _cancel_countdown(self) -> None:
        if self._countdown is not None:
            self._countdown.cancel()
            self._countdown = None

    async def _pause(self, board_ms: float) -> bool:
        """Let board time pass; False if meanwhile the board lost its power or went another way."""
        life = self._life
        await asyncio.sleep(self._stage.real_s(board_ms))
        return life == self._life

    async def _open_port(self, face: Face) -> None:
        if self.address is not None or not self.board.usb:
            return
        life = self._life
        if face.shown == "serial":
            role: UsbRole = "bootloader" if face.in_bootloader else "sketch"
            if not await self._cable.open(role, lambda: life == self._life):
                return
        else:
            self._cable.show(face.shown, face.open() if isinstance(face, DriveFace) else "")
        self._stage.tell("plugged", address=self.address)

    def _close_port(self) -> None:
        address = self._cable.close()
        if address is not None:
            self._stage.tell("unplugged", address=address)

    async def _enumerate_again(self) -> None:
        """The port goes and comes while the sketch runs on."""
        face = self._face
        self._close_port()
        if await self._pause(self._config.timing.reenumerate) and face is not None:
            await self._open_port(face)

    async def _plug_later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.plug()

    async def _hold_pin(self, seconds: float) -> None:
        await asyncio.sleep(self._stage.real_s(seconds * 1000))
        if isinstance(self._face, SketchFace):
            self._face.release_pin(seconds * 1000)

    @property
    def _port_stays(self) -> bool:
        """Whether another chip has the USB port, so that a reset does not take it away."""
        return self._entry in {Entry.STAYS, Entry.ROM}

    @property
    def _how(self) -> BootloaderConfig:
        return self.board.bootloader

    @property
    def _runs(self) -> str | None:
        identity = self._flash.identity()
        return identity.runs if identity is not None else None
