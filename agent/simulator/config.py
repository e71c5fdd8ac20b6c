"""What a simulated board is: its model, its firmware, its identity, and how fast its time runs."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from agent.errors import InputError
from agent.settings.nvs_names import OUR_NAMES, NvsNames
from agent.simulator.board_cbor import ALL_KINDS, NetworkKind
from agent.simulator.improv_board import ImprovBoard
from agent.simulator.nrf_config import NrfConfig
from agent.simulator.timing import Timing
from agent.simulator.world import World, demo_world

if TYPE_CHECKING:
    from agent.catalog import Catalog, Model

BRIDGED_MODEL = "uno_r4_wifi"
"""Its USB connector belongs to a second chip: the port stays through resets and always counts as
open; a scan drops its Wi-Fi connection (protocol-v2, sections 2 and 7.1)."""
BOARDS_LIMIT = 256
"""Of one process; eight times as many as are meant to run side by side."""
RADIO_OFFSET = 2
"""That second chip is an ESP32-S3 and carries the radio: its number on USB is its base address, and
its Bluetooth has the base address plus two (ESP-IDF, “MAC address allocation”)."""
_BASE_ADDRESS = re.compile("[0-9A-Fa-f]{12}")
NO_BLE_ADDRESS = b"\xff" * 6

Milestone = Literal[
    "connect",
    "list",
    "version",
    "id",
    "reset",
    "settings",
    "joining",
    "connected",
    "certificate",
]
"""Steps of the procedure as the board sees them, in their order."""
MILESTONES: tuple[str, ...] = get_args(Milestone)
V1Milestone = Literal["info", "csr", "storage", "stored", "rebuilt"]
"""The same of provisioning 1.0: listens, makes a key, gets the device id, then the certificate,
and rebuilds it."""
V1_MILESTONES: tuple[str, ...] = get_args(V1Milestone)
LoaderMilestone = Literal["touch", "erase", "write", "verify", "restart"]
"""The same of flashing: the touch is felt; in the middle of erasing and of writing a chunk; before
flash is compared; before it starts what was written."""
LOADER_MILESTONES: tuple[str, ...] = get_args(LoaderMilestone)
FaultAction = Literal["unplug", "reboot", "silence", "wedge", "flip", "drop", "refuse"]
"""``flip``: the next byte that a bootloader writes is wrong, and stays so. ``drop``: the link over
the air falls. ``refuse``: the next write over the air is answered with an ATT error."""
RadioState = Literal["on", "off", "blocked", "absent", "forbidden", "stopped"]
"""What the computer's Bluetooth is like. ``off``: a program may switch it on; ``blocked``: it may
not (flight mode); ``absent``: no radio; ``forbidden``: this user may not use it; ``stopped``: its
service does not run."""
RADIO_STATES: tuple[str, ...] = get_args(RadioState)


SketchName = Literal[
    "provisioning",
    "application",
    "provisioning-1.0",
    "lora-1.0",
    "console-1.0",
    "console",
    "nvs",
    "micropython",
    "circuitpython",
    "other",
]
"""Sketches that a board can carry; without a number: of provisioning 2.0. ``console``: ours, with
the serial console of docs/console.md. ``nvs``: reads the settings area of an Espressif chip.
``micropython``, ``circuitpython``: that firmware, with a program that reads the file of
docs/micropython.md. ``other``: one that knows no provisioning and prints text."""
SKETCHES: tuple[str, ...] = get_args(SketchName)
PYTHON_BOARDS = {
    # Model: what the firmware calls the board, its chip, and sys.platform of MicroPython.
    "pico_w": ("Raspberry Pi Pico W", "RP2040", "rp2"),
    "nano_rp2040_connect": ("Arduino Nano RP2040 Connect", "RP2040", "rp2"),
    "esp32": ("Generic ESP32 module", "ESP32", "esp32"),
    "esp32s2": ("Generic ESP32S2 module", "ESP32S2", "esp32"),
    "esp32s3": ("Generic ESP32S3 module", "ESP32S3", "esp32"),
    "esp32c3": ("ESP32C3 module", "ESP32C3", "esp32"),
    "esp32c6": ("ESP32C6 module", "ESP32C6", "esp32"),
}
"""Boards that MicroPython and CircuitPython are simulated on."""
WAITING_SKETCHES = frozenset({"lora-1.0", "console-1.0"})
"""They print nothing before a host opens the port."""


class StepFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happens once, when the board reaches a step and before it answers it."""

    at: Milestone | V1Milestone | LoaderMilestone
    do: FaultAction
    after: Annotated[int, Meta(ge=0)] = 0
    """How often the step is let pass before."""
    back_after: float | None = None
    """Seconds until an unplugged board is plugged in again; None: never by itself."""


class LineFaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the line between board and host does to the bytes."""

    noise: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Probability of some random bytes before something that the board sends."""
    corrupt: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Probability that the end of what the host wrote is damaged (the board answers NACK)."""
    split: Annotated[int, Meta(ge=0)] = 0
    """Deliver to the host in pieces of at most so many bytes; 0: as they come."""
    merge_ms: Annotated[float, Meta(ge=0, le=1000)] = 0.0
    """Collect what the board sends for so long and deliver it at once."""


class BootloaderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a board shows itself after a touch, and what is wrong with its bootloader."""

    comes: Literal["once", "glitch", "never"] = "once"
    """``glitch``: its port comes, goes and comes again."""
    serial_number: Literal["same", "none", "other"] = "same"
    keeps_name: bool = False
    """Its port gets the name that the sketch's port had, if nobody has taken it meanwhile."""
    extended: bool = True
    """False: a SAMD loader without the fast commands."""
    silent: bool = False
    delay_ms: Annotated[float, Meta(ge=0)] = 0.0
    """Real time before each of its answers."""
    back_as: str = ""
    """USB serial number of the board that comes back after flashing; empty: the same board."""


class BoardConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The board itself; the firmware reads nothing else."""

    model: str = BRIDGED_MODEL
    serial_number: str = ""
    """USB serial number; empty: made from model and number."""
    sketch: SketchName = "provisioning"
    sketch_version: str = "0.6.2"
    library_version: str = "0.5.1"
    wifi_firmware: str = "0.6.0"
    uhwid: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""
    """Unique hardware id; empty: made from the serial number."""
    ble_address: Annotated[str, Meta(pattern="^([0-9a-f]{12})?$")] = ""
    """Empty: made from the serial number; ``ff`` six times from a board without Bluetooth."""
    usb: bool = True
    """False: it gets its power elsewhere, and no computer has its port."""
    ble: bool = False
    """Bluetooth LE is on, where somebody carries it (``agent.simulator.ble_board``)."""
    ble_name: str = ""
    """What it calls itself there; empty: made from the USB ids of the model."""
    networks: frozenset[NetworkKind] | None = None
    """Kinds of setting that the firmware was built for; None: those of the model."""
    wifi: bool = True
    """False: the variant of an Opta without Wi-Fi."""
    zero_touch: bool | None = None
    """Tries Ethernet by itself while it has no settings; None: if it has Ethernet."""
    log: bool = False
    """The sketch's debug log on the port."""
    drive: Literal["none", "in-use", "ejected"] = "ejected"
    """Of CircuitPython: switched off, written by the computer, or ejected there."""
    nvs: NvsNames = OUR_NAMES
    """Where its sketch looks for settings in the area of its chip."""
    answers: bool = True
    """False: the sketch on the board knows nothing of provisioning: silence."""
    bootloader: BootloaderConfig = BootloaderConfig()

    @property
    def adapters(self) -> frozenset[NetworkKind]:
        """Kinds of setting that the decoder accepts."""
        return ALL_KINDS if self.networks is None else self.networks

    @property
    def tries_ethernet(self) -> bool:
        """Whether the board tries Ethernet while it has no settings."""
        if self.zero_touch is None:
            return NetworkKind.ETHERNET in self.adapters
        return self.zero_touch

    @property
    def bridged(self) -> bool:
        """Whether the USB port is another chip's."""
        return self.model == BRIDGED_MODEL

    def notices_host(self, *, dtr: bool) -> bool:
        """Whether the sketch sees the host open and close the port (DTR)."""
        return not self.bridged and (dtr or self.sketch in WAITING_SKETCHES)

    @property
    def device_eui(self) -> str:
        """What a LoRa modem calls itself: 16 hex digits, made from the serial number."""
        tail = hashlib.sha256(f"eui {self.serial_number}".encode()).hexdigest()[:10]
        return f"a8610a{tail}"

    @property
    def uhwid_bytes(self) -> bytes:
        """The unique hardware id; one like a real one if none is given."""
        if self.uhwid:
            return bytes.fromhex(self.uhwid)
        return hashlib.sha256(f"uhwid {self.serial_number}".encode()).digest()

    @property
    def chip_id(self) -> bytes:
        """What the chip calls itself to a sketch of its own: the address of an ESP, 6 bytes."""
        return b"\xa0\x11" + hashlib.sha256(f"chip {self.serial_number}".encode()).digest()[:4]

    @property
    def ble_address_bytes(self) -> bytes:
        """The Bluetooth address, most significant byte first."""
        if self.ble_address:
            return bytes.fromhex(self.ble_address)
        if not self.wifi:
            return NO_BLE_ADDRESS
        if self.bridged and _BASE_ADDRESS.fullmatch(self.serial_number):
            base = bytes.fromhex(self.serial_number)
            return base[:-1] + bytes([(base[-1] + RADIO_OFFSET) % 256])
        tail = hashlib.sha256(f"ble {self.serial_number}".encode()).digest()[:3]
        return bytes.fromhex("f412fa") + tail


class SimulatorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A simulator process: one or several boards in one world."""

    board: BoardConfig = BoardConfig()
    count: Annotated[int, Meta(ge=0, le=BOARDS_LIMIT)] = 1
    """So many of ``board``, each with a serial number of its own."""
    boards: Annotated[tuple[BoardConfig, ...], Meta(max_length=BOARDS_LIMIT)] = ()
    """Boards of different kinds, instead of ``board`` and ``count``."""
    improv: Annotated[tuple[ImprovBoard, ...], Meta(max_length=BOARDS_LIMIT)] = ()
    """Improv devices beside the boards."""
    nrf: Annotated[tuple[NrfConfig, ...], Meta(max_length=BOARDS_LIMIT)] = ()
    """nRF91 boards beside them."""
    radio: RadioState = "on"
    """The computer's Bluetooth, where something is in the air."""
    rssi_dbm: int | None = None
    """How strong all devices in the air arrive, always; None: one more, one less, and varying."""
    new_address: bool = False
    """All devices in the air advertise from addresses that are not their own."""
    forget_after_s: Annotated[float, Meta(gt=0)] = 30.0
    """When the computer forgets a device in the air that is no longer heard."""
    timing: Timing = Timing()
    world: World = msgspec.field(default_factory=demo_world)
    speed: Annotated[float, Meta(gt=0, le=1_000)] = 1.0
    """How much faster than a real board its time runs."""
    line: LineFaults = LineFaults()
    faults: tuple[StepFault, ...] = ()
    cloud: str | None = None
    """Base address of the cloud that the certificate comes from; None: the step is simulated."""
    folder: str | None = None
    """Where ports are announced; None: nowhere."""
    hub: str = "9-"
    """What the USB locations of the boards begin with; their numbers follow."""
    tcp: bool = False
    """A loopback socket instead of a pseudo-terminal. Always on Windows."""
    dtr: bool = False
    """Take the host's closing of the port for a dropped DTR (boards with native USB)."""
    seed: int = 0
    """Start of everything random."""

    @property
    def uses_air(self) -> bool:
        """Whether something in it is reached through the air."""
        boards = self.boards or (self.board,) * bool(self.count)
        return any(board.ble for board in boards) or any(each.link == "ble" for each in self.improv)

    @property
    def board_count(self) -> int:
        """How many boards there are."""
        return len(self.boards) or self.count

    def board_at(self, number: int) -> tuple[BoardConfig, int]:
        """The board with this number, and its place in a series of the same (0: none)."""
        return (self.boards[number], 0) if self.boards else (self.board, number)


def complete(
    board: BoardConfig, catalog: Catalog, number: int = 0, series: int | None = None
) -> BoardConfig:
    """``board`` with what its model says filled in.

    ``number`` makes a serial number where none is given; ``series``, which is the same unless
    given, tells boards apart that were given one in common.

    Raises :class:`InputError` for a model that is unknown or never carries this sketch.
    """
    model = catalog.get(board.model)
    if model is None or not _carries(model, board.sketch):
        known = sorted(m.id for m in catalog.models if _carries(m, board.sketch))
        what = _SKETCH_WORDS.get(board.sketch, "provisioning 2.0")
        problem = f"is not a model with {what}; there are {', '.join(known)}"
        raise InputError(field=board.model, problem=problem)
    digest = hashlib.sha256(f"{board.model} {number}".encode()).hexdigest()
    base = board.serial_number
    series = number if series is None else series
    usual = f"F412FA{digest[:6]}" if board.bridged else f"51A{digest[:13]}"
    serial = (f"{base}-{series}" if series else base) if base else usual.upper()
    networks = board.networks
    if networks is None:
        networks = frozenset(NetworkKind(name) for name in model.networks)
    name = board.ble_name or _ble_name(model)
    if board.ble and not (name and board.wifi):
        known = sorted(m.id for m in catalog.models if _ble_name(m))
        problem = f"is not provisioned over Bluetooth LE; there are {', '.join(known)}"
        raise InputError(field=board.model, problem=problem)
    return msgspec.structs.replace(board, serial_number=serial, networks=networks, ble_name=name)


def _ble_name(model: Model) -> str:
    """``Arduino-VVVV-PPPP`` with the USB ids of the sketch (protocol-v2, 3); empty without BLE."""
    usb = model.usb.sketch
    if not model.ble_provisioning.capable or not usb or usb[0].pid is None:
        return ""
    return f"Arduino-{usb[0].vid:04x}-{usb[0].pid:04x}"


_SKETCH_WORDS = {
    "provisioning-1.0": "provisioning 1.0",
    "lora-1.0": "LoRa",
    "console-1.0": "provisioning 1.0",
    "console": "a sketch of one's own",
    "nvs": "a settings area (NVS)",
    "micropython": "MicroPython",
    "circuitpython": "CircuitPython",
    "other": "a bootloader that is known here",
}


def default_sketch(model: Model) -> SketchName:
    """What a board of this model carries if nobody says otherwise: the newest that there is."""
    if "2.0" in model.provisioning:
        return "provisioning"
    if "1.0" not in model.provisioning:
        return "other"
    return "lora-1.0" if "lora" in model.connectivity else "provisioning-1.0"


def _carries(model: Model, sketch: SketchName) -> bool:
    """Which boards a sketch is made for (protocol-v1, section 1).

    The vendor has no 1.0 sketch for the UNO R4 WiFi; here it can run one, to be migrated.
    """
    if sketch in {"micropython", "circuitpython"}:
        return model.id in PYTHON_BOARDS
    if sketch == "nvs":
        return "partitions" in model.upload.flash_layout
    if sketch in {"other", "console"}:
        return model.fqbn is not None and model.upload.method != "adb"
    if sketch == "provisioning-1.0" and model.id == BRIDGED_MODEL:
        return True
    if sketch in {"provisioning", "application"}:
        return "2.0" in model.provisioning
    lora = "lora" in model.connectivity
    return "1.0" in model.provisioning and lora == (sketch == "lora-1.0")
