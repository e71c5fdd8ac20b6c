"""Bluetooth that nobody asks for costs nothing: no import, no task, no timer, no descriptor."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from agent.links.ble import PROVISIONING
from agent.links.ble_radio import BleRadio
from tests.links.air import ScriptedBoard, air

ROOT = Path(__file__).parents[2]
PROBE = """
import asyncio, sys
from agent.links.ble import PROVISIONING, with_ble
from agent.links.ble_gatt import open_gatt
from agent.links.ble_radio import BleRadio
from agent.links.open import open_link
from agent.sessions.ble import open_ble_session

async def main():
    loop = asyncio.get_running_loop()
    timers = []
    loop.call_at = lambda *a, **k: timers.append(a)
    radio = BleRadio([PROVISIONING.service])
    radio.on_problem(print)
    with_ble(radio, open_link)
    await asyncio.sleep(0)
    assert not radio.scanning
    assert not timers
    assert len(asyncio.all_tasks()) == 1
    await radio.close()
    heavy = {"bleak", "dbus_fast", "winrt", "objc"} & {name.split(".")[0] for name in sys.modules}
    assert not heavy, heavy

asyncio.run(main())
"""


def test_a_radio_that_is_never_asked_loads_nothing_and_holds_nothing():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_after_the_last_listener_bluez_is_asked_nothing_and_nothing_of_ours_is_left():
    async with air(ScriptedBoard()) as bluez:
        before = asyncio.all_tasks()
        radio = BleRadio([PROVISIONING.service])
        heard = asyncio.Event()
        stop = radio.listen(lambda _: heard.set())
        await heard.wait()
        stop()
        await radio.wait_idle()
        # One task and one descriptor stay: bleak keeps its bus as long as the event loop lives.
        coroutines = [task.get_coro() for task in asyncio.all_tasks() - before]
        left = {getattr(each, "__qualname__", "") for each in coroutines}
        assert left <= {"BlueZManager._monitor_bus_disconnect", "BluezStandIn._answer"}
        assert bluez.calls[-2:] == ["StopDiscovery", "SetDiscoveryFilter"]
        await radio.close()
