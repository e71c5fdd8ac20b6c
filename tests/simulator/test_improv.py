"""The simulated Improv device by itself: its receiver, its minute, its port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.protocols.improv import gatt
from agent.protocols.improv.messages import (
    Command,
    CurrentState,
    Error,
    ErrorState,
    Message,
    Rpc,
    RpcResult,
    State,
    wifi_settings,
)
from agent.protocols.improv.packets import PacketDecoder, Text, encode_message
from agent.simulator.announcement import Announcement
from agent.simulator.improv import AUTHORISED_MS, Brand, ImprovConfig, ImprovFirmware
from agent.simulator.improv_device import SimulatedImprov
from agent.simulator.improv_gatt import ImprovGatt
from agent.simulator.improv_serial import FORGETS_MS, ImprovSerial
from agent.simulator.world import World, demo_networks

if TYPE_CHECKING:
    from pathlib import Path

ASK = encode_message(Rpc(Command.CURRENT_STATE))
READY = [CurrentState(State.AUTHORISED)]
RIGHT = wifi_settings(b"HomeNet", b"correct horse")


def firmware(brand: Brand = "esphome", **changes: object) -> ImprovFirmware:
    config = msgspec.structs.replace(ImprovConfig(brand=brand, log=False), **changes)
    device = ImprovFirmware(config, World(networks=demo_networks()))
    device.run(config.boot_ms)
    device.take()
    return device


class Port:
    """A device's serial port; every call is followed by 50 ms."""

    def __init__(self, device: ImprovFirmware) -> None:
        self.device = device
        self.serial = ImprovSerial(device)

    def hear(self, data: bytes, wait_ms: float = 50) -> list[Message]:
        self.serial.hear(data)
        self.device.run(self.device.now + wait_ms)
        pieces = PacketDecoder().feed(b"".join(self.serial.take_output()))
        return [piece for piece in pieces if not isinstance(piece, Text)]


def test_bytes_one_by_one_and_any_text_before_a_packet_are_understood() -> None:
    port = Port(firmware())
    heard = [message for byte in b"hello\n" + ASK for message in port.hear(bytes((byte,)), 1)]
    assert heard + port.hear(b"") == READY


def test_a_packet_that_stands_still_is_forgotten() -> None:
    port = Port(firmware())
    assert port.hear(ASK[:8], FORGETS_MS + 1) == []
    assert port.hear(ASK) == READY
    assert port.hear(ASK[:8], FORGETS_MS - 50) == []
    assert port.hear(ASK[8:]) == READY


def test_a_damaged_packet_is_reported() -> None:
    assert Port(firmware()).hear(ASK[:-2] + b"\0\n") == [ErrorState(Error.INVALID_RPC)]


def test_a_command_with_a_wrong_length_inside_is_reported() -> None:
    broken = b"IMPROV\1\3\2\2\5"
    packet = broken + bytes((sum(broken) & 0xFF, 10))
    assert Port(firmware()).hear(packet) == [ErrorState(Error.INVALID_RPC)]


def test_the_byte_behind_a_packet_belongs_to_it() -> None:
    """So a host that leaves the newline out is not heard the second time."""
    port = Port(firmware())
    assert port.hear(ASK[:-1]) == READY
    assert port.hear(ASK[:-1]) == []
    assert port.hear(b"\n") == []
    assert port.hear(ASK) == READY


def test_tasmota_waits_for_the_newline() -> None:
    port = Port(firmware("tasmota"))
    assert port.hear(ASK[:-1]) == []
    assert port.hear(b"\n") == READY


def test_nothing_is_heard_while_it_starts() -> None:
    device = firmware()
    port = Port(device)
    device.restart()
    assert port.hear(ASK, device.config.boot_ms) == []
    assert port.hear(ASK) == READY


def test_it_is_in_its_network_again_after_a_restart() -> None:
    device = firmware()
    port = Port(device)
    port.hear(encode_message(RIGHT), 3000)
    device.restart()
    port.hear(b"", device.config.boot_ms)
    assert port.hear(ASK)[0] == CurrentState(State.PROVISIONED)


def test_settings_replace_those_that_it_tries() -> None:
    port = Port(firmware())
    port.hear(encode_message(wifi_settings(b"HomeNet", b"wrong")), 1000)
    heard = port.hear(encode_message(RIGHT), 60_000)
    assert heard == [
        CurrentState(State.PROVISIONING),
        CurrentState(State.PROVISIONED),
        RpcResult(Command.WIFI_SETTINGS, (b"http://192.168.4.20",)),
    ]


@pytest.mark.parametrize("fault", ["dhcp", "wifi_module"])
def test_the_right_password_does_not_help_where_the_network_is_broken(fault: str) -> None:
    device = firmware()
    setattr(device.world, fault, False)
    heard = Port(device).hear(encode_message(RIGHT), 40_000)
    assert heard[-2:] == [ErrorState(Error.UNABLE_TO_CONNECT), CurrentState(State.AUTHORISED)]


def test_a_pressed_button_counts_for_a_minute() -> None:
    device = firmware(needs_button=True)
    states = [device.state]
    device.press_button()
    for wait_ms in (AUTHORISED_MS - 1, 2):
        device.run(device.now + wait_ms)
        states.append(device.state)
    required = State.AUTHORISATION_REQUIRED
    assert states == [required, State.AUTHORISED, required]


def test_a_value_is_cut_at_the_mtu_and_can_be_read_whole() -> None:
    device = firmware()
    service = ImprovGatt(device)
    service.subscribed.add(gatt.RPC_RESULT_UUID)
    command = gatt.encode_command(Rpc(Command.DEVICE_INFO))
    service.write(gatt.RPC_COMMAND_UUID, command[:2])
    service.write(gatt.RPC_COMMAND_UUID, command[2:])
    service.run(device.now + 10)
    ((uuid, value),) = service.take_notifications()
    assert uuid == gatt.RPC_RESULT_UUID
    assert len(value) == 20
    assert not gatt.is_whole(value)
    assert service.read(uuid).startswith(value)
    assert gatt.is_whole(service.read(uuid))


def test_half_a_command_goes_with_its_client() -> None:
    service = ImprovGatt(firmware())
    command = gatt.encode_command(Rpc(Command.IDENTIFY))
    service.write(gatt.RPC_COMMAND_UUID, command[:2])
    service.disconnected()
    service.write(gatt.RPC_COMMAND_UUID, command)
    assert service.firmware.identifies_until > 0


async def test_its_port_is_announced_while_it_is_plugged_in(tmp_path: Path) -> None:
    device = SimulatedImprov(tcp=True, folder=str(tmp_path))
    await device.start()
    (file,) = tmp_path.glob("*.json")
    port = msgspec.json.decode(file.read_bytes(), type=Announcement)
    assert port.address == device.address
    assert port.serial_number == device.serial_number
    device.unplug()
    device.unplug()
    assert list(tmp_path.iterdir()) == []
    assert device.address == ""
