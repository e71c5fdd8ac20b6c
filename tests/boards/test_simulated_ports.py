import asyncio
import json
import os
import subprocess
import sys

import pytest

from agent.boards.simulated_ports import FILE_LIMIT_BYTES, SimulatedPorts, process_lives

FACTS = {
    "kind": "serial",
    "address": "tcp://127.0.0.1:4711",
    "vid": 0x2341,
    "pid": 0x1002,
    "serial_number": "F412FA65",
    "location": "sim-1",
    "manufacturer": "Arduino",
    "product": "UNO WiFi R4",
    "interface": "CircuitPython CDC control",
    "simulated": True,
}


def announce(folder, name="a", **changes):
    file = folder / f"{name}.json"
    temporary = folder / f"{name}.tmp"
    temporary.write_text(json.dumps({**FACTS, "process": os.getpid(), **changes}))
    temporary.replace(file)
    return file


def test_an_announced_port_is_seen_with_all_its_facts(tmp_path):
    announce(tmp_path)
    ((port, _),) = SimulatedPorts(tmp_path).look()
    assert {name: getattr(port, name) for name in FACTS} == FACTS


@pytest.mark.parametrize(
    ("kind", "address"), [("usb", "usb:9-1"), ("volume", "/tmp/" + "long/" * 100 + "RPI-RP2")]
)
def test_a_bootloader_without_a_serial_port_is_announced_like_a_port(tmp_path, kind, address):
    announce(tmp_path, kind=kind, address=address)
    ((port, _),) = SimulatedPorts(tmp_path).look()
    assert (port.kind, port.address) == (kind, address)


def test_a_port_is_simulated_whatever_its_file_says(tmp_path):
    announce(tmp_path, simulated=False)
    assert SimulatedPorts(tmp_path).look()[0].port.simulated


def test_a_removed_file_is_an_unplugged_port(tmp_path):
    file = announce(tmp_path)
    source = SimulatedPorts(tmp_path)
    assert source.look()
    file.unlink()
    assert source.look() == []


def test_a_port_that_came_back_has_another_mark(tmp_path):
    announce(tmp_path)
    source = SimulatedPorts(tmp_path)
    (before,) = source.look()
    assert source.look() == [before]
    announce(tmp_path)
    (after,) = source.look()
    assert before.port == after.port
    assert before.node != after.node


def test_a_file_whose_process_has_ended_is_ignored(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        announce(tmp_path, process=process.pid)
        source = SimulatedPorts(tmp_path)
        assert len(source.look()) == 1
        process.communicate()
    assert source.look() == []


async def test_a_started_source_makes_its_folder_and_hears_of_changes(tmp_path):
    folder = tmp_path / "new" / "ports"
    source = SimulatedPorts(folder)
    assert source.poll_s == 0.2
    woken = asyncio.Event()
    source.start(woken.set)
    announce(folder)
    if sys.platform == "linux":
        assert source.poll_s == 1.0
        await woken.wait()
    assert len(source.look()) == 1
    source.close()
    source.close()
    assert source.poll_s == 0.2


def test_a_missing_folder_has_no_ports(tmp_path):
    assert SimulatedPorts(tmp_path / "none").look() == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"kind": "serial"}',
        b'{"kind": "serial", "address": 5}',
        b'{"kind": "parallel", "address": "x", "process": 1}',
        b"null",
    ],
)
def test_a_damaged_file_hides_only_itself(tmp_path, content):
    announce(tmp_path, "good")
    (tmp_path / "bad.json").write_bytes(content)
    (tmp_path / "huge.json").write_bytes(b" " * (FILE_LIMIT_BYTES + 1))
    (tmp_path / "half.tmp").write_bytes(b"{")
    (tmp_path / "folder.json").mkdir()
    assert [seen.port.address for seen in SimulatedPorts(tmp_path).look()] == [FACTS["address"]]


def test_foreign_text_is_cleaned(tmp_path):
    announce(tmp_path, product="evil\x1b[2J", serial_number="x" * 1000)
    (seen,) = SimulatedPorts(tmp_path).look()
    assert seen.port.product == "evil·[2J"
    assert len(seen.port.serial_number or "") < 200


def test_ports_of_the_ignore_list_are_not_seen(tmp_path):
    announce(tmp_path)
    assert SimulatedPorts(tmp_path, ["tcp://127.0.0.1:4711"]).look() == []


def test_a_process_lives_until_it_has_ended():
    assert process_lives(os.getpid())
    assert not process_lives(0)
    assert not process_lives(-1)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert not process_lives(process.pid)
