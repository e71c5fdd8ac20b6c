"""The provisioning sketch of 1.0: commands, answers and what they leave in the secure element.

Source: protocol-v1, sections 2 to 4; arduino-cloud-cli c6c9ee2, CryptoProvision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.protocols.v1.commands import (
    AUTHORITY_KEY_ID_BYTES,
    SERIAL_BYTES,
    SIGNATURE_BYTES,
    Command,
    FrameType,
    Response,
)
from agent.protocols.v2.frames import encode_frame
from agent.simulator.board_cbor import Halted
from agent.simulator.v1_receiver import BufferOverrun, Message, V1Receiver
from agent.simulator.world import SecureElement

if TYPE_CHECKING:
    from agent.simulator.hardware import Hardware, Steps

BYTE_AT_ADDRESS_3: Final = 0x20
"""What a response to a wrong check value carries: the sketch uses a code as an address. On these
processors the top byte of the first stack address lies there, and their memory begins at 0x20…"""
MALFORMED: Final = bytes.fromhex("55aa0301")
"""Start of the answer to a data frame: no check value, a length of one byte."""

_HALTING: Final = {
    SecureElement.NO_ANSWER,
    SecureElement.NO_CONFIGURATION,
    SecureElement.NO_LOCK,
}
_DATES: Final = {
    Command.YEAR: 0,
    Command.MONTH: 1,
    Command.DAY: 2,
    Command.HOUR: 3,
    Command.VALIDITY: 4,
}
_SIZES: Final = {
    Command.SERIAL: SERIAL_BYTES,
    Command.AUTHORITY_KEY_ID: AUTHORITY_KEY_ID_BYTES,
    Command.SIGNATURE: SIGNATURE_BYTES,
}
_MILESTONES: Final = {
    Command.SKETCH_INFO: "info",
    Command.CSR: "csr",
    Command.BEGIN_STORAGE: "storage",
    Command.END_STORAGE: "stored",
    Command.RECONSTRUCT: "rebuilt",
}
DEVICE_ID_BUFFER: Final = 72


class ProvisioningSketchV1:
    """Answers frames; logs elsewhere, so that the port carries frames only."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._receiver = V1Receiver()
        self._heard = False
        self._device_id = bytearray(DEVICE_ID_BUFFER)
        self._forget_certificate()

    @property
    def host_connected(self) -> bool:
        """A host sent a whole frame since the reset."""
        return self._heard

    @property
    def state_name(self) -> str:
        """It has one state only."""
        return "PROVISIONING_1.0"

    @property
    def working(self) -> bool:
        """Never between two turns: each command is answered in the one that reads it."""
        return False

    def setup(self) -> Steps[None]:
        """Start and lock the secure element; without one nothing ever answers."""
        yield self._hardware.timing.setup
        if self._hardware.world.secure_element in _HALTING:
            raise Halted
        self._hardware.memory.element.locked = True

    def turn(self) -> Steps[None]:
        """Carry out what has arrived."""
        while True:
            before = len(self._hardware.received)
            try:
                message = self._receiver.poll(self._hardware.received)
            except BufferOverrun:
                raise Halted from None
            self._hardware.active |= len(self._hardware.received) != before
            if message is None:
                return
            self._heard = True
            yield from self._handle(message)

    def cloud_answer(self, status: int | None, body: bytes) -> None:
        """Nothing: this sketch asks no cloud."""

    def release_pin(self) -> None:
        """Nothing: it reads no pin."""

    def wedge(self) -> None:
        """Wait for an end marker."""
        self._receiver.lose_end()

    def _handle(self, message: Message) -> Steps[None]:
        if not message.intact:
            self._answer(BYTE_AT_ADDRESS_3)
        elif message.type == FrameType.COMMAND:
            yield from self._carry_out(message.code, message.payload[1:])
        elif message.type == FrameType.DATA:
            code = Response.ACK if message.length else Response.NACK
            self._hardware.write(MALFORMED + bytes((code,)) + bytes.fromhex("aa55"))

    def _carry_out(self, code: int, data: bytes) -> Steps[None]:
        if code not in set(Command):
            return
        command = Command(code)
        if command in _MILESTONES:
            self._hardware.reach(_MILESTONES[command])
        if command is Command.CSR:
            yield from self._request(data)
            return
        if command is Command.END_STORAGE or command is Command.RECONSTRUCT:
            yield self._hardware.timing.sign
        self._answer(Response.ACK if self._done(command, data) else Response.ERROR)

    def _done(self, command: Command, data: bytes) -> bool:
        """Whether the command could be carried out."""
        match command:
            case Command.BEGIN_STORAGE:
                return self._begin_storage()
            case Command.END_STORAGE:
                return self._end_storage()
            case Command.RECONSTRUCT:
                return self._rebuild()
        if command in _DATES:
            self._dates[_DATES[command]] = _to_int(data)
        elif command in _SIZES:
            if len(data) != _SIZES[command]:
                return False
            self._parts[command] = data
        return True

    def _request(self, data: bytes) -> Steps[None]:
        """A new key and the request for it; if that fails the sketch stops."""
        # Not cleared before: a shorter id keeps the tail of the one before it.
        self._device_id[: len(data)] = data
        del self._device_id[DEVICE_ID_BUFFER:]
        world, element = self._hardware.world, self._hardware.memory.element
        yield self._hardware.timing.sign
        if world.secure_element is SecureElement.NO_KEY:
            raise Halted
        pem = element.csr_as_board(self._device_name)
        self._hardware.write(encode_frame(FrameType.DATA, pem.encode()))

    def _begin_storage(self) -> bool:
        from agent.simulator.device_certificate import DEVICE_ID_SLOT, SLOT_BYTES

        if not self._writes:
            return False
        element = self._hardware.memory.element
        element.device_id = self._device_name
        element.slots[DEVICE_ID_SLOT] = self._device_name.encode("latin-1").ljust(SLOT_BYTES, b"\0")
        self._forget_certificate()
        return True

    def _end_storage(self) -> bool:
        from agent.simulator.device_certificate import (
            COMPRESSED_SLOT,
            KEY_SLOT,
            SERIAL_SLOT,
            SLOT_BYTES,
            pack_dates,
        )

        element = self._hardware.memory.element
        if not self._writes or not element.has_key(KEY_SLOT):
            return False
        parts = self._parts
        compressed = parts[Command.SIGNATURE] + pack_dates(*self._dates)
        element.slots[COMPRESSED_SLOT] = compressed.ljust(SLOT_BYTES, b"\0")
        element.slots[SERIAL_SLOT] = parts[Command.SERIAL] + parts[Command.AUTHORITY_KEY_ID]
        return True

    def _rebuild(self) -> bool:
        from agent.simulator.device_certificate import rebuild

        try:
            rebuild(self._hardware.memory.element)
        except (KeyError, ValueError):
            return False
        return True

    def _forget_certificate(self) -> None:
        self._dates = [2000, 0, 0, 0, 0]
        self._parts = {command: bytes(size) for command, size in _SIZES.items()}

    @property
    def _device_name(self) -> str:
        """The device id as C text."""
        return bytes(self._device_id).split(b"\0", 1)[0].decode("latin-1")

    @property
    def _writes(self) -> bool:
        return self._hardware.world.secure_element is not SecureElement.NO_WRITE

    def _answer(self, code: int) -> None:
        self._hardware.write(encode_frame(FrameType.RESPONSE, bytes((code,))))


def _to_int(digits: bytes) -> int:
    """Leading decimal digits as a number; 0 without any."""
    count = next((i for i, byte in enumerate(digits) if not 0x30 <= byte <= 0x39), len(digits))
    return int(digits[:count] or b"0")
