"""One USB socket holds one device: of two that are listed in it, the later one is there.

Ports of different kinds are found by different looks, which are never of the same moment. When a
sketch has made way for its loader, the list of serial ports may not know it yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from agent.boards.identity import socket_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.boards.board import Port
    from agent.boards.sighting import Sighting

_Device: TypeAlias = "tuple[str, int | None, int | None, str | None]"


class Sockets:
    """Remembers in which order devices came."""

    def __init__(self) -> None:
        self._came: dict[Sighting, int] = {}
        self._turn = 0

    def latest(self, sightings: Sequence[Sighting]) -> list[Sighting]:
        """The list without what another device has replaced.

        Simulated ports stay: all of them are of one look, and two simulators know nothing of each
        other's sockets.
        """
        self._turn += 1
        self._came = {each: self._came.get(each, self._turn) for each in sightings}
        devices: dict[_Device, int] = {}
        sockets: dict[str, int] = {}
        for each, turn in self._came.items():
            device = _device(each.port)
            if device is not None:
                devices[device] = max(turn, devices.get(device, 0))
                sockets[device[0]] = max(turn, sockets.get(device[0], 0))
        return [
            each
            for each in sightings
            if (device := _device(each.port)) is None or devices[device] == sockets[device[0]]
        ]


def _device(port: Port) -> _Device | None:
    topology = socket_of(port.location)
    if topology is None or port.simulated:
        return None
    return (topology, port.vid, port.pid, port.serial_number)
