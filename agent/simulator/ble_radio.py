"""The Bluetooth LE radio of a simulated board, with the GATT server that its firmware polls.

No I/O: what a computer wants is queued until the firmware polls, as in a board that is busy with
a scan; what the firmware sends waits in :attr:`Radio.outbox`.
Source: protocol-v2, 3; ArduinoBLE a769ff8, src/utility/ATT.cpp, src/local/BLELocalCharacteristic.cpp.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.simulator.ble_air import DEFAULT_MTU, WRITE_OVERHEAD, GattCharacteristic, GattService

if TYPE_CHECKING:
    from agent.simulator.ble_air import Advertisement

SERVICE_UUID: Final = "5e5be887-c816-4d4f-b431-9eb34b02f4d9"
INPUT_UUID: Final = "0000ffe1-0000-1000-8000-00805f9b34fc"
OUTPUT_UUID: Final = "0000ffe1-0000-1000-8000-00805f9b34fa"
CCCD_UUID: Final = "00002902-0000-1000-8000-00805f9b34fb"
OUTPUT_HANDLE: Final = 0x000B
INPUT_HANDLE: Final = 0x000E
"""Declarations; the table begins with the services of GAP and GATT (nine handles)."""
SERVICES: Final = (
    GattService(
        handle=0x000A,
        uuid=SERVICE_UUID,
        characteristics=(
            GattCharacteristic(OUTPUT_HANDLE, OUTPUT_UUID, ("indicate",), ((0x000D, CCCD_UUID),)),
            GattCharacteristic(INPUT_HANDLE, INPUT_UUID, ("write",)),
        ),
    ),
)

INPUT_BYTES: Final = 256
"""Size of the value that the host writes."""
INDICATION_BYTES: Final = 64
"""Size of the value that the board indicates."""
RECEIVE_MTU: Final = 246
"""The board's own limit: a controller of 255 bytes less 9."""
INDICATE: Final = 0x0002
"""Of the client characteristic configuration."""
OK: Final = 0
READ_NOT_PERMITTED: Final = 0x02
WRITE_NOT_PERMITTED: Final = 0x03
INVALID_OFFSET: Final = 0x07

Answer: TypeAlias = Callable[[int], None]
"""Gets an ATT error code, or :data:`OK`."""


class Request(Enum):
    """What a computer asks the GATT server."""

    DISCOVER = auto()
    MTU = auto()
    READ = auto()
    CONFIGURE = auto()
    """Write the client characteristic configuration."""
    WRITE = auto()
    WRITE_LONG = auto()
    """Prepared in parts and executed."""


class Radio:
    """One board's radio; it outlives resets, which switch it off."""

    def __init__(self) -> None:
        self.advertisement: Advertisement | None = None
        """What is advertised while there is no link; None: the radio is off."""
        self.linked = False
        """Whether the controller has a link."""
        self.mtu = DEFAULT_MTU
        self.outbox: deque[bytes] = deque()
        """Indications that wait for their way to the computer and for its confirmation."""
        self.dropped = False
        """The board ended the link; it falls when the outbox is empty."""
        self.on_subscribed: Callable[[], None] = _nothing
        self.on_disconnected: Callable[[], None] = _nothing
        """Handlers of the firmware, called inside :meth:`poll`."""
        self._configuration = 0
        self._value = b""
        self._written = False
        self._requests: deque[tuple[Request, int, bytes, Answer]] = deque()
        self._lost = False
        self._off = False
        self._refusals: deque[int] = deque()

    # --- what a person does ---

    def switch(self, *, on: bool) -> None:
        """Switch it off, as a sketch does that needs it no more, and on again."""
        self._off = not on
        if self._off:
            self.lose()

    def refuse(self, code: int) -> None:
        """Answer the next write with this ATT error; nothing of it reaches the firmware."""
        self._refusals.append(code)

    # --- the computer's side ---

    @property
    def heard(self) -> Advertisement | None:
        """What can be heard now."""
        return None if self.linked or self._lost or self._off else self.advertisement

    def link(self) -> bool:
        """A computer makes a link; False if nobody answers."""
        if self.heard is None:
            return False
        self.linked = True
        return True

    def lose(self) -> None:
        """The link ends, by the computer's wish or for want of strength."""
        if self.linked:
            self.linked = False
            self._lost = True
            self._requests.clear()
            self.outbox.clear()

    def ask(self, request: Request, answer: Answer, *, number: int = 0, data: bytes = b"") -> None:
        """Queue a request; it is answered when the firmware polls, or never if the link ends."""
        self._requests.append((request, number, data, answer))

    @property
    def waiting(self) -> bool:
        """Whether polling would find something."""
        return self._lost or bool(self._requests)

    # --- the firmware's side ---

    def begin(self, advertisement: Advertisement) -> None:
        """Switch on and advertise."""
        self.advertisement = advertisement
        self._off = False

    def end(self) -> None:
        """Switch off: the link falls."""
        self.disconnect()
        self.advertisement = None

    def poll(self) -> bool:
        """Carry out what came; whether anything did."""
        came = self.waiting
        if self._lost:
            self._lost = False
            self._forget_link()
            self.on_disconnected()
        while self._requests:
            request, number, data, answer = self._requests.popleft()
            answer(self._serve(request, number, data))
        return came

    @property
    def subscribed(self) -> bool:
        """Whether the computer asked for indications."""
        return self._configuration != 0

    def take(self) -> bytes:
        """The value that was written since the last call; only the last one if there were more."""
        if not self._written:
            return b""
        self._written = False
        return self._value

    def clear_value(self) -> None:
        """Make the written value empty."""
        self._value = b""

    def indicate(self, data: bytes) -> int:
        """Send the beginning of ``data``; how many bytes of it: none without a subscription."""
        if not self.linked or not self._configuration & INDICATE:
            return 0
        size = min(len(data), INDICATION_BYTES, self.mtu - WRITE_OVERHEAD)
        self.outbox.append(data[:size])
        return size

    def disconnect(self) -> None:
        """End the link from the board's side, after what is still to be confirmed."""
        self.dropped, self.linked = self.dropped or self.linked, False
        self._lost = False
        self._requests.clear()
        self._forget_link()

    def _serve(self, request: Request, number: int, data: bytes) -> int:
        if request in {Request.WRITE, Request.WRITE_LONG} and self._refusals:
            return self._refusals.popleft()
        match request:
            case Request.MTU:
                self.mtu = max(DEFAULT_MTU, min(number, RECEIVE_MTU))
            case Request.READ:
                return READ_NOT_PERMITTED
            case Request.CONFIGURE if number != self._configuration:
                self._configuration = number
                if number:
                    self.on_subscribed()
            case Request.WRITE:
                self._value, self._written = data[:INPUT_BYTES], True
            case Request.WRITE_LONG if len(data) > INPUT_BYTES:
                return INVALID_OFFSET
            case Request.WRITE_LONG:
                self._value, self._written = data, True
        return OK

    def _forget_link(self) -> None:
        self._configuration = 0
        self.mtu = DEFAULT_MTU


def _nothing() -> None:
    """No handler yet."""
