"""Performs the requests of ``device_effects.py``: the cloud's devices, sketches of 1.0, files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.clouds.devices import DeviceCloud
from agent.errors import InternalError, NotSupported, PortGone
from agent.jobs import device_effects as wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.cloud import Cloud
    from agent.clouds.devices import Devices
    from agent.jobs.surroundings import Lease
    from agent.links import Link
    from agent.sessions.v1 import V1Session
    from agent.settings import Secret


class DevicePerformer:
    """For one board under one lease, and one cloud; either may be missing."""

    def __init__(
        self,
        board: str,
        lease: Lease | None,
        cloud: Cloud | None,
        deliver: Callable[[str, Secret], None] | None,
    ) -> None:
        """``deliver`` keeps a file by its name."""
        self._board = board
        self._lease = lease
        self._cloud = cloud
        self._deliver = deliver
        self._session: V1Session | None = None

    async def perform(self, request: wanted.DeviceRequest) -> Any:  # noqa: ANN401 - see effects.py
        """The value of ``request``; a session of 2.0 must be closed before."""
        match request:
            case wanted.OpenV1():
                await self._open()
            case wanted.MakeCsr(device=device):
                return await self._open_one().csr(device)
            case wanted.StoreCertificate(certificate=certificate):
                await self._open_one().store_certificate(certificate)
            case wanted.ReadEui():
                return await self._read_eui()
            case wanted.Deliver(name=name, content=content):
                if self._deliver is None:
                    raise InternalError(kind="nobody to deliver to")
                self._deliver(name, content)
            case _:
                return await self._call(request, await self._devices())
        return None

    async def close(self) -> None:
        """Close the session if there is one."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _call(self, request: wanted.DeviceRequest, devices: Devices) -> Any:  # noqa: ANN401 - as above
        match request:
            case wanted.FindDevices(serial_number=serial_number):
                return await devices.find(serial_number)
            case wanted.CreateDevice(new=new, known=known):
                return await devices.create(new, known)
            case wanted.CreateLoRa(new=new, known=known, eui=eui, frequency_plan=plan):
                return await devices.create_lora(new, eui=eui, frequency_plan=plan, known=known)
            case wanted.DeleteDevice(device=device):
                return await devices.delete(device)
            case wanted.ShowDevice(device=device):
                return await devices.show(device)
            case wanted.FrequencyPlans():
                return await devices.frequency_plans()
            case wanted.SecretKey(device=device):
                return await devices.secret_key(device)
            case wanted.Certify(device=device, csr=csr):
                return await devices.certificate(device, csr)
        raise InternalError(kind=type(request).__name__)

    async def _devices(self) -> Devices:
        return await device_cloud(self._cloud, self._board).devices()

    async def _open(self) -> None:
        from agent.sessions.v1 import BAUD, open_v1_session

        await self.close()
        self._session = await open_v1_session(await self._link(BAUD), flashed=True)

    async def _read_eui(self) -> str:
        from agent.sessions.v1 import LORA_BAUD, read_eui

        link = await self._link(LORA_BAUD)
        try:
            return await read_eui(link)
        finally:
            await link.close()

    async def _link(self, baud: int) -> Link:
        if self._lease is None:
            raise PortGone(port=self._board)
        return await self._lease.open(baud)

    def _open_one(self) -> V1Session:
        if self._session is None:
            raise PortGone(port=self._board)
        return self._session


def device_cloud(cloud: Cloud | None, board: str) -> DeviceCloud:
    """``cloud``, if it keeps devices; :class:`NotSupported` for any other."""
    if not isinstance(cloud, DeviceCloud):
        raise NotSupported(
            model=board,
            what="be provisioned with 1.0, LoRa or a secret key",
            why="These ways make a device in a cloud first, and this one keeps none.",
            action="Choose a cloud that keeps devices, for instance Arduino Cloud.",
        )
    return cloud
