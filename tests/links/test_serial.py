import asyncio
import errno
import logging
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals", allow_module_level=True)

import fcntl
import grp
import termios

import serialx

from agent.errors import InputError, PortBusy, PortFailed, PortGone
from agent.links.serial import open_serial
from agent.links.stream import RECEIVE_BUFFER_BYTES, StreamLink

ROOT = Path(__file__).parents[2]


async def _receive(link, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await link.receive()
    return data


async def test_bytes_travel_both_ways_unchanged(far_end):
    link = await open_serial(far_end.path, 9600)
    every_byte = bytes(range(256))

    await far_end.send(every_byte)
    assert await _receive(link, 256) == every_byte
    await link.write(every_byte)
    assert await far_end.read(256) == every_byte

    assert link.address == far_end.path
    await link.close()


async def test_a_frame_larger_than_the_systems_buffer_arrives_whole_and_in_order(far_end):
    link = await open_serial(far_end.path, 115200)
    data = os.urandom(200_000)

    reading = asyncio.create_task(far_end.read(len(data)))
    await link.write(data)

    assert await reading == data
    await link.close()


async def test_a_write_returns_only_when_the_port_has_taken_all_of_it(far_end):
    link = await open_serial(far_end.path, 115200)
    writing = asyncio.create_task(link.write(bytes(50_000)))
    for _ in range(200):
        await asyncio.sleep(0)
    assert not writing.done()

    await far_end.read(50_000)
    await writing
    await link.close()


async def test_single_bytes_and_bursts_arrive_in_order(far_end):
    link = await open_serial(far_end.path, 9600)
    data = os.urandom(3000)

    async def send() -> None:
        for index in range(500):
            await far_end.send(data[index : index + 1])
        await far_end.send(data[500:])

    sending = asyncio.create_task(send())
    assert await _receive(link, len(data)) == data
    await sending
    await link.close()


async def test_a_slow_owner_loses_nothing_and_the_link_buffers_only_a_bounded_amount(far_end):
    link = await open_serial(far_end.path, 115200)
    data = os.urandom(1_000_000)
    sending = asyncio.create_task(far_end.send(data))

    assert isinstance(link, StreamLink)
    while not link._paused:
        await asyncio.sleep(0)
    for _ in range(200):
        await asyncio.sleep(0)
    # The last read of the transport, at most 256 KiB, may have gone over the mark.
    assert RECEIVE_BUFFER_BYTES <= link._pending <= RECEIVE_BUFFER_BYTES + 256 * 1024
    assert not sending.done()

    assert await _receive(link, len(data)) == data
    await sending
    await link.close()


async def test_a_wake_up_whose_bytes_are_gone_is_not_the_end_of_the_port(far_end):
    flusher = os.open(far_end.path, os.O_RDWR | os.O_NOCTTY)
    link = await open_serial(far_end.path, 9600)
    await far_end.send(b"lost")
    select.select([flusher], [], [])
    # The loop's next look finds the bytes, and what follows runs before they are read.
    await asyncio.sleep(0)
    termios.tcflush(flusher, termios.TCIFLUSH)
    os.close(flusher)
    await asyncio.sleep(0)

    await far_end.send(b"kept")
    assert await _receive(link, 4) == b"kept"
    await link.close()


async def test_a_vanished_board_ends_a_waiting_receive(far_end):
    link = await open_serial(far_end.path, 9600)
    waiting = asyncio.create_task(link.receive())
    await asyncio.sleep(0)

    far_end.unplug()

    with pytest.raises(PortGone) as caught:
        await waiting
    assert caught.value.facts["port"] == far_end.path
    assert isinstance(link, StreamLink)
    await link.close()
    assert link.lost


async def test_what_came_before_the_board_vanished_is_still_handed_out(far_end):
    link = await open_serial(far_end.path, 9600)
    await far_end.send(b"last words")
    assert await _receive(link, 4) == b"last words"
    await far_end.send(b"and more")
    assert isinstance(link, StreamLink)
    while not link._chunks:
        await asyncio.sleep(0)
    far_end.unplug()

    assert await link.receive() == b"and more"
    with pytest.raises(PortGone):
        await link.receive()
    await link.close()


async def test_writing_to_a_vanished_board_says_so(far_end):
    link = await open_serial(far_end.path, 9600)
    far_end.unplug()

    with pytest.raises(PortGone):
        await link.write(b"x")
    with pytest.raises(PortGone):
        await link.write(b"x")
    await link.close()


async def test_close_ends_a_waiting_receive_and_may_be_repeated(far_end):
    link = await open_serial(far_end.path, 9600)
    waiting = asyncio.create_task(link.receive())
    await asyncio.sleep(0)

    await asyncio.gather(link.close(), link.close())
    await link.close()

    with pytest.raises(PortGone):
        await waiting
    with pytest.raises(PortGone):
        await link.write(b"x")
    assert isinstance(link, StreamLink)
    assert not link.lost


async def test_a_closed_port_can_be_opened_again_at_once_by_anybody(far_end):
    link = await open_serial(far_end.path, 9600)
    await link.close()

    again = await open_serial(far_end.path, 9600)
    await again.write(b"hello")
    assert await far_end.read(5) == b"hello"
    await again.close()


async def test_a_cancelled_write_still_sends_its_frame_whole(far_end):
    link = await open_serial(far_end.path, 115200)
    data = os.urandom(100_000)
    writing = asyncio.create_task(link.write(data))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert await far_end.read(len(data)) == data
    await link.close()


async def test_a_second_opening_is_refused(far_end):
    link = await open_serial(far_end.path, 9600)

    with pytest.raises(PortBusy) as caught:
        await open_serial(far_end.path, 9600)

    assert caught.value.facts["port"] == far_end.path
    await link.close()


@pytest.mark.system("linux")
async def test_the_program_that_holds_the_port_is_named(far_end):
    code = (
        "import fcntl, os, sys\n"
        f"fd = os.open({far_end.path!r}, os.O_RDWR | os.O_NOCTTY)\n"
        "fcntl.flock(fd, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"

        with pytest.raises(PortBusy) as caught:
            await open_serial(far_end.path, 9600)

        assert f"(process {other.pid})" in str(caught.value.facts["holder"])
        assert Path(f"/proc/{other.pid}/comm").read_text().strip() in str(
            caught.value.facts["holder"]
        )


async def test_a_closed_port_is_free_for_any_user_while_its_board_is_still_there(far_end):
    """The mark that outlives its owner on a pseudo-terminal (TIOCEXCL) must not be set."""
    link = await open_serial(far_end.path, 9600)
    await link.close()
    Path(far_end.path).chmod(0o666)

    _as_any_user(f"os.close(os.open({far_end.path!r}, os.O_RDWR | os.O_NOCTTY))")


def test_without_permission_the_group_of_the_device_is_named(far_end):
    Path(far_end.path).chmod(0)

    said = _as_any_user(
        "try:\n"
        f"    asyncio.run(open_serial({far_end.path!r}, 9600))\n"
        "except NoPermission as error:\n"
        "    print(error.facts['group'])\n"
    )

    assert said.strip() == grp.getgrgid(Path(far_end.path).stat().st_gid).gr_name


async def test_a_port_that_does_not_exist_is_gone(tmp_path):
    with pytest.raises(PortGone):
        await open_serial(str(tmp_path / "ttyACM9"), 9600)


async def test_a_file_that_is_no_port_is_refused_with_the_systems_reason(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(PortFailed) as caught:
        await open_serial(str(file), 9600)
    assert caught.value.facts["errno"] == errno.ENOTTY


@pytest.mark.parametrize("baud", [1200, 0, -9600, 49, 10_000_000])
async def test_rates_that_restart_boards_or_do_not_exist_are_refused(far_end, baud):
    with pytest.raises(InputError) as caught:
        await open_serial(far_end.path, baud)
    assert caught.value.facts["field"] == "baud"


@pytest.mark.parametrize(
    "address", ["socket://192.0.2.1:23", "rfc2217://192.0.2.1:23", "esphome://x"]
)
async def test_addresses_of_other_computers_are_refused(address):
    with pytest.raises(InputError):
        await open_serial(address, 9600)


async def test_any_rate_between_the_usual_ones_can_be_used(far_end):
    link = await open_serial(far_end.path, 250_000)
    await link.write(b"ok")
    assert await far_end.read(2) == b"ok"
    await link.close()


async def test_dtr_and_rts_are_asserted_and_stay_so(far_end):
    """A pseudo-terminal has no such lines; the library remembers what it asked for."""
    link = await open_serial(far_end.path, 9600)
    assert isinstance(link, StreamLink)
    transport = link._transport
    assert isinstance(transport, serialx.BaseSerialTransport)
    for _ in range(2):
        pins = await transport.get_modem_pins()
        assert (pins.dtr, pins.rts) == (serialx.PinState.HIGH, serialx.PinState.HIGH)
        await link.write(b"x")
    await link.close()


async def test_the_port_is_raw_so_that_no_byte_is_translated(far_end):
    link = await open_serial(far_end.path, 9600)
    iflag, oflag, cflag, lflag, *_ = termios.tcgetattr(far_end.master)
    await link.close()

    assert (oflag & termios.OPOST, lflag & (termios.ECHO | termios.ICANON)) == (0, 0)
    assert iflag & (termios.IXON | termios.IXOFF | termios.ICRNL) == 0
    assert cflag & termios.CSIZE == termios.CS8


@pytest.mark.slow  # 200 rounds of 11 ms each; serialx waits 10 ms in each opening
async def test_two_hundred_openings_leave_no_descriptor_behind(far_end):
    link = await open_serial(far_end.path, 9600)
    await link.close()
    before = _descriptors()

    for _ in range(200):
        link = await open_serial(far_end.path, 9600)
        await link.close()

    assert _descriptors() == before


async def test_a_cancelled_opening_leaves_no_descriptor_behind(far_end):
    link = await open_serial(far_end.path, 9600)
    await link.close()
    before = _descriptors()

    for turns in range(12):
        opening = asyncio.create_task(open_serial(far_end.path, 9600))
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

    assert _descriptors() == before


async def test_refused_openings_leave_no_descriptor_behind(far_end):
    link = await open_serial(far_end.path, 9600)
    before = _descriptors()
    for _ in range(5):
        with pytest.raises(PortBusy):
            await open_serial(far_end.path, 9600)
    assert _descriptors() == before
    await link.close()


async def test_no_byte_of_the_traffic_is_logged_even_at_debug_level(far_end, caplog):
    caplog.set_level(logging.DEBUG)
    link = await open_serial(far_end.path, 9600)
    await link.write(b"marker-secret-out")
    await far_end.read(17)
    await far_end.send(b"marker-secret-in")
    await _receive(link, 16)
    await link.close()

    assert "marker-secret" not in caplog.text


def test_the_bench_can_lock_a_pseudo_terminal(far_end):
    """What the tests above rest on: flock works on these devices."""
    first = os.open(far_end.path, os.O_RDWR | os.O_NOCTTY)
    second = os.open(far_end.path, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(first, fcntl.LOCK_EX)
    with pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(first)
    os.close(second)


def _as_any_user(code: str) -> str:
    """What the code prints in a process without root's rights."""
    loads = (
        "import asyncio, grp, os\n"
        "from agent.errors import NoPermission, PortGone\n"
        "from agent.links.serial import open_serial\n"
        "try:\n"  # loads all that the other user may have no right to read
        "    asyncio.run(open_serial('/nonexistent', 9600))\n"
        "except PortGone:\n"
        "    pass\n"
        "if os.geteuid() == 0:\n"
        "    os.setgid(65534), os.setgroups([]), os.setuid(65534)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", loads + code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd").iterdir()))
