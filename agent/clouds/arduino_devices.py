"""Devices of Arduino Cloud that are made before the board knows of them: 1.0, LoRa, secret key.

Creation is never repeated blindly: after a lost answer the list tells whether there is a new
device. What a failure later means is the caller's; :meth:`ArduinoDevices.undo` cleans up.
Source: protocol-v1, sections 5 to 7; cloud-arduino, sections 2, 3 and 7.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from agent.clouds.devices import Device, FrequencyPlan, LoRaDevice, NewDevice
from agent.clouds.http import Request, detail_of
from agent.errors import (
    CertificateRefused,
    CloudAnswer,
    CloudError,
    DeviceLeft,
    DeviceRefused,
    MooringError,
    ServiceFault,
    Unreachable,
)
from agent.protocols.v1.certificate import CertificateUnusable, CompressedCertificate, compress
from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.clouds.arduino_api import ArduinoApi
    from agent.clouds.http import Answer

DEVICES: Final = "/iot/v2/devices"
LORA_DEVICES: Final = "/iot/v1/lora-devices/"
FREQUENCY_PLANS: Final = "/iot/v1/lora-freq-plans/"
AUTHORITY: Final = "Arduino_v2"
CSR_CHARS: Final = 1024
SECRET_KEY_TYPE: Final = "login_and_secretkey_wifi"  # noqa: S105  (a type of device)
LORA_APP: Final = "defaultApp"


class _Plans(msgspec.Struct, frozen=True):
    frequency_plans: list[FrequencyPlan] = []


class _Certificate(msgspec.Struct, frozen=True):
    compressed: dict[str, object]


class _Password(msgspec.Struct, frozen=True):
    suggested_password: str = ""


class _LoRa(msgspec.Struct, frozen=True):
    device_id: str
    eui: str
    app_eui: str
    app_key: str


class ArduinoDevices:
    """The calls for one account; made by ``ArduinoCloud.devices``. Errors: CloudError."""

    def __init__(self, api: ArduinoApi, title: str) -> None:
        self._api = api
        self._title = title

    async def find(self, serial_number: str | None) -> list[Device]:
        """Devices with this USB serial number; all of the account if it is None."""
        query = {"serial": serial_number} if serial_number else {}
        request = Request("GET", DEVICES, query=query, repeatable=True)
        found = self._api.decode(await self._api.send(request), list[Device])
        # Whether the cloud's filter is exact is not documented.
        return [d for d in found if not serial_number or d.serial == serial_number]

    async def create(self, new: NewDevice, known: Collection[str] | None = None) -> Device:
        """Make a device; :class:`DeviceRefused` if the cloud does not.

        ``known``: ids of the devices that were there before; None: they are looked up now.
        After a lost answer the device that was made is found by its serial number.
        :class:`Unreachable` with ``sent`` true: it may exist and could not be looked for.
        """
        known = await self._known(new) if known is None else known
        try:
            answer = await self._put(DEVICES, self._body(new), DeviceRefused)
            return self._api.decode(answer, Device)
        except CloudError as error:
            if not _perhaps_done(error):
                raise
            made = await self._made_meanwhile(new, known, error)
            if made is None:
                raise
            return made

    async def create_lora(
        self,
        new: NewDevice,
        *,
        eui: str,
        frequency_plan: str,
        known: Collection[str] | None = None,
    ) -> LoRaDevice:
        """Make a LoRa device; ``eui``: 16 hex digits; ``known`` as in :meth:`create`.

        Its key comes with the answer only: a device whose answer was lost is deleted again.
        """
        known = await self._known(new) if known is None else known
        body = {
            "app": LORA_APP,
            "eui": eui,
            "frequency_plan": frequency_plan,
            "name": new.name,
            "serial": new.serial_number or "",
            "type": _type(new),
            "user_id": "me",
        }
        try:
            answer = await self._put(LORA_DEVICES, body, DeviceRefused)
            made = self._api.decode(answer, _LoRa)
        except CloudError as error:
            if _perhaps_done(error):
                lost = await self._made_meanwhile(new, known, error)
                if lost is not None:
                    raise await self.undo(lost.id, error) from error
            raise
        return LoRaDevice(
            device_id=made.device_id,
            eui=made.eui,
            app_eui=made.app_eui,
            app_key=Secret(made.app_key),
        )

    async def show(self, device_id: str) -> Device:
        """The device as it is now."""
        request = Request("GET", _path(device_id), repeatable=True)
        return self._api.decode(await self._api.send(request), Device)

    async def delete(self, device_id: str) -> None:
        """Delete a device; one that is gone already is not an error."""
        try:
            await self._api.send(Request("DELETE", _path(device_id), repeatable=True))
        except CloudAnswer as error:
            if error.facts.get("status") != HTTPStatus.NOT_FOUND:
                raise

    async def undo(self, device_id: str, cause: MooringError) -> MooringError:
        """Delete the device of a procedure that failed; the error to tell.

        That is ``cause``, or :class:`DeviceLeft` with both errors if the device stays.
        """
        try:
            await self.delete(device_id)
        except CloudError as error:
            return DeviceLeft(
                cloud=self._title,
                device=device_id,
                cause=cause.report().title,
                detail=" ".join((error.report().title, error.report().meaning)),
            )
        return cause

    async def certificate(self, device_id: str, csr: str) -> CompressedCertificate:
        """The certificate for a board's request (PEM), in the form that the board stores.

        :class:`CertificateRefused` if the cloud signs nothing, or nothing that the board can hold.
        """
        if len(csr) > CSR_CHARS:
            detail = f"The board's request has {len(csr)} characters; {CSR_CHARS} are taken."
            raise CertificateRefused(cloud=self._title, detail=detail)
        body = {"ca": AUTHORITY, "csr": csr, "enabled": True}
        answer = await self._put(f"{_path(device_id)}/certs", body, CertificateRefused)
        try:
            return compress(self._api.decode(answer, _Certificate).compressed)
        except CertificateUnusable as error:
            raise CertificateRefused(cloud=self._title, detail=f"Its {error}.") from error

    async def secret_key(self, device_id: str) -> Secret:
        """A new secret key for the device; it can be read this once only."""
        path = f"{_path(device_id)}/pass"
        query = {"suggested_password": "true"}
        answer = await self._api.send(Request("GET", path, query=query, repeatable=True))
        key = Secret(self._api.decode(answer, _Password).suggested_password)
        if not key:
            raise CloudAnswer(cloud=self._title, detail="It suggested no key.")
        await self._put(path, {"password": key.reveal()}, CloudAnswer, secrets=(key,))
        return key

    async def frequency_plans(self) -> list[FrequencyPlan]:
        """All LoRa frequency plans."""
        answer = await self._api.send(Request("GET", FREQUENCY_PLANS, repeatable=True))
        return self._api.decode(answer, _Plans).frequency_plans

    def _body(self, new: NewDevice) -> dict[str, str]:
        body = {
            "fqbn": _kind(new.fqbn),
            "name": new.name,
            "serial": new.serial_number or "",
            "type": _type(new),
            "connection_type": new.connection_type or "",
        }
        return {name: text for name, text in body.items() if text}

    async def _put(
        self,
        path: str,
        body: object,
        refused: type[CloudError],
        secrets: tuple[Secret, ...] = (),
    ) -> Answer:
        """Send once; an answer that says no becomes ``refused``."""
        try:
            return await self._api.send(Request("PUT", path, json=body, secrets=secrets))
        except CloudAnswer as error:
            if not isinstance(error.facts.get("status"), int) or _perhaps_done(error):
                raise
            detail = detail_of(str(error.facts["detail"]), secrets)
            status = error.facts["status"]
            raise refused(cloud=self._title, detail=detail, status=status) from error

    async def _known(self, new: NewDevice) -> set[str]:
        return {device.id for device in await self.find(new.serial_number)}

    async def _made_meanwhile(
        self, new: NewDevice, known: Collection[str], lost: CloudError
    ) -> Device | None:
        """The device that a call with a lost answer made, if it did."""
        try:
            found = await self.find(new.serial_number)
        except CloudError:
            detail = lost.facts.get("detail")
            kind = ServiceFault if isinstance(lost, ServiceFault) else Unreachable
            raise kind(cloud=self._title, detail=detail, sent=True) from lost
        made = [d for d in found if d.id not in known and d.name == new.name]
        return made[0] if len(made) == 1 else None


def _perhaps_done(error: CloudError) -> bool:
    """Whether the cloud may have carried out what it gave no good answer to."""
    if isinstance(error, Unreachable):
        return error.facts.get("sent") is not False
    status = error.facts.get("status")
    return isinstance(error, CloudAnswer) and (not isinstance(status, int) or status < 300)


def _path(device_id: str) -> str:
    return f"{DEVICES}/{quote(device_id, safe='')}"


def _type(new: NewDevice) -> str:
    """What the cloud calls this kind of device."""
    return SECRET_KEY_TYPE if new.secret_key else _kind(new.fqbn).rpartition(":")[2]


def _kind(fqbn: str) -> str:
    """An FQBN without its board options."""
    return ":".join(fqbn.split(":")[:3])
