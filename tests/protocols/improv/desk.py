"""The host's machine and a simulated device side by side under one simulated clock."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from agent.protocols.improv import gatt
from agent.protocols.improv.host import HostMachine, Outcome
from agent.protocols.improv.packets import PacketDecoder, Text, encode_message
from agent.simulator.improv import ImprovConfig, ImprovFirmware
from agent.simulator.improv_gatt import ImprovGatt
from agent.simulator.improv_serial import ImprovSerial
from agent.simulator.world import World, demo_networks

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.protocols.improv.host import Ask
    from agent.protocols.improv.packets import Piece


def unchanged(data: bytes) -> bytes:
    """A line without faults."""
    return data


class Desk:
    """Serial: bytes go through ``to_device`` and ``to_host``, which may lose or damage them."""

    def __init__(self, config: ImprovConfig | None = None, world: World | None = None) -> None:
        self.device = ImprovFirmware(
            config or ImprovConfig(), world or World(networks=demo_networks())
        )
        self.serial = ImprovSerial(self.device)
        self.host = HostMachine("serial")
        self.decoder = PacketDecoder()
        self.to_device: Callable[[bytes], bytes] = unchanged
        self.to_host: Callable[[bytes], bytes] = unchanged
        self.written: list[bytes] = []
        self.text = b""

    def run(self, ask: Ask, *, until_ms: float = math.inf) -> Outcome | None:
        """The outcome; None if there is none at ``until_ms``."""
        host, device = self.host, self.device
        host.start(ask, device.now / 1000)
        while True:
            for rpc in host.take_writes():
                packet = encode_message(rpc)
                self.written.append(packet)
                self.serial.hear(self.to_device(packet))
            self._listen()
            if host.outcome is not None:
                return host.outcome
            wake = min(host.next_deadline * 1000, device.next_wake, until_ms)
            assert wake < math.inf
            if wake >= until_ms:
                device.run(until_ms)
                return None
            device.run(max(wake, device.now + 0.1))
            self._listen()
            if device.now / 1000 >= host.next_deadline:
                self._hear(self.decoder.release())
            host.tick(device.now / 1000)

    def _listen(self) -> None:
        for data in self.serial.take_output():
            self._hear(self.decoder.feed(self.to_host(data)))

    def _hear(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Text):
                self.text += piece.data
            else:
                self.host.hear(piece, self.device.now / 1000)


class Loses:
    """Loses what ``which`` says, so many times."""

    def __init__(self, which: Callable[[bytes], bool], times: int = 1) -> None:
        self._which = which
        self._times = times

    def __call__(self, data: bytes) -> bytes:
        if self._times and self._which(data):
            self._times -= 1
            return b""
        return data


class Shakes:
    """Loses by chance, and unless ``only_loses`` doubles, damages and cuts too."""

    def __init__(self, seed: int, rate: float, *, only_loses: bool = False) -> None:
        self._chance = random.Random(seed)
        self._rate = rate
        self._kinds = 1 if only_loses else 4

    def __call__(self, data: bytes) -> bytes:
        chance = self._chance
        if chance.random() >= self._rate:
            return data
        damaged = bytearray(data)
        match chance.randrange(self._kinds):
            case 0:
                return b""
            case 1:
                return data + data
            case 2:
                damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            case _:
                return chance.randbytes(chance.randrange(20)) + data[: chance.randrange(len(data))]
        return bytes(damaged)


class BleDesk:
    """Bluetooth LE: values of characteristics, cut at the MTU and read again."""

    def __init__(
        self, config: ImprovConfig | None = None, world: World | None = None, mtu: int = 23
    ) -> None:
        device = ImprovFirmware(config or ImprovConfig(), world or World(networks=demo_networks()))
        device.run(device.next_wake)
        self.device = device
        self.service = ImprovGatt(device, mtu=mtu)
        self.service.subscribed.update(gatt.NOTIFYING_UUIDS)
        self.host = HostMachine("ble")
        self.host.hear(gatt.parse_value(gatt.STATE_UUID, self.service.read(gatt.STATE_UUID)), 0.0)

    def run(self, ask: Ask) -> Outcome:
        """The outcome."""
        host, device = self.host, self.device
        host.start(ask, device.now / 1000)
        while True:
            for rpc in host.take_writes():
                self.service.write(gatt.RPC_COMMAND_UUID, gatt.encode_command(rpc))
            self._listen()
            if host.outcome is not None:
                return host.outcome
            wake = min(host.next_deadline * 1000, self.service.next_wake)
            assert wake < math.inf
            self.service.run(max(wake, device.now + 0.1))
            self._listen()
            host.tick(device.now / 1000)

    def _listen(self) -> None:
        for uuid, value in self.service.take_notifications():
            whole = value
            if uuid == gatt.RPC_RESULT_UUID and not gatt.is_whole(value):
                whole = self.service.read(uuid)
            self.host.hear(gatt.parse_value(uuid, whole), self.device.now / 1000)
