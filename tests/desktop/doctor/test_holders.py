"""Real programs that hold a port, and services that open ports."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from agent.boards.board import BoardState
from agent.catalog import UsbId
from agent.desktop.doctor.holders import KNOWN, PortHolders, Probers
from agent.desktop.doctor.udev_rules import RULE_NAME
from tests.desktop.doctor.patient import (
    ONLY_ROOT,
    as_nobody,
    board,
    codes,
    look,
    program_called,
    serial_port,
)

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.system("linux")

CH340 = UsbId(0x1A86, 0x7523)
FTDI = UsbId(0x0403, 0x6001)
BRLTTY_RULES = """\
# Device: 0403:6001
#ENV{PRODUCT}=="403/6001/*", ENV{BRLTTY_BRAILLE_DRIVER}="at", GOTO="brltty_usb_run"
# Device: 1A86:7523
ENV{PRODUCT}=="1a86/7523/*", ENV{BRLTTY_BRAILLE_DRIVER}="bm", GOTO="brltty_usb_run"
"""


def show(process: subprocess.Popen[bytes], proc: Path) -> None:
    """Show this process, of all that run on this computer."""
    proc.mkdir()
    (proc / str(process.pid)).symlink_to(f"/proc/{process.pid}")


@pytest.mark.parametrize("name", ["serial-monitor", "picocom", "ModemManager", "brltty"])
async def test_a_known_program_is_named_with_how_it_lets_go(pty_port, tmp_path, name):
    with pty_port.open() as port, program_called(tmp_path, name, stdin=port) as process:
        (one,) = await look(PortHolders(lambda: [board(serial_port(pty_port))]))
    who, mend = KNOWN[name]
    assert one.finding.code == "holder"
    assert one.finding.title == (f"{pty_port} is in use by {who} ({name} (process {process.pid})).")
    assert one.finding.mend == mend
    assert one.finding.facts == {"port": str(pty_port), "holder": name, "process": process.pid}


async def test_any_other_program_is_named_as_well_through_a_stable_name_of_the_port(
    pty_port, tmp_path
):
    by_id = tmp_path / "by-id"
    by_id.symlink_to(pty_port)
    with pty_port.open() as port, program_called(tmp_path, "lathe", stdin=port) as process:
        (one,) = await look(PortHolders(lambda: [board(serial_port(by_id))]))
    assert one.finding.facts["process"] == process.pid


async def test_what_mooring_itself_holds_is_left_out(pty_port, tmp_path):
    mine = board(serial_port(pty_port))
    with pty_port.open() as port, program_called(tmp_path, "esptool", stdin=port) as process:
        agent = PortHolders(lambda: [mine], own=lambda: [process.pid])
        assert await codes(agent) == ["holders-fine"]
        busy = board(serial_port(pty_port), state=BoardState.BUSY, holder="job 3")
        assert await codes(PortHolders(lambda: [busy])) == []
        simulated = board(serial_port(pty_port, simulated=True))
        assert await codes(PortHolders(lambda: [simulated])) == ["holders-fine"]
    assert await codes(PortHolders(lambda: [mine])) == ["holders-fine"]


@ONLY_ROOT
async def test_a_program_of_another_user_cannot_be_seen_and_nothing_else_is_claimed(
    pty_port, tmp_path
):
    with pty_port.open() as port, program_called(tmp_path, "picocom", stdin=port), as_nobody():
        (one,) = await look(PortHolders(lambda: [board(serial_port(pty_port))]))
    assert "that this account can see" in one.finding.title


async def test_modemmanager_is_told_unless_the_rule_keeps_it_away(tmp_path):
    rules = tmp_path / "etc/udev/rules.d"
    rules.mkdir(parents=True)
    proc = tmp_path / "proc"
    family = Probers([CH340], proc=proc, root=tmp_path)
    assert await codes(family) == []
    with program_called(tmp_path, "ModemManager") as process:
        show(process, proc)
        (one,) = await look(family)
        assert one.finding.code == "prober-modemmanager"
        assert one.finding.facts == {"process": process.pid}
        (rules / RULE_NAME).write_text('ENV{ID_MM_DEVICE_IGNORE}="1"\n')
        assert await codes(family) == []
        (rules / RULE_NAME).write_text("")  # switched off by the administrator
        assert await codes(family) == ["prober-modemmanager"]


async def test_brltty_is_told_if_it_runs(tmp_path):
    proc = tmp_path / "proc"
    with program_called(tmp_path, "brltty") as process:
        show(process, proc)
        (one,) = await look(Probers([CH340], proc=proc, root=tmp_path))
    assert one.finding.code == "prober-brltty"
    assert "runs" in one.finding.title


async def test_brltty_is_told_if_its_rules_claim_boards_and_comments_do_not_count(tmp_path):
    rules = tmp_path / "usr/lib/udev/rules.d"
    rules.mkdir(parents=True)
    (rules / "85-brltty.rules").write_text(BRLTTY_RULES)
    proc = tmp_path / "proc"
    usb_ids = [CH340, FTDI, UsbId(0x1366, None)]
    (one,) = await look(Probers(usb_ids, proc=proc, root=tmp_path))
    assert one.finding.code == "prober-brltty"
    assert one.finding.facts == {"claimed": "1a86:7523"}
    assert await codes(Probers([FTDI], proc=proc, root=tmp_path)) == []
    etc = tmp_path / "etc/udev/rules.d"
    etc.mkdir(parents=True)
    (etc / "85-brltty.rules").symlink_to(os.devnull)
    assert await codes(Probers([CH340], proc=proc, root=tmp_path)) == []
