"""The macOS package as data; it is made on macOS only."""

from __future__ import annotations

import plistlib
import subprocess
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from agent.desktop.autostart.launchd import LABEL
from installers import macos
from installers.tree import ToolMissing, fill


def info(name: str = "Info.plist") -> Any:
    return plistlib.loads((macos.MACOS / name).read_bytes())


def test_the_app_says_what_it_wants_bluetooth_for():
    text = info()["NSBluetoothAlwaysUsageDescription"]
    assert "board" in text
    assert text.endswith(".")


def test_the_app_lives_in_the_menu_bar():
    assert info()["LSUIElement"] is True
    # PyInstaller sets it for programs with a console, and then no icon can be shown.
    assert info()["LSBackgroundOnly"] is False


def test_one_name_is_used_everywhere():
    text = fill(macos.MACOS / "distribution.xml", version="1.2.3", architecture="arm64")
    references = {each.get("id") for each in ET.fromstring(text).iter("pkg-ref")}
    assert {info()["CFBundleIdentifier"], macos.IDENTIFIER, LABEL, *references} == {LABEL}


def test_the_hardened_program_may_use_bluetooth_and_ctypes():
    entitlements = info("entitlements.plist")
    assert entitlements["com.apple.security.device.bluetooth"] is True
    assert entitlements["com.apple.security.cs.allow-unsigned-executable-memory"] is True


@pytest.mark.system("linux", "darwin")
@pytest.mark.parametrize("name", ["preinstall", "postinstall"])
def test_a_script_is_one_for_any_shell(name):
    script = macos.MACOS / "scripts" / name
    done = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert script.stat().st_mode & 0o111


@pytest.mark.system("linux", "win32")
def test_elsewhere_it_says_what_is_missing():
    with pytest.raises(ToolMissing, match="only macOS"):
        macos.build_pkg()
