"""The recorded conversations over the air once more, by unmodified bleak through BlueZ."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgspec
import pytest
from bleak import BleakClient, BleakScanner

from agent.boards.ble_boards import BleBoards
from agent.links.ble_radio import BleRadio
from agent.simulator.ble_air import DEFAULT_MTU
from agent.simulator.ble_board import BoardInTheAir
from agent.simulator.ble_radio import INPUT_UUID, OUTPUT_UUID
from agent.simulator.firmware import Firmware
from agent.simulator.recorded import board_of, boot_ms
from tests.simulator.radios import ON_LINUX, bluetooth
from tests.simulator.replay import TAG_PUBLIC_KEY, TAG_TOKEN, compare, elements, vectors_of

pytestmark = ON_LINUX

NAME = "Arduino-2341-1002"
POLL_MS = 5.0
"""Board time in which a request is answered."""


class Player:
    """A board under simulated time, and a host that bleak carries to it in real time."""

    def __init__(self, vector: dict[str, Any]) -> None:
        config, timing, world = board_of(vector)
        config = msgspec.structs.replace(config, ble_name=NAME)
        self.air = BoardInTheAir(config.ble_address_bytes)
        self.board = Firmware(config, timing, world, radio=self.air.radio)
        self.board.run(boot_ms(vector), finish_turn=True)
        self.air.on_request = self._poll_soon
        self._mtus = _mtus(vector)
        self.heard: list[bytes] = []
        self._client: BleakClient | None = None
        self._gone = asyncio.Event()

    async def do(self, step: dict[str, Any]) -> list[str]:
        """One step; its results."""
        self.heard.clear()
        results = await self._act(*(step["action"] or "WAIT").split(" "))
        self._run(step["wait_ms"])
        # Evidence of what came: as many indications as were recorded, or the end of the link.
        async with asyncio.timeout(30):
            while len(self.heard) < len(step["indications"]):
                await asyncio.sleep(0.005)
            if "DISCONNECTED" in step["result"]:
                await self._gone.wait()
                results.append("DISCONNECTED")
        return results

    async def _act(self, action: str, word: str = "") -> list[str]:
        client = self._client
        match action, client:
            case "ADV", _:
                return [await _advertisement()]
            case "CONNECT", _:
                found = await BleakScanner.find_device_by_name(NAME)
                assert found is not None
                self.air.host_mtu = self._mtus.pop(0)
                self._gone.clear()
                self._client = BleakClient(found, lambda _: self._gone.set())
                await self._client.connect()
                return ["OK"]
            case "MTU", BleakClient():
                characteristic = client.services.get_characteristic(INPUT_UUID)
                assert characteristic is not None
                return [f"OK {characteristic.max_write_without_response_size + 3}"]
            case "SUBSCRIBE", BleakClient():
                await client.start_notify(OUTPUT_UUID, self._take)
                return ["OK"]
            case "WRITE", BleakClient():
                await client.write_gatt_char(INPUT_UUID, bytes.fromhex(word), response=True)
                return ["OK"]
            case "DISCONNECT", BleakClient():
                await client.disconnect()
        return []

    async def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            await self._client.disconnect()

    def _take(self, _: object, data: bytearray) -> None:
        self.heard.append(bytes(data))

    def _poll_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._run, POLL_MS)

    def _run(self, wait_ms: float) -> None:
        self.board.changed()
        self.board.run(self.board.now + wait_ms, finish_turn=True)
        self.air.pump()


async def _advertisement() -> str:
    async with BleakScanner() as scanner:
        async for found, said in scanner.advertisement_data():
            [(company, data)] = said.manufacturer_data.items()
            manufacturer = company.to_bytes(2, "little") + data
            return f"ADV {found.name} {said.service_uuids[0]} {manufacturer.hex()}"
    raise AssertionError


def _mtus(vector: dict[str, Any]) -> list[int]:
    """Of each link: BlueZ agrees on it when it makes the link, so it must be known before."""
    mtus = []
    for action in [step["action"] or "" for step in vector["steps"]]:
        if action == "CONNECT":
            mtus.append(DEFAULT_MTU)
        elif action.startswith("MTU"):
            mtus[-1] = int(action.split()[1])
    return mtus


@pytest.mark.parametrize("vector", vectors_of("ble"))
async def test_vectors_replay_for_a_host_behind_bluez(vector: dict[str, Any]) -> None:
    player = Player(vector)
    public_key = None
    async with bluetooth(player.air):
        for step in vector["steps"]:
            assert await player.do(step) == step["result"]
            frames = step.get("frames", [])
            for want, have in zip(frames, elements([b"".join(player.heard)]), strict=True):
                if want["data"]["tag"] == TAG_PUBLIC_KEY:
                    public_key = have["data"]["value"][0]
                assert compare(want, have, vector, public_key) == ""
            if {TAG_PUBLIC_KEY, TAG_TOKEN}.isdisjoint(frame["data"]["tag"] for frame in frames):
                assert [each.hex() for each in player.heard] == step["indications"]
        await player.close()


async def test_what_the_reference_firmware_advertised_becomes_a_port_of_the_agent() -> None:
    [vector] = [each.values[0] for each in vectors_of("ble") if str(each.id).endswith("advertise")]
    player = Player(vector)
    [said] = vector["steps"][0]["result"]
    _, name, service, manufacturer = said.split()
    radio = BleRadio((service,))
    boards = BleBoards(radio)
    heard = asyncio.Event()
    async with bluetooth(player.air):
        boards.start(heard.set)
        try:
            with contextlib.closing(boards):
                boards.attend()
                async with asyncio.timeout(30):
                    while not boards.look():
                        heard.clear()
                        await heard.wait()
                [sighting] = boards.look()
        finally:
            await radio.close()
    port = sighting.port
    assert f"Arduino-{port.vid:04x}-{port.pid:04x}" == name
    assert (port.service, port.serial_number) == ("2.0", manufacturer[4:].upper())
    assert port.address == f"ble://{player.air.address}"
