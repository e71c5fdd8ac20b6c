"""The interface of a cloud that makes a device before its board knows of it.

So it is with provisioning 1.0, LoRa boards and boards with a secret key; with provisioning 2.0 a
board is claimed instead (``cloud.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.protocols.v1.certificate import CompressedCertificate


class NewDevice(msgspec.Struct, frozen=True, kw_only=True):
    """What a device is made of."""

    name: str
    fqbn: str
    serial_number: str | None = None
    connection_type: str | None = None
    """``wifi``, ``eth``, ``gsm`` …; None where the board has one way only."""
    secret_key: bool = False
    """For a board without a certificate: it signs in with its id and a key."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device as the cloud lists it."""

    id: str
    name: str = ""
    serial: str | None = None
    type: str | None = None
    fqbn: str | None = None
    created_at: str | None = None
    """RFC 3339, by the cloud's clock; None where it does not tell."""


class LoRaDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A LoRa device, with what its sketch needs; the key is told this once."""

    device_id: str
    eui: str
    app_eui: str
    app_key: Secret


class FrequencyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A LoRa frequency plan to choose from."""

    id: str
    name: str = ""
    advanced: bool = False
    """For people who know it only."""


class Devices(Protocol):
    """The calls for one account; errors are CloudError."""

    async def find(self, serial_number: str | None) -> list[Device]:
        """Devices with this USB serial number; all of the account if it is None."""

    async def create(self, new: NewDevice, known: Collection[str] | None = None) -> Device:
        """Make a device; never repeated blindly. ``known``: ids of those that were there before.

        DeviceRefused if the cloud makes none; Unreachable with ``sent`` true if it may have made
        one all the same and does not list it.
        """

    async def create_lora(
        self,
        new: NewDevice,
        *,
        eui: str,
        frequency_plan: str,
        known: Collection[str] | None = None,
    ) -> LoRaDevice:
        """Make a LoRa device; a device whose key was lost with the answer is deleted again."""

    async def show(self, device_id: str) -> Device:
        """The device as it is now."""

    async def delete(self, device_id: str) -> None:
        """Delete a device; one that is gone already is not an error."""

    async def certificate(self, device_id: str, csr: str) -> CompressedCertificate:
        """The certificate for a board's request (PEM); CertificateRefused if there is none."""

    async def secret_key(self, device_id: str) -> Secret:
        """A new secret key for the device; it can be read this once only."""

    async def frequency_plans(self) -> list[FrequencyPlan]:
        """All LoRa frequency plans."""


@runtime_checkable
class DeviceCloud(Protocol):
    """A cloud that keeps devices."""

    async def devices(self) -> Devices:
        """The calls for the account that is signed in; NotSignedIn without one."""
