"""Which port is the board's after a touch, and that it is never merely the first new one."""

from __future__ import annotations

from agent.compat.port_wait import APPEARS_S, SETTLED_S, PortWait
from agent.flash.method import FlashTarget

SKETCH = FlashTarget(address="/dev/a", vid=0x1234, pid=1, serial_number="N1", location="1-1")


def port(address: str, **facts) -> FlashTarget:
    return FlashTarget(address=address, **({"vid": 0x1234, "pid": 2} | facts))


def settled(wait: PortWait, *present: FlashTarget, at: float = 1.0) -> FlashTarget | None:
    """What is found once these have been there long enough."""
    assert wait.look(present, at) is None
    return wait.look(present, at + SETTLED_S)


def test_the_port_in_the_same_socket_is_ours_whatever_its_number():
    wait = PortWait(SKETCH, [SKETCH], 0.0)
    stranger = port("/dev/b", location="1-2", serial_number="N1")
    ours = port("/dev/c", location="1-1", serial_number="other")
    assert settled(wait, stranger, ours) == ours


def test_a_port_in_another_socket_is_never_ours():
    wait = PortWait(SKETCH, [SKETCH], 0.0)
    assert settled(wait, port("/dev/b", location="1-2", serial_number="N1")) is None
    assert not wait.over(APPEARS_S - 0.1)
    assert wait.over(APPEARS_S)


def test_where_the_system_tells_no_sockets_the_number_decides():
    touched = port("/dev/a", serial_number="N1")
    wait = PortWait(touched, [touched], 0.0)
    ours, other = port("/dev/c", serial_number="N1"), port("/dev/b", serial_number="N2")
    assert settled(wait, other, ours) == ours


def test_without_socket_and_number_two_new_ports_are_none():
    touched = port("/dev/a")
    wait = PortWait(touched, [touched], 0.0)
    assert settled(wait, port("/dev/b"), port("/dev/c")) is None
    assert settled(wait, port("/dev/b"), at=3.0) == port("/dev/b")


def test_without_socket_and_number_a_port_of_another_vendor_is_not_ours():
    touched = port("/dev/a")
    wait = PortWait(touched, [touched], 0.0)
    assert settled(wait, port("/dev/b", vid=0x9999)) is None


def test_a_port_that_went_and_is_back_under_its_name_is_new():
    wait = PortWait(SKETCH, [SKETCH], 0.0)
    assert settled(wait, SKETCH) is None
    assert wait.look([], 2.0) is None
    assert settled(wait, SKETCH, at=2.5) == SKETCH


def test_a_port_that_comes_goes_and_comes_again_must_settle_first():
    wait = PortWait(SKETCH, [SKETCH], 0.0)
    ours = port("/dev/b", location="1-1")
    assert wait.look([ours], 1.0) is None
    assert wait.next_deadline == 1.0 + SETTLED_S
    assert wait.look([], 1.1) is None
    assert wait.next_deadline == APPEARS_S
    assert settled(wait, ours, at=1.3) == ours


def test_what_was_there_before_is_not_new():
    other = port("/dev/b", location="1-1")
    wait = PortWait(SKETCH, [SKETCH, other], 0.0)
    assert settled(wait, other) is None
