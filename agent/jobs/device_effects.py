"""Requests of the procedures that make a device in a cloud: provisioning 1.0, LoRa, secret key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.jobs.effects import Look, Make, Request, TakeBack

if TYPE_CHECKING:
    from agent.clouds.devices import NewDevice
    from agent.protocols.v1.certificate import CompressedCertificate
    from agent.settings import Secret


class DeviceRequest(Request):
    """A request of this module."""

    __slots__ = ()


# --- the cloud -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FindDevices(DeviceRequest, Look):
    """Value: list of :class:`agent.clouds.devices.Device`."""

    serial_number: str | None


@dataclass(frozen=True, slots=True)
class CreateDevice(DeviceRequest, Make):
    """Value: :class:`agent.clouds.devices.Device`."""

    new: NewDevice
    known: tuple[str, ...]
    """Ids of the devices that were there before."""


@dataclass(frozen=True, slots=True)
class CreateLoRa(DeviceRequest, Make):
    """Value: :class:`agent.clouds.devices.LoRaDevice`, with its key."""

    new: NewDevice
    known: tuple[str, ...]
    eui: str
    frequency_plan: str


@dataclass(frozen=True, slots=True)
class DeleteDevice(DeviceRequest, TakeBack):
    """Value: None."""

    device: str


@dataclass(frozen=True, slots=True)
class ShowDevice(DeviceRequest):
    """Value: :class:`agent.clouds.devices.Device`."""

    device: str


@dataclass(frozen=True, slots=True)
class FrequencyPlans(DeviceRequest):
    """Value: list of :class:`agent.clouds.devices.FrequencyPlan`."""


@dataclass(frozen=True, slots=True)
class SecretKey(DeviceRequest):
    """A new key for the device, which can be read this once. Value: Secret."""

    device: str


@dataclass(frozen=True, slots=True)
class Certify(DeviceRequest):
    """Value: :class:`agent.protocols.v1.certificate.CompressedCertificate`."""

    device: str
    csr: str
    """The board's certificate request (PEM)."""


# --- the board -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenV1(DeviceRequest):
    """Open the port and ask whether the sketch of provisioning 1.0 listens. Value: None."""


@dataclass(frozen=True, slots=True)
class MakeCsr(DeviceRequest):
    """A new key on the board. Value: the certificate request for it (PEM)."""

    device: str


@dataclass(frozen=True, slots=True)
class StoreCertificate(DeviceRequest):
    """Value: None."""

    certificate: CompressedCertificate


@dataclass(frozen=True, slots=True)
class ReadEui(DeviceRequest):
    """Open the port, read what the LoRa sketch prints, close it. Value: 16 hex digits."""


# --- the person ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deliver(DeviceRequest):
    """Keep a file with secrets for the person to fetch, in memory only. Value: None."""

    name: str
    content: Secret
