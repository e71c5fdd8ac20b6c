import asyncio
import math
from functools import partial

import pytest

from agent.boards.leases import SETTLE_S, TOUCH_QUIET_S, Arrivals, Lease
from agent.boards.registry import Registry
from agent.errors import InputError, NoPermission, NoSerialPort, PortBusy, PortGone
from agent.links.stream import StreamLink

from .conftest import UNO, sighted

PORT = sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")
BOARD = "uno_r4_wifi-F412FA65"


class FarLink:
    """A link that was opened."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.closed = 0

    async def write(self, data: bytes) -> None:
        raise NotImplementedError

    async def receive(self) -> bytes:
        raise NotImplementedError

    async def close(self) -> None:
        self.closed += 1


class System:
    """An operating system that refuses to open a port for some time."""

    def __init__(self, *refusals: Exception) -> None:
        self.refusals = list(refusals)
        self.tried: list[str] = []
        self.links: list[FarLink] = []

    async def __call__(self, address: str, baud: int) -> FarLink:
        self.tried.append(address)
        if self.refusals:
            raise self.refusals.pop(0)
        self.links.append(FarLink(address))
        return self.links[-1]


class Finger:
    """What touches ports; it may fail."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.touched: list[str] = []
        self.expected = 0

    async def __call__(self, address: str) -> None:
        self.touched.append(address)
        if self.failures:
            raise self.failures.pop(0)

    def expect(self) -> None:
        self.expected += 1


def lent(catalog, system, *, came_s_ago=math.inf, finger=None, look=None):
    registry, arrivals = Registry(catalog), Arrivals()
    registry.update([PORT], 0.0)
    registry.hold(BOARD, "job")
    arrivals.note([PORT], asyncio.get_running_loop().time() - came_s_ago)
    finger = finger or Finger()
    lease = Lease(
        BOARD,
        "job",
        registry=registry,
        arrivals=arrivals,
        opener=system,
        toucher=finger,
        on_touch=finger.expect,
        look=look and partial(look, registry),
    )
    return registry, lease


@pytest.mark.parametrize(
    "refusal",
    [NoPermission(port="x", group="dialout"), PortBusy(port="x", holder="y"), PortGone(port="x")],
)
async def test_a_port_that_came_just_now_is_tried_again(catalog, refusal):
    system = System(refusal, refusal, refusal)
    _, lease = lent(catalog, system, came_s_ago=0.0)
    link = await lease.open(9600)
    assert link.address == "/dev/ttyACM0"
    assert len(system.tried) == 4


@pytest.mark.parametrize("age_s", [SETTLE_S + 0.1, math.inf])
async def test_a_port_that_was_there_for_longer_is_refused_at_once(catalog, age_s):
    system = System(NoPermission(port="x", group="dialout"), NoPermission(port="x"))
    _, lease = lent(catalog, system, came_s_ago=age_s)
    with pytest.raises(NoPermission):
        await lease.open(9600)
    assert len(system.tried) == 1


async def test_trying_again_ends(catalog):
    system = System(*[NoPermission(port="x", group="dialout")] * 1000)
    _, lease = lent(catalog, system, came_s_ago=SETTLE_S - 0.1)
    with pytest.raises(NoPermission):
        await lease.open(9600)


async def test_the_board_is_opened_where_it_is_now(catalog):
    system = System()
    registry, lease = lent(catalog, system)
    registry.update([sighted("/dev/ttyACM5", UNO, "F412FA65", "1-2")], 1.0)
    await lease.open(9600)
    assert system.tried == ["/dev/ttyACM5"]
    assert lease.board.ports[0].address == "/dev/ttyACM5"


async def test_a_board_without_a_port_is_gone(catalog):
    registry, lease = lent(catalog, System())
    registry.update([], 1.0)
    with pytest.raises(PortGone) as caught:
        await lease.open(9600)
    assert caught.value.facts["port"] == "/dev/ttyACM0"


async def test_opening_again_closes_the_earlier_link(catalog):
    system = System()
    _, lease = lent(catalog, system)
    await lease.open(9600)
    await lease.open(115200)
    assert [link.closed for link in system.links] == [1, 0]
    await lease.close()
    assert system.links[1].closed == 1


async def test_a_link_that_opens_after_the_end_of_its_lease_is_closed(catalog):
    system, go_on = System(), asyncio.Event()

    async def opener(address: str, baud: int) -> FarLink:
        await go_on.wait()
        return await system(address, baud)

    _, lease = lent(catalog, opener)
    opening = asyncio.create_task(lease.open(9600))
    await asyncio.sleep(0)
    await lease.end()
    go_on.set()
    with pytest.raises(PortGone):
        await opening
    assert [link.closed for link in system.links] == [1]


async def test_a_rate_that_is_a_command_to_the_model_is_refused(catalog):
    system = System()
    _, lease = lent(catalog, system)
    with pytest.raises(InputError) as caught:
        await lease.open(2400)
    assert caught.value.facts["field"] == "baud"
    assert system.tried == []


async def test_only_the_very_port_on_which_a_link_was_lost_is_stale(catalog):
    link = StreamLink("/dev/ttyACM0")

    async def opener(_address: str, _baud: int) -> StreamLink:
        return link

    _, lease = lent(catalog, opener)
    assert not lease.is_stale(PORT)
    await lease.open(9600)
    assert not lease.is_stale(PORT)
    link.connection_lost(None)
    assert lease.is_stale(PORT)
    assert not lease.is_stale(PORT._replace(node=2))


def lent_two(catalog, system):
    registry, arrivals = Registry(catalog), Arrivals()
    ports = [sighted(f"/dev/ttyACM{n}", (0x1915, 0x910A), "THINGY91X_1", "1-3") for n in (0, 1)]
    registry.update(ports, 0.0)
    (board,) = registry.boards()
    registry.hold(board.id, "job")
    arrivals.note(ports, asyncio.get_running_loop().time() - math.inf)
    finger = Finger()
    return Lease(
        board.id,
        "job",
        registry=registry,
        arrivals=arrivals,
        opener=system,
        toucher=finger,
        on_touch=finger.expect,
    )


async def test_all_ports_of_a_board_are_opened_and_closed_together(catalog):
    system = System()
    lease = lent_two(catalog, system)
    links = await lease.open_all(115_200)
    assert [link.address for link in links] == system.tried == ["/dev/ttyACM0", "/dev/ttyACM1"]
    await lease.open(115_200)
    assert [link.closed for link in system.links] == [1, 1, 0]
    await lease.end()
    assert [link.closed for link in system.links] == [1, 1, 1]


async def test_a_port_that_cannot_be_opened_is_left_out(catalog):
    system = System(PortBusy(port="/dev/ttyACM0", holder="ModemManager"))
    (link,) = await lent_two(catalog, system).open_all(115_200)
    assert link.address == "/dev/ttyACM1"


async def test_the_first_refusal_counts_where_no_port_can_be_opened(catalog):
    busy = PortBusy(port="/dev/ttyACM0", holder="ModemManager")
    lease = lent_two(catalog, System(busy, NoPermission(port="/dev/ttyACM1", group="dialout")))
    with pytest.raises(PortBusy) as caught:
        await lease.open_all(115_200)
    assert caught.value is busy


# --- the touch ------------------------------------------------------------------------------------


async def test_a_touch_closes_the_link_first_and_expects_a_loader(catalog):
    system, finger = System(), Finger()
    _, lease = lent(catalog, system, finger=finger)
    await lease.open(9600)
    assert not lease.awaits_loader
    await lease.touch()
    assert system.links[0].closed == 1
    assert finger.touched == ["/dev/ttyACM0"]
    assert (finger.expected, lease.awaits_loader) == (1, True)


async def test_a_name_that_has_become_another_board_s_is_not_touched(catalog):
    async def swap(registry):
        loader = sighted("/dev/ttyACM1", UNO, "F412FA65", "1-2", node=2)
        other = sighted("/dev/ttyACM0", UNO, "F412FA99", "1-3", node=3)
        registry.update([loader, other], 1.0)

    finger = Finger()
    _, lease = lent(catalog, System(), finger=finger, look=swap)
    await lease.touch()
    assert finger.touched == []
    assert lease.awaits_loader


async def test_after_a_touch_the_port_is_left_alone_until_the_sketch_has_gone(catalog):
    system, loop = System(), asyncio.get_running_loop()
    _, lease = lent(catalog, system)
    await lease.touch()
    touched_at = loop.time()
    await lease.open(9600)
    assert loop.time() - touched_at >= TOUCH_QUIET_S


async def test_a_port_that_came_since_the_touch_is_opened_at_once(catalog):
    system = System()
    registry, lease = lent(catalog, system)
    await lease.touch()
    registry.update([], 1.0)
    registry.update([PORT._replace(node=2)], 2.0)
    opening = asyncio.ensure_future(lease.open(9600))
    for _ in range(5):
        await asyncio.sleep(0)
    assert opening.done()


async def test_a_port_that_cannot_be_touched_says_why(catalog):
    refusal = PortBusy(port="/dev/ttyACM0", holder="screen (process 4711)")
    _, lease = lent(catalog, System(), finger=Finger(refusal))
    with pytest.raises(PortBusy):
        await lease.touch()


@pytest.mark.parametrize("kind", ["usb", "volume"])
async def test_a_loader_without_a_serial_port_is_neither_opened_nor_touched(catalog, kind):
    system, finger = System(), Finger()
    registry, lease = lent(catalog, system, finger=finger)
    loader = sighted("usb:1-2", UNO, "F412FA65", "1-2", kind=kind)
    registry.update([loader], 1.0)
    assert lease.board.ports == [loader.port]
    with pytest.raises(NoSerialPort):
        await lease.open(9600)
    with pytest.raises(NoSerialPort):
        await lease.touch()
    assert system.tried == finger.touched == []


def test_a_port_that_changed_its_mark_arrived_anew():
    arrivals = Arrivals()
    arrivals.note([PORT], -math.inf)
    assert arrivals.age_s(PORT, 10.0) == math.inf
    arrivals.note([PORT], 5.0)
    assert arrivals.age_s(PORT, 10.0) == math.inf
    again = PORT._replace(node=2)
    arrivals.note([again], 8.0)
    assert arrivals.age_s(again, 10.0) == 2.0
    arrivals.note([], 9.0)
    assert arrivals.age_s(again, 10.0) == math.inf
