"""The pseudo-terminal of a simulated board, and what is left of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.simulator.ports import open_port

pytestmark = pytest.mark.system("linux", "darwin")


async def plugged(*, dtr: bool):
    return await open_port(
        tcp=False, dtr=dtr, not_at=None, on_data=lambda _: None, on_host=lambda _: None
    )


@pytest.mark.parametrize("dtr", [False, True])
async def test_the_name_of_a_board_that_was_pulled_is_nobody_elses_for_a_while(dtr):
    pulled = await plugged(dtr=dtr)
    pulled.close()
    assert not Path(pulled.address).exists()
    others = [await plugged(dtr=dtr) for _ in range(5)]
    assert pulled.address not in [other.address for other in others]
    for other in others:
        other.close()


async def test_a_host_that_has_it_open_reads_its_end_though_the_name_is_kept():
    pulled = await plugged(dtr=True)
    host = os.open(pulled.address, os.O_RDWR | getattr(os, "O_NOCTTY", 0))
    pulled.close()
    try:
        with pytest.raises(OSError, match="Input/output"):
            os.write(host, b"anybody there?")
    finally:
        os.close(host)


async def test_a_board_that_keeps_its_name_takes_it_back_at_once():
    pulled = await plugged(dtr=False)
    held = len(list(Path("/dev/fd").iterdir()))
    pulled.close()
    pulled.free_address()
    pulled.free_address()
    assert len(list(Path("/dev/fd").iterdir())) == held - 2
