"""Rights on devices, met as an account that really has none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.boards.board import Port
from agent.desktop.doctor.serial import SerialAccess, device_node
from tests.desktop.doctor.patient import (
    NOBODY,
    ONLY_ROOT,
    as_nobody,
    codes,
    facts,
    give,
    look,
    serial_port,
)

pytestmark = pytest.mark.system("linux")


def access(*addresses) -> SerialAccess:
    return SerialAccess(lambda: [serial_port(each) for each in addresses])


async def test_a_port_that_may_be_opened_is_fine_and_is_not_opened(pty_port):
    before = pty_port.stat().st_atime_ns
    (one,) = await look(access(pty_port))
    assert one.finding.code == "serial-fine"
    assert str(pty_port) in one.finding.title
    assert pty_port.stat().st_atime_ns == before


async def test_without_a_board_nothing_is_said_about_rights():
    (one,) = await look(access())
    assert "No board" in one.finding.title


async def test_a_board_that_was_unplugged_meanwhile_or_has_no_file_is_left_out(tmp_path):
    odd = Port(kind="usb", address="usb:99-9"), Port(kind="ble", address="ble://A1:B2:C3:D4:E5:F6")
    family = SerialAccess(
        lambda: [serial_port(tmp_path / "gone"), serial_port("tcp://127.0.0.1:1"), *odd]
    )
    assert await codes(family) == ["serial-fine"]


@ONLY_ROOT
async def test_the_group_that_the_device_really_has_is_named(pty_port):
    give(pty_port, 0, 5)
    pty_port.chmod(0o660)
    with as_nobody():
        (one,) = await look(access(pty_port))
    assert one.finding.code == "serial-permission"
    assert one.finding.level.value == "problem"
    assert facts(one)["group"] == "tty"
    assert "usermod -aG tty nobody" in one.finding.mend


@ONLY_ROOT
async def test_who_was_added_to_the_group_after_the_login_is_told_to_log_in_again(pty_port):
    # By the system's list “nobody” is in this group; this process is not.
    give(pty_port, 0, NOBODY)
    pty_port.chmod(0o660)
    with as_nobody():
        (one,) = await look(access(pty_port))
    assert one.finding.code == "serial-login"
    assert "in again" in one.finding.mend


@ONLY_ROOT
async def test_a_device_of_the_administrator_alone_needs_the_rule(pty_port):
    give(pty_port, 0, 0)
    pty_port.chmod(0o600)
    with as_nobody():
        (one,) = await look(access(pty_port))
    assert one.finding.code == "serial-administrator"
    assert "--udev-rules" in one.finding.mend


@ONLY_ROOT
async def test_of_two_boards_only_the_closed_one_is_a_finding(pty_port, tmp_path):
    pty_port.chmod(0o600)
    with as_nobody():
        open_to_all = Path(os.devnull)
        findings = await look(access(pty_port, open_to_all))
    assert [facts(one)["port"] for one in findings] == [str(pty_port)]


def test_the_file_of_a_bootloader_without_a_serial_port_is_found(tmp_path):
    folder = tmp_path / "1-2.3"
    folder.mkdir()
    (folder / "busnum").write_text("1\n")
    (folder / "devnum").write_text("7\n")
    node = tmp_path / "001" / "007"
    node.parent.mkdir()
    node.touch()
    port = Port(kind="usb", address="usb:1-2.3")
    assert device_node(port, devices=tmp_path, nodes=tmp_path) == node
