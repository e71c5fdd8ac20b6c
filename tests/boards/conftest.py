"""Ports for tests: made up for the pure parts, real pseudo-terminals for the service."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.boards.board import Port, PortKind, Service
from agent.boards.sighting import Sighting
from agent.catalog import Catalog

UNO = (0x2341, 0x1002)
NANO = (0x2341, 0x8057)
NANO_LOADER = (0x2341, 0x0057)
CH340 = (0x1A86, 0x7523)


def sighted(
    address: str,
    ids: tuple[int, int] | None = UNO,
    serial: str | None = None,
    location: str | None = None,
    node: int = 1,
    kind: PortKind = "serial",
) -> Sighting:
    vid, pid = ids or (None, None)
    port = Port(
        kind=kind, address=address, vid=vid, pid=pid, serial_number=serial, location=location
    )
    return Sighting(port, node)


NUMBER = "A1B2C3D4E5F6"


def heard(
    number: str | None = NUMBER,
    address: str = "A1:B2:C3:D4:E5:F6",
    ids: tuple[int, int] | None = UNO,
    name: str | None = "Arduino-2341-1002",
    service: Service = "2.0",
    rssi_dbm: int = -60,
    node: int = 1,
) -> Sighting:
    """A device in the air."""
    vid, pid = ids or (None, None)
    port = Port(
        kind="ble",
        address=f"ble://{address}",
        vid=vid,
        pid=pid,
        serial_number=number,
        product=name,
        rssi_dbm=rssi_dbm,
        service=service,
    )
    return Sighting(port, node)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load()


class SimulatedPort:
    """A pseudo-terminal that is announced in a folder, as a simulated board does it."""

    def __init__(self, folder: Path, name: str, **facts: object) -> None:
        self._file = folder / f"{name}.json"
        self._facts: dict[str, object] = {
            "kind": "serial",
            "vid": UNO[0],
            "pid": UNO[1],
            "process": os.getpid(),
            **facts,
        }
        self.master = -1
        self.address = ""
        self.plug()

    def plug(self, **facts: object) -> None:
        if sys.platform == "win32":
            raise NotImplementedError
        self.master, slave = os.openpty()
        self.address = os.ttyname(slave)
        os.close(slave)
        self._facts = {**self._facts, **facts, "address": self.address}
        temporary = self._file.with_suffix(".tmp")
        temporary.write_text(json.dumps(self._facts))
        temporary.replace(self._file)

    def unplug(self) -> None:
        self._file.unlink(missing_ok=True)
        self.lose()

    def lose(self) -> None:
        """The connection breaks before anybody can see that the port is gone."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1


@pytest.fixture
def ports(tmp_path: Path) -> Iterator["Ports"]:
    made = Ports(tmp_path / "ports")
    yield made
    made.unplug_all()


class Ports:
    """The folder of the simulated ports of one test."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._made: list[SimulatedPort] = []

    def plug(self, name: str, **facts: object) -> SimulatedPort:
        port = SimulatedPort(self.folder, name, **facts)
        self._made.append(port)
        return port

    def unplug_all(self) -> None:
        for port in self._made:
            port.unplug()
