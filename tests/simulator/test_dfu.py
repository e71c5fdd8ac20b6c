"""The simulated DFU board, without any USB."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.simulator.dfu import DfuDevice, Request, Setup, State, Status


def board(**changes) -> DfuDevice:
    fields = {"vid": 0x2341, "pid": 0x0368, "serial": "S", "dfuse": False, "sectors": 1}
    return DfuDevice(**{**fields, **changes})


def download(device: DfuDevice, block: int, data: bytes) -> bytes | None:
    return device.control(Setup(0x21, Request.DNLOAD, block, 0, len(data)), data)


def status(device: DfuDevice) -> tuple[int, State]:
    answer = device.control(Setup(0xA1, Request.GETSTATUS, 0, 0, 6), b"")
    assert answer is not None
    assert len(answer) == 6
    return answer[0], State(answer[4])


def test_a_plain_image_is_written_block_by_block_and_started_by_the_reset():
    device = board()
    for block, data in enumerate((b"abcd", b"efgh")):
        assert download(device, block, data) == b""
        assert status(device) == (Status.OK, State.DNLOAD_IDLE)
    assert download(device, 2, b"") == b""
    assert status(device) == (Status.OK, State.MANIFEST)
    assert not device.started
    device.reset()
    assert device.started
    assert device.flash[:9] == b"abcdefgh\xff"


def test_a_reset_before_the_end_starts_nothing():
    device = board()
    download(device, 0, b"abcd")
    device.reset()
    assert not device.started


def test_dfuse_writes_only_to_erased_flash_within_its_memory():
    device = board(dfuse=True, base=0x0800_0000)
    for command in (b"\x41" + (0x0800_0000).to_bytes(4, "little"), b"\x21\0\0\0\x08"):
        assert download(device, 0, command) == b""
        assert status(device) == (Status.OK, State.DNBUSY)
        assert status(device) == (Status.OK, State.DNLOAD_IDLE)
    for expected in ((Status.OK, State.DNBUSY), (Status.ERR_PROG, State.ERROR)):
        assert download(device, 2, b"abcd") == b""
        assert status(device) == expected
        if expected[0] == Status.OK:
            status(device)
    assert download(device, 0, b"\x21\0\0\0\x09") is None
    device.control(Setup(0x21, Request.CLRSTATUS, 0, 0, 0), b"")
    assert download(device, 0, b"\x21\0\0\0\x09") == b""
    assert status(device) == (Status.ERR_ADDRESS, State.ERROR)


def test_a_running_sketch_makes_way_only_when_it_was_told_to():
    device = board(run_time=True)
    assert download(device, 0, b"abcd") is None
    device = board(run_time=True)
    device.reset()
    assert not device.detached
    assert device.control(Setup(0x21, Request.DETACH, 1000, 0, 0), b"") == b""
    assert device.detached


def test_the_descriptors_have_the_lengths_that_they_say():
    data = board(dfuse=True).descriptors()
    assert (data[0], data[18]) == (18, 9)
    assert int.from_bytes(data[20:22], "little") == len(data) - 18


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0x21, 0xA1, 0x80, 0x00, 0x40]),
            st.integers(0, 12),
            st.integers(0, 0xFFFF),
            st.binary(max_size=40),
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_any_requests_are_answered_or_refused_within_their_length(requests, dfuse):
    device = board(dfuse=dfuse)
    for kind, request, value, data in requests:
        answer = device.control(Setup(kind, request, value, 0, len(data)), data)
        assert answer is None or len(answer) <= max(len(data), 0)
    assert len(device.flash) == device.sectors * device.sector_size
