"""Devices, orders and ways through the procedures that make a device in a cloud."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agent.catalog import Catalog
from agent.clouds.devices import Device, FrequencyPlan, LoRaDevice, NewDevice
from agent.errors import (
    AnswerMissing,
    CertificateRefused,
    CloudAnswer,
    CommandRefused,
    DeviceRefused,
    InternalError,
    NetworkModuleFailed,
    NotAuthorised,
    PortBusy,
    PortFailed,
    PortGone,
    QuotaReached,
    SketchHalted,
    Unreachable,
    WrongSketch,
)
from agent.flash.method import FlashImage, FlashPlan, FlashTarget
from agent.jobs import device_effects as dx
from agent.jobs import effects as fx
from agent.jobs import flash_effects as flash
from agent.jobs.device_steps import DeviceOrder
from agent.jobs.provision_lora import ProvisionLoRa
from agent.jobs.provision_v1 import ProvisionV1
from agent.jobs.secret_key import ProvisionSecretKey
from agent.jobs.which import decide
from agent.protocols.v1.certificate import CompressedCertificate
from agent.settings import Secret
from agent.settings.network import WiFi
from tests.jobs.drive import Drive

if TYPE_CHECKING:
    from agent.errors import MooringError

SERIAL = "8A0C0001"
DEVICE_ID = "01234567-89ab-cdef-0123-456789abcdef"
KEY = "marker-secret-key-c4d1"
APP_KEY = "A1B2C3D4E5F60718A1B2C3D4E5F60718"
APP_EUI = "0102030405060708"
EUI = "A8610A3233388B06"
PASSWORD = "marker-wifi-password-0e2b"
CSR = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n"
CERTIFICATE = CompressedCertificate(
    not_before=datetime(2026, 1, 2, 3, tzinfo=UTC),
    serial=bytes(range(1, 17)),
    authority_key_id=bytes(range(20)),
    signature=bytes(range(1, 65)),
)
PLANS = [
    FrequencyPlan(id="AS_920_923", name="Asia 920-923 MHz", advanced=True),
    FrequencyPlan(id="EU_863_870_TTN", name="Europe 863-870 MHz"),
]
MODELS = {
    "provision-1.0": ("mkr_wifi_1010", "arduino:samd:mkrwifi1010"),
    "lora-1.0": ("mkr_wan_1310", "arduino:samd:mkrwan1310"),
    "secret-key": ("esp32", "esp32:esp32:esp32"),
}
CATALOG = Catalog.load()

GONE = PortGone(port="/dev/ttyACM0")
BUSY = PortBusy(port="/dev/ttyACM0", holder="ModemManager")
FAILED_PORT = PortFailed(port="/dev/ttyACM0", detail="Input/output error")
DOWN = Unreachable(cloud="Arduino Cloud", detail="No answer.", sent=True)
HALTED = SketchHalted(seconds=10, why="Another sketch runs on it.")
SILENT = AnswerMissing(command="signature", seconds=2)
NOT_DONE = CommandRefused(command="end storage", answer="04")
REFUSALS: list[MooringError] = [
    DeviceRefused(cloud="Arduino Cloud", detail="the plan allows no more devices", status=412),
    NotAuthorised(cloud="Arduino Cloud", detail="d"),
    QuotaReached(cloud="Arduino Cloud", detail="d"),
    Unreachable(cloud="Arduino Cloud", detail="refused", sent=False),
]
LOST: list[MooringError] = [
    DOWN,
    CloudAnswer(cloud="Arduino Cloud", detail="odd"),
    InternalError(kind="KeyError"),
]
CLOUD_ERRORS: list[MooringError] = [
    *LOST,
    CertificateRefused(cloud="Arduino Cloud", detail="d"),
    QuotaReached(cloud="Arduino Cloud", detail="d"),
]
BOARD_ERRORS: list[MooringError] = [
    GONE,
    BUSY,
    FAILED_PORT,
    HALTED,
    SILENT,
    NOT_DONE,
    WrongSketch(what="provisioning 1.0", why="A console sketch is running."),
    NetworkModuleFailed(why="Its sketch says so."),
    InternalError(kind="ValueError"),
]


def device(id_: str = DEVICE_ID, **changes: Any) -> Device:
    usual: dict[str, Any] = {"id": id_, "name": "kitchen-sensor", "serial": SERIAL}
    return Device(**(usual | changes))


def lora_device(id_: str = DEVICE_ID) -> LoRaDevice:
    return LoRaDevice(device_id=id_, eui=EUI, app_eui=APP_EUI, app_key=Secret(APP_KEY))


def device_order(procedure: str = "secret-key", **changes: Any) -> DeviceOrder:
    model, fqbn = MODELS[procedure]
    decision = decide(
        CATALOG.get(model), wanted="provision-1.0" if procedure == "provision-1.0" else None
    )
    usual: dict[str, Any] = {
        "decision": decision,
        "cloud": "arduino",
        "cloud_title": "Arduino Cloud",
        "new": NewDevice(
            name="kitchen-sensor",
            fqbn=fqbn,
            serial_number=SERIAL,
            secret_key=procedure == "secret-key",
        ),
        "network": None
        if procedure == "lora-1.0"
        else WiFi(ssid="HomeNet", password=Secret(PASSWORD)),
        "confirmed": True,
    }
    return DeviceOrder(**(usual | changes))


def secret_key(*, attended: bool = True, **changes: Any) -> Drive:
    return Drive(ProvisionSecretKey(device_order(**changes), attended=attended))


def to_making(drive: Drive, *there: Device) -> Drive:
    """Through PREPARING: the cloud has these devices of the board."""
    return drive.done(fx.SettleLeftovers, []).done(dx.FindDevices, list(there))


def to_keying(drive: Drive) -> Drive:
    return to_making(drive).done(dx.CreateDevice, device())


def to_delivering(drive: Drive) -> Drive:
    return to_keying(drive).done(dx.SecretKey, Secret(KEY))


def delivered(drive: Drive) -> str:
    """The text of the file that was handed over."""
    files = [request for request in drive.asked if isinstance(request, dx.Deliver)]
    assert len(files) == 1
    assert files[0].name == "arduino_secrets.h"
    return files[0].content.reveal()


def to_end(drive: Drive) -> Drive:
    """From DELIVERING on."""
    return drive.done(dx.Deliver).done(fx.CloseSession).done(fx.CloseSession)


# --- with a sketch ---------------------------------------------------------------------------


def provision_v1(*, attended: bool = True, **changes: Any) -> Drive:
    return Drive(ProvisionV1(device_order("provision-1.0", **changes), attended=attended))


def lora(*, attended: bool = True, **changes: Any) -> Drive:
    return Drive(ProvisionLoRa(device_order("lora-1.0", **changes), attended=attended))


def prepared() -> flash.Prepared:
    plan = FlashPlan(
        image=FlashImage(name="sketch.bin", format="bin", data=b"\0", sha256="0" * 64),
        model="mkr_wifi_1010",
        address=0x2000,
        size=1,
    )
    return flash.Prepared(
        name="sketch.bin",
        sha256="0" * 64,
        size=1,
        version=None,
        notes=(),
        plan=plan,
        place="9-1",
        shows=True,
    )


def to_writing(drive: Drive) -> Drive:
    """Through FETCHING and ENTERING; a frequency plan is there."""
    if drive.waits_for(dx.FrequencyPlans):
        drive.done(dx.FrequencyPlans, PLANS)
    drive.done(flash.PrepareFlash, prepared())
    return drive.done(flash.EnterBootloader, FlashTarget(address="/dev/ttyACM0"))


def to_listening(drive: Drive) -> Drive:
    return to_writing(drive).done(flash.WriteFlash).done(flash.WaitSketch)


def to_preparing(drive: Drive) -> Drive:
    return drive.done(dx.ReadEui, EUI) if drive.waits_for(dx.ReadEui) else drive.done(dx.OpenV1)


def to_certifying(drive: Drive) -> Drive:
    return to_making(to_preparing(to_listening(drive))).done(dx.CreateDevice, device())


def certified(drive: Drive) -> Drive:
    """Through CERTIFYING."""
    drive.done(dx.MakeCsr, CSR).done(dx.Certify, CERTIFICATE)
    return drive.done(dx.StoreCertificate)
