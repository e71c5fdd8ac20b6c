"""Ports of the bridge, some of them really taken."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest

from agent.desktop.doctor.bridge_ports import BridgePorts, is_free, listener_on
from agent.settings.config import BridgeConfig
from tests.desktop.doctor.patient import codes, facts, look


@contextlib.contextmanager
def taken(count):
    """So many ports in a row with listeners of this process; the first one's number."""
    for first in range(21_000 + os.getpid() % 20_000, 65_000, count + 1):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    listener = stack.enter_context(socket.socket())
                    listener.bind(("127.0.0.1", port))
                    listener.listen()
                free = is_free(first + count)
            except OSError:
                continue
            if not free:
                continue
            yield first
            return


def ports(first, last, own=None):
    return BridgePorts(BridgeConfig(first_port=first, last_port=last), lambda: own)


async def test_a_free_port_is_fine_and_stays_free():
    with taken(1) as first:
        assert await codes(ports(first + 1, first + 1)) == ["page-fine"]
        assert is_free(first + 1)


@pytest.mark.system("linux")
async def test_a_range_that_is_taken_is_told_with_the_programs():
    me = Path("/proc/self/comm").read_text().strip()
    with taken(2) as first:
        (one,) = await look(ports(first, first + 1))
    assert one.finding.code == "no-free-port"
    assert one.finding.level.value == "problem"
    assert f"{first}, {first + 1} by {me} (process {os.getpid()})" in one.finding.meaning
    assert me in facts(one)["held"]


async def test_a_page_that_will_be_elsewhere_is_told_with_its_address():
    with taken(1) as first:
        (one,) = await look(ports(first, first + 1))
    assert one.finding.code == "page-elsewhere"
    assert f"http://127.0.0.1:{first + 1}/" in one.finding.meaning


async def test_the_agents_own_port_is_not_in_its_way():
    with taken(1) as first:
        (one,) = await look(ports(first, first, own=first))
    assert one.finding.code == "page-fine"
    assert f"http://127.0.0.1:{first}/" in one.finding.title


async def test_a_port_that_is_taken_on_the_other_loopback_address_is_taken():
    with taken(1) as first, socket.socket(socket.AF_INET6) as other:
        try:
            other.bind(("::1", first + 1))
        except OSError:
            assert is_free(first + 1)  # this computer has no IPv6
            return
        other.listen()
        assert not is_free(first + 1)
        assert await codes(ports(first + 1, first + 1)) == ["no-free-port"]


@pytest.mark.system("linux")
def test_a_port_that_nobody_listens_on_has_no_listener(tmp_path):
    with taken(1) as first:
        assert listener_on(first + 1) is None
        assert listener_on(first, tmp_path) is None
