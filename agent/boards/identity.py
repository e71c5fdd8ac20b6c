"""What tells one board from another: serial numbers, sockets, models, and the ids made of them.

Pure functions. A USB serial number is the best evidence, if it is one: many makers give all their
devices the same or none. Then the socket (topology) speaks, which names a place and not a board.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from agent.links.ble import SCHEME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.boards.board import Port
    from agent.catalog import Model, UsbMatch

SHORT_SERIAL_CHARS: Final = 20
"""A serial number up to this length stays whole in the id; the 32 digits of SAMD boards do not."""
SERIAL_CHARS_MIN: Final = 4
"""Shorter ones are versions or placeholders (``5``, ``301``), not numbers of one device."""

_PLACEHOLDERS: Final = frozenset({"HIDFG", "NONE", "NULL", "UNKNOWN", "SERIAL", "DEADBEEF"})
"""``HIDFG``: ATmega32U4 cores build it from interface letters."""
_COUNTING: Final = "0123456789ABCDEF0123456789"
_SHARED_SERIALS: Final = frozenset({(0x2E8A, 0x0003)})
"""USB ids whose serial number says nothing: all RP2040 of one revision show the same from their
boot ROM (``E0C912952D54``, ``E0C9125B0D9B``). Source: device names in public udev rules."""
_MAC: Final = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._]+")

_BASE_MAC: Final = re.compile(r"[0-9A-Fa-f]{12}")
UNO_R4_WIFI: Final = (0x2341, 0x1002)
ESP_USB_JTAG: Final = (0x303A, 0x1001)
"""USB of the chip itself, without firmware: ESP32-C3, -S3, -C6, -H2."""
RADIO_OFFSET: Final = 2
"""Of the last octet: station, access point, Bluetooth, Ethernet have the base address plus 0 to 3."""

BRIDGES: Final[dict[int, str]] = {
    0x0403: "FTDI",
    0x10C4: "CP210x",
    0x1A86: "CH34x",
    0x1366: "J-Link",
    0x303A: "USB-Serial/JTAG",
}
"""Vendors whose ids stand for an interface chip and not for a board. Source: the catalogue."""


class UsbLookup(Protocol):
    """The part of the catalogue that tells boards by their USB ids."""

    def by_usb(self, vid: int, pid: int) -> list[UsbMatch]:
        """Models that show these USB ids, each once, with a sketch first."""


class Face(NamedTuple):
    """One USB device as it shows itself; a board has another one in its loader."""

    vid: int | None
    pid: int | None
    serial: str | None
    """The serial number, only if it can tell devices apart."""
    topology: str | None
    address: str | None
    """The port's name, only where the socket is not known."""

    @property
    def by_place(self) -> bool:
        """Only the socket or the port's name speaks for it: another board may sit there."""
        return self.serial is None


def face_of(port: Port) -> Face:
    """The device that a port belongs to; several ports of one device give the same.

    Without a socket each port is a device of its own: two boards may have the same number.
    """
    shared = (port.vid, port.pid) in _SHARED_SERIALS
    serial = None if shared else usable_serial(port.serial_number)
    topology = socket_of(port.location)
    return Face(port.vid, port.pid, serial, topology, None if topology else port.address)


def usable_serial(serial: str | None) -> str | None:
    """The serial number if it can tell one device from another, else None.

    Not usable are empty and short ones, repeated or counting digits, factory values with
    leading zeros, and what Windows makes up from the socket (it contains ``&``). A hardware
    address loses its colons: ESP32 sketches write it without, the ROM loader with them.
    """
    text = (serial or "").strip()
    if _MAC.fullmatch(text):
        text = text.replace(":", "")
    significant = text.upper().lstrip("0")
    if len(significant) < SERIAL_CHARS_MIN or "&" in text or len(set(significant)) == 1:
        return None
    if significant in _PLACEHOLDERS or significant in _COUNTING:
        return None
    return text


def socket_of(location: str | None) -> str | None:
    """The USB socket without the interface: ``1-2.3:1.0`` is ``1-2.3``."""
    return (location or "").partition(":")[0] or None


def board_id(face: Face, models: Sequence[Model]) -> str:
    """``uno_r4_wifi-F412FA65``: the same for the same evidence, fit for a command line."""
    if len(models) == 1:
        stem = models[0].id
    elif face.vid is not None and face.pid is not None:
        stem = f"usb-{face.vid:04x}-{face.pid:04x}"
    else:
        stem = "port"
    if face.serial:
        return f"{stem}-{_serial_part(face.serial)}"
    return f"{stem}-{place_part(face)}"


def air_key(port: Port) -> str:
    """What a device in the air is recognised by: ``A1B2C3D4E5F6``.

    The number that it advertises, else the address that the system connects to, which some
    devices change.
    """
    return port.serial_number or air_digits(port.address)


def air_digits(address: str) -> str:
    """``A1B2C3D4E5F6`` out of ``ble://a1:b2:c3:d4:e5:f6``."""
    return address.removeprefix(SCHEME).replace(":", "").upper()


def air_key_of(face: Face) -> str | None:
    """What a board on a cable must be heard as, where its USB number says so.

    That of Espressif's USB-Serial/JTAG is the base address of the chip (espressif/esp-idf issue 18516),
    whose radio has it plus two unless its firmware was built otherwise (ESP-IDF, “MAC address
    allocation”). The USB bridge of the UNO R4 WiFi is an ESP32-S3, whose number is its base address
    (``F09E9E7B1E90``); the radio is in the same chip. Source: arduino/uno-r4-wifi-usb-bridge
    (``USB.begin`` without a number of its own); a number in pyocd pull request 2017. Not measured on
    hardware: a session that reads another address is believed.
    """
    if (face.vid, face.pid) not in {UNO_R4_WIFI, ESP_USB_JTAG} or not _BASE_MAC.fullmatch(
        face.serial or ""
    ):
        return None
    base = bytes.fromhex(face.serial or "")
    return (base[:-1] + bytes([(base[-1] + RADIO_OFFSET) % 256])).hex().upper()


def air_id(key: str, models: Sequence[Model]) -> str:
    """The id of a board that was never seen but in the air: ``uno_r4_wifi-A1B2C3D4E5F6``."""
    model = model_of(models)
    return f"{model.id if model else 'ble'}-{_UNSAFE.sub('-', key)}"


def place_part(face: Face) -> str:
    """The socket or the port's name as a part of an id."""
    place = face.topology or (face.address or "").removeprefix("/dev/")
    return _UNSAFE.sub("-", place).strip("-") or "0"


def model_of(models: Sequence[Model]) -> Model | None:
    """The model if there is only one, or if all are one board in different carriers."""
    if not models:
        return None
    first = models[0]
    if len(models) == 1 or (first.fqbn and all(m.fqbn == first.fqbn for m in models)):
        return first
    return None


def shown_name(models: Sequence[Model], vid: int | None) -> str:
    """What a board is called that nobody has named."""
    model = model_of(models)
    if model:
        return model.name
    if not models:
        return "Unknown board"
    bridge = BRIDGES.get(vid or 0)
    behind = f" ({bridge})" if bridge else ""
    names = [model.name.partition(" (")[0] for model in models]
    if len(names) == 2:
        return f"{names[0]} or {names[1]}{behind}"
    return f"{names[0]} or similar{behind}"


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts ``ttyACM10`` after ``ttyACM9``."""
    return tuple(
        (0, int(part), "") if part.isdecimal() and part.isascii() else (1, 0, part)
        for part in re.split(r"([0-9]+)", text)
        if part
    )


def _serial_part(serial: str) -> str:
    safe = _UNSAFE.sub("-", serial).strip("-")
    if safe == serial and len(serial) <= SHORT_SERIAL_CHARS:
        return serial
    # What was cut or replaced lives on in the check digits, so that ids stay different.
    check = hashlib.sha256(serial.encode("utf-8", "surrogatepass")).hexdigest()[:4].upper()
    return f"{safe[:8]}-{check}"
