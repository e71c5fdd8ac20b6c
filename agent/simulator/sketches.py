"""The two sketches of 2.0: provisioning, and an application with the configurator.

Source: protocol-v2, 7.3; ArduinoIoTCloud 2ff76b9, Provisioning_2.0;
Arduino_NetworkConfigurator ec9ff8e, NetworkConfiguratorDemo.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from agent.protocols.v2.status import StatusCode
from agent.simulator.agents import AgentsManager
from agent.simulator.certificate import CertificateHandler
from agent.simulator.claiming import ClaimingHandler
from agent.simulator.configurator import NetworkConfigurator, State
from agent.simulator.connection import Connection, ConnectionHandler
from agent.simulator.world import SecureElement

if TYPE_CHECKING:
    import random

    from agent.simulator.hardware import Hardware, Steps

_ELEMENT_STATUS = {
    SecureElement.NO_ANSWER: StatusCode.HW_ERROR_SE_BEGIN,
    SecureElement.NO_CONFIGURATION: StatusCode.HW_ERROR_SE_CONFIG,
    SecureElement.NO_LOCK: StatusCode.HW_ERROR_SE_LOCK,
}


class ConfiguredSketch:
    """What the two sketches with a configurator have in common."""

    agents: AgentsManager
    configurator: NetworkConfigurator

    @property
    def host_connected(self) -> bool:
        """Whether a host opened a link that is still up."""
        return self.agents.in_progress

    def release_pin(self) -> None:
        """The reconfigure pin was held long enough."""
        self.configurator.pin_released = True

    def wedge(self) -> None:
        """The receiver stops for good (protocol-v2, 1.1)."""
        self.agents.agent.wedge()


class DeviceState(Enum):
    """State of the provisioning sketch."""

    HARDWARE_CHECK = auto()
    BEGIN = auto()
    NETWORK_CONFIG = auto()
    CSR = auto()
    BEGIN_CLOUD = auto()
    RUN = auto()
    ERROR = auto()


class ProvisioningSketch(ConfiguredSketch):
    """The sketch that claims a board; answers every command."""

    def __init__(self, hardware: Hardware, chance: random.Random, *, asks_cloud: bool) -> None:
        self._hardware = hardware
        self.agents = AgentsManager(hardware)
        self._connection = ConnectionHandler(hardware)
        self.configurator = NetworkConfigurator(hardware, self.agents, self._connection)
        self._claiming = ClaimingHandler(hardware, self.agents, self._wipe)
        self._certificate = CertificateHandler(
            hardware, self._connection, chance, asks_cloud=asks_cloud
        )
        self._was_reset = False
        self.state = DeviceState.HARDWARE_CHECK

    @property
    def state_name(self) -> str:
        """State of the sketch, and of its configurator."""
        return f"{self.state.name}/{self.configurator.state.name}"

    @property
    def working(self) -> bool:
        """Start, attempts, the certificate step, and requests that are not answered yet."""
        starting = self.state in {DeviceState.HARDWARE_CHECK, DeviceState.BEGIN, DeviceState.CSR}
        trying = self.configurator.state is State.CONNECTING
        return starting or trying or self.agents.request_pending

    def setup(self) -> Steps[None]:
        """The start banner, after the sketch's delay."""
        yield self._hardware.timing.setup
        version = self._hardware.config.sketch_version
        self._hardware.print(f"Starting Provisioning version {version}")

    def turn(self) -> Steps[None]:
        """One turn of the loop."""
        before = self.state
        step = {
            DeviceState.HARDWARE_CHECK: self._check_hardware,
            DeviceState.BEGIN: self._begin,
            DeviceState.NETWORK_CONFIG: self._configure,
            DeviceState.CSR: self._certify,
            DeviceState.BEGIN_CLOUD: self._begin_cloud,
            DeviceState.RUN: self._run,
            DeviceState.ERROR: self._error,
        }[self.state]
        self.state = yield from step()
        if self.state is not before:
            self._hardware.active = True

    def cloud_answer(self, status: int | None, body: bytes) -> None:
        """The answer to a cloud call."""
        self._certificate.answer(status, body)

    def _check_hardware(self) -> Steps[DeviceState]:
        world = self._hardware.world
        fault = _ELEMENT_STATUS.get(world.secure_element)
        if fault is None and not world.partition:
            fault = StatusCode.FAIL_TO_PARTITION_STORAGE
        if fault is not None:
            self._hardware.log(f"Sketch: self check failed ({fault})")
            self.agents.send_status(fault)
            return DeviceState.ERROR
        self._hardware.memory.element.locked = True
        return DeviceState.BEGIN
        yield

    def _begin(self) -> Steps[DeviceState]:
        if not self._hardware.world.unique_id:
            self._hardware.log("Sketch: Error getting UHWID")
            self.agents.send_status(StatusCode.ERROR_GENERATING_UHWID)
            return DeviceState.ERROR
        yield from self.configurator.scan()
        self.configurator.begin()
        self._claiming.begin()
        self._hardware.log("BLE Available")
        return DeviceState.NETWORK_CONFIG

    def _configure(self) -> Steps[DeviceState]:
        yield from self._claiming.poll()
        self._was_reset = False
        state = yield from self.configurator.update()
        if state is not State.CONFIGURED:
            return self.state
        if self._hardware.memory.element.device_id:
            return DeviceState.BEGIN_CLOUD
        self._certificate.begin()
        return DeviceState.CSR

    def _certify(self) -> Steps[DeviceState]:
        yield from self.configurator.update()
        yield from self._claiming.poll()
        if self._was_reset:
            self._was_reset = False
            self._certificate.end()
            return DeviceState.NETWORK_CONFIG
        if not (yield from self._certificate.poll()):
            return DeviceState.CSR
        self._certificate.end()
        return DeviceState.BEGIN_CLOUD

    def _begin_cloud(self) -> Steps[DeviceState]:
        self.agents.disconnect()
        self.agents.switch_off_ble()
        return DeviceState.RUN
        yield

    def _run(self) -> Steps[DeviceState]:
        # The configurator is not served here: its commands hang for ever.
        yield from self._claiming.poll()
        if self.configurator.pin_released:
            yield from self.configurator.reconfigure()
        if self._was_reset:
            self._was_reset = False
            return DeviceState.NETWORK_CONFIG
        return DeviceState.RUN

    def _error(self) -> Steps[DeviceState]:
        self.agents.update()
        return DeviceState.ERROR
        yield

    def _wipe(self) -> Steps[bool]:
        """RESET: network settings, device id and certificate; keys stay."""
        if not (yield from self.configurator.forget()):
            return False
        if self._hardware.world.secure_element is SecureElement.NO_WRITE:
            return False
        self._hardware.memory.element.wipe()
        self._was_reset = True
        return True


class ApplicationSketch(ConfiguredSketch):
    """A sketch of somebody's own that embeds the configurator; cannot be claimed."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self.agents = AgentsManager(hardware)
        self._connection = ConnectionHandler(hardware)
        self._connection.on_change(self._report)
        self.configurator = NetworkConfigurator(hardware, self.agents, self._connection)

    @property
    def state_name(self) -> str:
        """State of the configurator."""
        return f"APPLICATION/{self.configurator.state.name}"

    @property
    def working(self) -> bool:
        """Attempts, and requests that are not answered yet."""
        return self.configurator.state is State.CONNECTING or self.agents.request_pending

    def setup(self) -> Steps[None]:
        """Register with the agents."""
        self.configurator.begin()
        return
        yield

    def turn(self) -> Steps[None]:
        """One turn of the loop."""
        if (yield from self.configurator.update()) is State.CONFIGURED:
            yield from self._connection.check()

    def cloud_answer(self, status: int | None, body: bytes) -> None:
        """Nothing: this sketch asks no cloud."""

    def _report(self, state: Connection) -> None:
        if state is Connection.CONNECTED:
            self._hardware.print(">>>> CONNECTED to network")
        elif state is Connection.DISCONNECTED:
            self._hardware.print(">>>> DISCONNECTED from network")
        elif state is Connection.ERROR:
            self._hardware.print(">>>> ERROR")
