"""A D-Bus of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.simulator.ble_bus import NoBusError, PrivateBus


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_a_bus_leaves_nothing_behind() -> None:
    bus = PrivateBus()
    async with bus:
        socket = Path(bus.address.removeprefix("unix:path=").partition(",")[0])
        assert socket.is_socket()
    await bus.stop()
    assert not socket.parent.exists()


async def test_a_computer_without_the_daemon_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not PrivateBus.available()
    with pytest.raises(NoBusError, match="not installed"):
        await PrivateBus().start()
