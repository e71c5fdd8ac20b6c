"""What the firmware's code sees of its hardware: clock, serial port, memory that outlives a reset.

The clock counts board time in milliseconds since the last reset; nothing here waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias, TypeVar

if TYPE_CHECKING:
    from agent.settings.credentials import CloudSettings
    from agent.simulator.ble_radio import Radio
    from agent.simulator.config import BoardConfig
    from agent.simulator.secure_element import SecureElementChip
    from agent.simulator.timing import Timing
    from agent.simulator.world import World

RECEIVE_BUFFER_BYTES: Final = 256 * 1024
"""Four times the longest packet. What does not fit is lost and counted, as on a real port."""

T = TypeVar("T")
Steps: TypeAlias = Generator[float, None, T]
"""Code that may take time: yields milliseconds during which the board does nothing else."""


class Reset(Exception):
    """The firmware restarts the board."""


@dataclass
class Memory:
    """What outlives a reset and a loss of power: storage and secure element."""

    element: SecureElementChip
    storage: dict[str, object] = field(default_factory=dict)
    settings_area: Callable[[], bytes] = bytes
    """The partition for settings (NVS) in the flash of an Espressif chip; empty: there is none."""


@dataclass(frozen=True, slots=True)
class CloudCall:
    """The board wants ``POST path`` at its cloud, with a fresh token of its own.

    Answered with ``Firmware.cloud_answer``.
    """

    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class CloudVisit:
    """The board wants to be connected to this cloud from now on; None: to none.

    Answered with ``Firmware.cloud_answer``: :attr:`CONNECTED` once it is, then or instead
    :attr:`REFUSED`, or None with a sentence if the server is not reached or lost.
    """

    cloud: CloudSettings | None

    CONNECTED: ClassVar[int] = 200
    REFUSED: ClassVar[int] = 401


class Hardware:
    """One board's hardware between two resets."""

    def __init__(
        self, config: BoardConfig, timing: Timing, world: World, memory: Memory, boot_at: float
    ) -> None:
        self.config = config
        self.timing = timing
        self.world = world
        self.memory = memory
        self._boot_at = boot_at
        self._clock = boot_at
        self.port_open = True
        """What the sketch reads as "the port is open": DTR. Always true on an UNO R4 WiFi."""
        self.radio: Radio | None = None
        """Bluetooth LE, if there is any."""
        self.received = bytearray()
        self.lost_bytes = 0
        self.sent: list[bytes] = []
        self.calls: list[CloudCall | CloudVisit] = []
        self.milestones: list[str] = []
        self.on_milestone: Callable[[str], None] | None = None
        self.active = False
        self.alarm = math.inf
        """When polling something would have another result, by the board's clock."""

    @property
    def now(self) -> float:
        """Milliseconds since the reset, as the firmware counts them."""
        return self._clock - self._boot_at

    def set_clock(self, clock: float) -> None:
        """Move the clock, which counts on through resets."""
        self._clock = clock

    @property
    def alarm_at(self) -> float:
        """The alarm by the clock that counts on through resets."""
        return self.alarm + self._boot_at

    def wake_at(self, at: float) -> None:
        """Something that was polled changes at ``at``."""
        self.alarm = min(self.alarm, at)

    def receive(self, data: bytes) -> None:
        """Bytes of the host arrive in the port's buffer."""
        room = RECEIVE_BUFFER_BYTES - len(self.received)
        self.received += data[:room]
        self.lost_bytes += max(0, len(data) - room)

    def take(self) -> bytes:
        """All bytes that wait in the port's buffer."""
        data = bytes(self.received)
        self.received.clear()
        self.active = self.active or bool(data)
        return data

    def write(self, data: bytes) -> None:
        """Bytes to the host; lost while the port is not open."""
        self.active = True
        if self.port_open:
            self.sent.append(data)

    def print(self, line: str) -> None:
        """A line of text from the sketch itself."""
        self.write(line.encode() + b"\r\n")

    def log(self, *lines: str) -> None:
        """Lines of the debug log, which shares the port, if it is switched on."""
        if self.config.log:
            for line in lines:
                self.print(line)

    def reach(self, milestone: str) -> None:
        """Tell who simulates faults that a step of the procedure was reached."""
        self.active = True
        self.milestones.append(milestone)
        if self.on_milestone is not None:
            self.on_milestone(milestone)


class Timer:
    """A firmware timer that is polled. It has expired before it was first started."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self.delay = 0.0
        self.started = 0.0

    def start(self, delay_ms: float) -> None:
        """Expire after ``delay_ms`` from now."""
        self.delay = delay_ms
        self.started = self._hardware.now

    @property
    def expired(self) -> bool:
        """Whether the time is over; asks to be polled again when it will be."""
        end = self.started + self.delay
        if self._hardware.now > end:
            return True
        self._hardware.wake_at(end + 1)
        return False
