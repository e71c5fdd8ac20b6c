"""Servers that start, are cut and end together."""

from __future__ import annotations

import pytest

from agent.simulator.loopback_servers import LoopbackServers


class Recorded:
    """A server that writes down what happens to it."""

    down = False

    def __init__(self, port: int, said: list[str], *, broken: bool = False) -> None:
        self.port = port
        self._said = said
        self._broken = broken

    async def start(self) -> None:
        if self._broken:
            raise OSError
        self._said.append(f"start {self.port}")

    async def stop(self) -> None:
        self._said.append(f"stop {self.port}")


class Service(LoopbackServers):
    def __init__(self, *, broken: bool = False) -> None:
        super().__init__()
        self.said: list[str] = []
        self._servers["http"] = Recorded(1, self.said)
        self._servers["mqtt"] = Recorded(2, self.said, broken=broken)


async def test_they_start_in_their_order_and_stop_in_the_opposite_one():
    async with Service() as service:
        assert service.said == ["start 1", "start 2"]
        assert service.ports == {"http": 1, "mqtt": 2}
        assert service.addresses == {"http": "http://127.0.0.1:1", "mqtt": "mqtt://127.0.0.1:2"}
        assert service.base_url == "http://127.0.0.1:1"
    assert service.said[2:] == ["stop 2", "stop 1"]


async def test_if_one_cannot_start_the_others_are_stopped():
    service = Service(broken=True)
    with pytest.raises(OSError):
        await service.__aenter__()
    assert service.said == ["start 1", "stop 1"]


async def test_it_is_down_when_all_are():
    service = Service()
    service._servers["http"].down = True
    assert not service.down
    service.down = True
    assert service.down
    assert service._servers["mqtt"].down
    service.down = False
    assert not service._servers["http"].down
