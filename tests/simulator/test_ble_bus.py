"""A D-Bus of our own."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import psutil
import pytest

from agent.simulator.ble_bus import NoBusError, PrivateBus
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.process import start_simulator


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
    with pytest.raises(NoBusError, match=r"not installed|not Linux") as told:
        await PrivateBus().start()
    remedy = told.value.report().remedy
    assert "apt install dbus" in remedy or "with Linux" in remedy


@pytest.mark.system("linux")
async def test_a_folder_whose_path_is_too_long_for_a_socket_is_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with pytest.raises(NoBusError, match="too long"):
        PrivateBus.require()


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_the_daemon_ends_with_a_simulator_that_is_killed() -> None:
    config = SimulatorConfig(board=BoardConfig(ble=True, usb=False), speed=50)
    handle = await start_simulator(config)
    [daemon] = psutil.Process(handle.pid).children()
    assert daemon.name() == "dbus-daemon"
    await handle.kill()
    await asyncio.to_thread(daemon.wait, 10)
    shutil.rmtree(Path(handle.environment["DBUS_SYSTEM_BUS_ADDRESS"].partition("path=")[2]).parent)
