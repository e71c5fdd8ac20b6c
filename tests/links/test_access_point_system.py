"""Which Wi-Fi there is on this system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from agent.links.access_point_system import wifi_system

NAMES = {"win32": "windows", "darwin": "macos"}


async def test_each_system_has_its_own_and_asking_for_it_touches_nothing():
    system = wifi_system("unix:path=/nowhere")
    assert system.name == NAMES.get(sys.platform, "networkmanager")
    await system.close()


def test_choosing_one_loads_no_library():
    code = (
        "import sys; from agent.links.access_point_system import wifi_system; "
        "import agent.links.access_point; wifi_system(); "
        "print({'dbus_fast', 'objc', 'filelock'} & set(sys.modules))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
