"""Provisioning 1.0 from end to end: session, board and cloud, each behind its real wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from agent.catalog import Catalog
from agent.clouds.accounts import AccountStore
from agent.clouds.arduino import ArduinoCloud
from agent.clouds.devices import NewDevice
from agent.errors import CertificateRefused, MooringError
from agent.links.open import open_link
from agent.sessions.v1 import BAUD, open_v1_session
from agent.simulator.arduino_cloud import SimulatedArduinoCloud
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.device import SimulatedDevice
from agent.simulator.world import SecureElement, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.clouds.arduino_devices import ArduinoDevices

NEW = NewDevice(name="bench-7", fqbn="arduino:samd:mkrwifi1010", serial_number="8A0C")


@pytest.fixture
async def cloud() -> AsyncIterator[SimulatedArduinoCloud]:
    async with SimulatedArduinoCloud() as running:
        yield running


@pytest.fixture
async def devices(cloud: SimulatedArduinoCloud, tmp_path: Path) -> AsyncIterator[ArduinoDevices]:
    client = ArduinoCloud(
        base_url=cloud.base_url,
        accounts=AccountStore(tmp_path / "accounts.json", use_keyring=False),
        catalog=Catalog.load(),
    )
    await client.login(cloud.account)
    yield await client.devices()
    await client.close()


async def provision(board: SimulatedDevice, devices: ArduinoDevices) -> str:
    """The conversation of protocol-v1, section 5; the device is deleted if it fails."""
    device = await devices.create(NEW)
    try:
        session = await open_v1_session(await open_link(board.address or "", BAUD))
        try:
            request = await session.csr(device.id)
            await session.store_certificate(await devices.certificate(device.id, request))
        finally:
            await session.close()
    except MooringError as error:
        raise await devices.undo(device.id, error) from error
    return device.id


def board(world: World | None = None) -> SimulatedDevice:
    config = BoardConfig(model="mkr_wifi_1010", sketch="provisioning-1.0")
    simulator = SimulatorConfig(board=config, world=world or World(), speed=20, tcp=True)
    return SimulatedDevice(simulator, Catalog.load())


async def test_a_board_gets_its_certificate(
    cloud: SimulatedArduinoCloud, devices: ArduinoDevices
) -> None:
    async with board() as device:
        device_id = await provision(device, devices)
        assert device.status().device_id == device_id
    (issued,) = cloud.devices.all[device_id].certificates
    certificate = x509.load_pem_x509_certificate(issued.pem.encode())
    assert certificate.subject.rfc4514_string() == f"CN={device_id}"


async def test_a_cloud_that_refuses_the_certificate_leaves_nothing_behind(
    cloud: SimulatedArduinoCloud, devices: ArduinoDevices
) -> None:
    cloud.faults.answer("device_certify", 400)
    async with board() as device:
        with pytest.raises(CertificateRefused):
            await provision(device, devices)
        assert cloud.devices.all == {}
        assert await provision(device, devices) in cloud.devices.all


@pytest.mark.parametrize("state", [SecureElement.NO_ANSWER, SecureElement.NO_WRITE])
async def test_a_secure_element_that_fails_leaves_nothing_in_the_cloud(
    cloud: SimulatedArduinoCloud, devices: ArduinoDevices, state: SecureElement
) -> None:
    async with board(World(secure_element=state)) as device:
        with pytest.raises(MooringError) as caught:
            await provision(device, devices)
    assert caught.value.code in {
        "board-sketch-halted",
        "board-command-refused",
    }
    assert cloud.devices.all == {}
    assert cloud.record.count("device_create") == 1
