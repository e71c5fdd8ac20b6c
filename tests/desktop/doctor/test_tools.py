"""Tools: real programs on a PATH of their own."""

from __future__ import annotations

import pytest

from agent.desktop.doctor.tools import Tools
from agent.flash.tools import Places
from tests.desktop.doctor.patient import look

pytestmark = pytest.mark.system("linux", "darwin")


def program(folder, name, said):
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{said}'\n")
    path.chmod(0o755)


def tools(folder) -> Tools:
    return Tools(Places(system="linux", path=(folder,)))


async def test_missing_tools_are_told_with_the_boards_that_need_them(tmp_path):
    dfu, esp = await look(tools(tmp_path))
    assert [dfu.finding.code, esp.finding.code] == ["tool-missing", "tool-missing"]
    assert dfu.finding.level.value == "warning"
    assert "Portenta" in dfu.finding.meaning
    assert "apt-get install dfu-util" in dfu.finding.mend
    assert "pip install" in esp.finding.mend


async def test_tools_that_are_there_are_fine_and_old_ones_are_told(tmp_path):
    program(tmp_path, "dfu-util", "dfu-util 0.8")
    program(tmp_path, "esptool", "esptool v5.2.0")
    dfu, esp = await look(tools(tmp_path))
    assert "has version 0.8" in dfu.finding.meaning
    assert esp.finding.title == "esptool 5.2.0 is there."
