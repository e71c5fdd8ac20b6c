"""The Run key: what is written, and what Windows says about it beside it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from agent.desktop.autostart import LoginState, Program
from agent.desktop.autostart.run_key import (
    APPROVED_KEY,
    COMMAND_CHARS,
    RUN_KEY,
    VALUE,
    RunKey,
    WindowsRegistry,
)
from agent.errors import AutostartFailed

if TYPE_CHECKING:
    from pathlib import Path

OFF = bytes([3, 0, 0, 0, *range(8)])
"""What Settings, Apps, Startup writes: 3, and when it was switched off."""
ON = bytes([2]) + bytes(11)


class MemoryRegistry:
    """The registry's values by key and name; names know no capitals, as in Windows."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str | bytes] = {}
        self.shared: dict[tuple[str, str], str | bytes] = {}
        """Those of everybody."""
        self.refuses = False

    def read(self, key: str, name: str, *, everybody: bool = False) -> str | bytes | None:
        return (self.shared if everybody else self.values).get((key.lower(), name.lower()))

    def write(self, key: str, name: str, value: str) -> None:
        if self.refuses:
            raise PermissionError(13, "Access is denied")
        self.values[key.lower(), name.lower()] = value

    def delete(self, key: str, name: str) -> None:
        if self.refuses:
            raise PermissionError(13, "Access is denied")
        self.values.pop((key.lower(), name.lower()), None)

    def approve(self, value: bytes) -> None:
        self.values[APPROVED_KEY.lower(), VALUE.lower()] = value


def program_in(folder: Path) -> Program:
    program = folder / "mooring w.exe"
    program.touch()
    return Program((str(program),))


def test_what_was_installed_is_on_and_what_was_removed_leaves_nothing(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    way = RunKey(program_in(tmp_path), registry)
    assert way.status().state is LoginState.ABSENT
    way.uninstall()
    way.install()
    status = way.status()
    assert (status.state, status.detail) == (LoginState.ON, "")
    assert (
        status.command
        == f'"{tmp_path}{"/" if sys.platform != "win32" else chr(92)}mooring w.exe" run --no-page'
    )
    way.uninstall()
    assert registry.values == {}


def test_what_was_switched_off_in_the_settings_is_seen_and_an_install_switches_it_on(
    tmp_path: Path,
) -> None:
    registry = MemoryRegistry()
    way = RunKey(program_in(tmp_path), registry)
    way.install()
    for first in (2, 6):
        registry.approve(bytes([first]) + bytes(11))
        assert way.status().state is LoginState.ON
    for value in (OFF, bytes([7]) + bytes(11)):
        registry.approve(value)
        assert way.status().state is LoginState.SWITCHED_OFF
        assert "settings of Windows" in way.status().detail
    way.install()
    assert way.status().state is LoginState.ON
    registry.approve(OFF)
    way.uninstall()
    assert registry.values == {}, "a later install must not find the old switch"


def test_a_program_that_is_gone_or_another_one_is_named(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    RunKey(program_in(tmp_path), registry).install()
    (tmp_path / "new").mkdir()
    other = RunKey(program_in(tmp_path / "new"), registry)
    assert "another Mooring" in other.status().detail
    (tmp_path / "mooring w.exe").unlink()
    assert other.status().state is LoginState.BROKEN
    assert "mooring w.exe" in other.status().detail
    registry.write(RUN_KEY, VALUE, "gone.exe run")
    assert other.status().state is LoginState.BROKEN


def installed_for_everybody(folder: Path) -> tuple[MemoryRegistry, RunKey]:
    """What an MSI leaves."""
    registry = MemoryRegistry()
    way = RunKey(program_in(folder), registry)
    way.install()
    registry.values, registry.shared = registry.shared, registry.values
    return registry, way


def test_what_was_installed_for_everybody_is_on_and_only_an_administrator_removes_it(
    tmp_path: Path,
) -> None:
    registry, way = installed_for_everybody(tmp_path)
    status = way.status()
    assert status.state is LoginState.ON
    assert status.place.startswith("HKLM")
    assert "for everybody" in status.detail
    registry.approve(OFF)
    way.install()
    assert registry.values == {}, "it is not started twice"
    with pytest.raises(AutostartFailed) as caught:
        way.uninstall()
    assert "HKLM" in caught.value.report().title
    assert "administrator" in caught.value.report().meaning
    assert way.status().state is LoginState.ON


def test_what_was_installed_for_everybody_and_switched_off_can_be_on_for_one(
    tmp_path: Path,
) -> None:
    registry, way = installed_for_everybody(tmp_path)
    registry.shared[APPROVED_KEY.lower(), VALUE.lower()] = OFF
    status = way.status()
    assert (status.state, status.place[:4]) == (LoginState.SWITCHED_OFF, "HKLM")
    way.uninstall()
    way.install()
    assert (way.status().state, way.status().place[:4]) == (LoginState.ON, "HKCU")
    way.uninstall()
    assert way.status().state is LoginState.SWITCHED_OFF


def test_another_mooring_for_everybody_is_told_where_this_user_has_none(tmp_path: Path) -> None:
    registry, _ = installed_for_everybody(tmp_path)
    (tmp_path / "new").mkdir()
    other = RunKey(program_in(tmp_path / "new"), registry)
    assert "another Mooring" in other.status().detail
    other.install()
    assert (other.status().detail, other.status().place[:4]) == ("", "HKCU")
    (tmp_path / "new" / "mooring w.exe").unlink()
    (tmp_path / "mooring w.exe").unlink()
    assert other.status().place.startswith("HKCU")


def test_a_command_that_windows_would_pass_over_is_refused(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    with pytest.raises(AutostartFailed, match="Run"):
        RunKey(Program(("C:\\" + "x" * COMMAND_CHARS + ".exe",)), registry).install()
    with pytest.raises(AutostartFailed):
        RunKey(Program(("C:\\python.exe", "-m", "agent"), folder="C:\\src"), registry).install()
    assert registry.values == {}


def test_a_registry_that_refuses_is_told(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    registry.refuses = True
    way = RunKey(program_in(tmp_path), registry)
    for change in (way.install, way.uninstall):
        with pytest.raises(AutostartFailed) as caught:
            change()
        assert "Access is denied" in caught.value.report().meaning


@pytest.mark.system("win32")
def test_the_registry_of_windows_keeps_and_forgets_a_value() -> None:
    registry, key = WindowsRegistry(), rf"{RUN_KEY}\Mooring test"
    assert registry.read(key, "x") is None
    registry.delete(key, "x")
    registry.write(key, "x", "a b")
    assert registry.read(key, "x") == "a b"
    registry.delete(key, "x")
    assert registry.read(key, "x") is None
