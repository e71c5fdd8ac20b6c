"""What is said in a session: in the right order, never too fast, never too large, never twice."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.boards.board import Provisioning
from agent.catalog import Catalog
from agent.errors import Unreachable
from agent.gateway.backlog import TRIES_MAX, Backlog
from agent.gateway.boards import Presence
from agent.gateway.conversation import Conversation
from agent.gateway.names import DeviceNames
from agent.protocols.thingsboard.gateway_limits import GatewayPace, Limit, Limits, Rates
from agent.protocols.thingsboard.gateway_pack import OWN, Sample
from tests.gateway.here import HereBoards, HereLink, board

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONNECT = "v1/gateway/connect"
DISCONNECT = "v1/gateway/disconnect"
ATTRIBUTES = "v1/gateway/attributes"
TELEMETRY = "v1/gateway/telemetry"
OWN_TELEMETRY = "v1/devices/me/telemetry"
OWN_ATTRIBUTES = "v1/devices/me/attributes"
FREE = Limits(whole=Rates(), device=Rates())


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


class Talk:
    """A conversation and everything around it."""

    def __init__(self, catalog: Catalog, boards: HereBoards, limits: Limits = FREE) -> None:
        self.boards = boards
        self.link = HereLink()
        self.own: dict[str, Any] = {}
        self.now: float | None = None
        self.backlog = Backlog(self._wake)
        self.presence = Presence(boards, catalog, DeviceNames(), self._wake)
        self.pace = GatewayPace(limits)
        self.talk = self._new()

    def _new(self) -> Conversation:
        return Conversation(
            self.link,
            self.pace,
            self.presence,
            self.backlog,
            own=lambda: self.own,
            now=lambda: asyncio.get_running_loop().time() if self.now is None else self.now,
        )

    def again(self) -> None:
        """Another session."""
        self.link = HereLink()
        self.talk = self._new()

    def _wake(self) -> None:
        if hasattr(self, "talk"):
            self.talk.wake()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[HereLink]:
        task = asyncio.create_task(self.talk.run())
        try:
            yield self.link
            assert not task.done(), task
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def sample(number: int, device: str = "a", **values: Any) -> Sample:
    return Sample(device, number, values or {"n": number})


async def test_who_is_there_is_said_first_then_what_is_known_then_values(catalog):
    talk = Talk(catalog, HereBoards(board("b-1"), board("b-2")))
    talk.presence.begin()
    talk.own = {"version": "1"}
    talk.backlog.put(sample(1, "b-1"))
    talk.backlog.put(sample(2, OWN, boards=2))
    async with talk.running() as link:
        await link.until(lambda: link.on(TELEMETRY))
        topics = [topic for topic, _ in link.said]
        assert topics == [CONNECT, CONNECT, OWN_ATTRIBUTES, ATTRIBUTES, OWN_TELEMETRY, TELEMETRY]
        assert link.said[0][1] == {"device": "b-1", "type": "uno_r4_wifi"}
        assert set(link.on(ATTRIBUTES)[0]) == {"b-1", "b-2"}
        assert link.on(TELEMETRY) == [{"b-1": [{"ts": 1, "values": {"n": 1}}]}]
        assert link.on(OWN_TELEMETRY) == [[{"ts": 2, "values": {"boards": 2}}]]
    assert len(talk.backlog) == 0


async def test_only_what_has_changed_is_said_again(catalog):
    boards = HereBoards(board("b-1"))
    talk = Talk(catalog, boards)
    talk.presence.begin()
    async with talk.running() as link:
        await link.until(lambda: link.on(ATTRIBUTES))
        known = Provisioning(supported=["2.0"], installed="2.0")
        boards.plug(msgspec.structs.replace(board("b-1"), provisioning=known))
        await link.until(lambda: len(link.on(ATTRIBUTES)) == 2)
        assert link.on(ATTRIBUTES)[1] == {"b-1": {"provisioning": "2.0"}}
        assert len(link.on(CONNECT)) == 1


async def test_a_board_that_leaves_is_said_after_its_last_values(catalog):
    boards = HereBoards(board("b-1"))
    talk = Talk(catalog, boards)
    talk.presence.begin()
    async with talk.running() as link:
        await link.until(lambda: link.on(ATTRIBUTES))
        talk.backlog.put(sample(1, "b-1"))
        boards.unplug("b-1")
        await link.until(lambda: link.on(DISCONNECT))
        assert [topic for topic, _ in link.said][-2:] == [TELEMETRY, DISCONNECT]
        boards.plug(board("b-1"))
        await link.until(lambda: len(link.on(ATTRIBUTES)) == 2)
        assert len(link.on(CONNECT)) == 2


async def test_values_that_have_to_wait_do_not_keep_a_board_that_has_left(catalog):
    boards = HereBoards(board("b-1"))
    device = Rates(points=(Limit(20, 3600.0),))
    talk = Talk(catalog, boards, Limits(whole=Rates(), device=device))
    talk.presence.begin()
    async with talk.running() as link:
        await link.until(lambda: link.on(ATTRIBUTES))
        for number in range(20):
            talk.backlog.put(sample(number, "b-1"))
        boards.unplug("b-1")
        await link.until(lambda: link.on(DISCONNECT))
        assert len(talk.backlog)


async def test_values_of_a_board_that_is_away_do_not_leave_it_there(catalog):
    talk = Talk(catalog, HereBoards())
    talk.backlog.put(sample(1, "away"))
    async with talk.running() as link:
        await link.until(lambda: link.on(DISCONNECT))
        assert [topic for topic, _ in link.said] == [TELEMETRY, DISCONNECT]


async def test_a_board_that_comes_and_goes_unseen_is_not_mentioned(catalog):
    boards = HereBoards()
    talk = Talk(catalog, boards)
    talk.presence.begin()
    boards.plug(board("b-1"))
    boards.unplug("b-1")
    talk.own = {"version": "1"}
    async with talk.running() as link:
        await link.until(lambda: link.said)
        assert [topic for topic, _ in link.said] == [OWN_ATTRIBUTES]


async def test_a_new_session_is_told_everything_anew(catalog):
    talk = Talk(catalog, HereBoards(board("b-1")))
    talk.presence.begin()
    for _ in range(2):
        async with talk.running() as link:
            await link.until(partial(link.on, ATTRIBUTES))
            assert link.on(CONNECT)
        talk.again()


async def test_answers_go_before_everything_else(catalog):
    boards = HereBoards(*(board(f"b-{number}") for number in range(5)))
    talk = Talk(catalog, boards)
    talk.presence.begin()
    talk.talk.answer("v1/devices/me/rpc/response/1", b"{}")
    async with talk.running() as link:
        await link.until(lambda: link.on(ATTRIBUTES))
        assert link.said[0] == ("v1/devices/me/rpc/response/1", {})


async def test_no_window_holds_more_than_the_server_allows(catalog):
    boards = HereBoards(*(board(f"b-{number}") for number in range(30)))
    rates = Rates((Limit(40, 1.0),), (Limit(20, 1.0),), (Limit(100, 1.0),))
    talk = Talk(catalog, boards, Limits(whole=rates, device=rates))
    moments: list[tuple[float, int]] = []
    talk.presence.begin()
    for number in range(200):
        talk.backlog.put(sample(number, f"b-{number % 30}", a=1, b=2))
    clock = talk.now = 100.0
    publish = talk.link.publish

    async def counted(topic: str, payload: bytes) -> None:
        said = msgspec.json.decode(payload)
        points = 0
        if topic == TELEMETRY:
            points = sum(len(each["values"]) for told in said.values() for each in told)
        elif topic == ATTRIBUTES:
            points = sum(len(told) for told in said.values())
        assert talk.now is not None
        moments.append((talk.now, points))
        await publish(topic, payload)

    talk.link.publish = counted  # type: ignore[method-assign]  # the session of the test counts
    async with talk.running() as link:
        while len(talk.backlog):
            await asyncio.sleep(0)
            talk.now += 0.01
            talk.talk.wake()
    assert talk.now - clock < 60
    for begin, _ in moments:
        within = [points for at, points in moments if begin <= at < begin + 1.0]
        assert len(within) <= 40
        assert sum(1 for points in within if points) <= 20
        assert sum(within) <= 100
    assert sum(len(told) for said in link.on(TELEMETRY) for told in said.values()) == 200


async def test_no_message_is_larger_than_the_server_takes(catalog):
    boards = HereBoards(*(board(f"b-{number}") for number in range(30)))
    talk = Talk(catalog, boards, Limits(payload=400, whole=Rates(), device=Rates()))
    talk.presence.begin()
    for number in range(50):
        talk.backlog.put(sample(number, "b-1", text="x" * 100))
    talk.backlog.put(sample(50, "b-2", huge="x" * 500, small=1))
    async with talk.running() as link:
        await link.until(lambda: not len(talk.backlog) and len(link.on(CONNECT)) == 30)
        attributes = len(talk.presence.attributes("b-1"))
        told = 30 * attributes
        await link.until(
            lambda: sum(len(v) for said in link.on(ATTRIBUTES) for v in said.values()) == told
        )
        assert max(link.sizes) <= 400
        values = [each for said in link.on(TELEMETRY) for each in said.get("b-2", [])]
        assert values == [{"ts": 50, "values": {"small": 1}}]


async def test_one_board_that_says_too_much_holds_up_no_other(catalog):
    device = Rates((Limit(2, 3600.0),))
    talk = Talk(catalog, HereBoards(), Limits(whole=Rates(), device=device))
    async with talk.running() as link:
        for number in range(3):
            talk.backlog.put(sample(number, "loud"))
            await link.until(lambda: link.on(TELEMETRY))
        talk.backlog.put(sample(9, "quiet"))
        await link.until(lambda: any("quiet" in said for said in link.on(TELEMETRY)))


async def test_a_device_that_the_server_does_not_take_is_left_out(catalog):
    talk = Talk(catalog, HereBoards(board("b-1"), board("b-2")))
    talk.presence.begin()
    talk.backlog.put(sample(1, "b-1"))
    talk.backlog.put(sample(2, "b-2"))
    talk.link.refuse = lambda topic, said: topic == CONNECT and said["device"] == "b-1"
    async with talk.running() as link:
        await link.until(lambda: link.on(TELEMETRY))
        talk.backlog.put(sample(3, "b-1"))
        talk.backlog.put(sample(4, "b-2"))
        await link.until(lambda: len(link.on(TELEMETRY)) == 2)
        assert all(set(said) == {"b-2"} for said in link.on(TELEMETRY))
        assert [set(said) for said in link.on(ATTRIBUTES)] == [{"b-2"}]
    assert talk.backlog.lost == 2


async def test_a_value_that_the_server_does_not_take_is_found_among_others(catalog):
    talk = Talk(catalog, HereBoards())
    for number in range(5):
        talk.backlog.put(sample(number))
    talk.link.refuse = lambda _, said: any(each["ts"] == 3 for each in said.get("a", []))
    async with talk.running() as link:
        await link.until(lambda: not len(talk.backlog) or talk.backlog.lost)
        await link.until(lambda: sum(len(said["a"]) for said in link.on(TELEMETRY)) == 4)
    assert talk.backlog.lost == 1


async def test_values_are_kept_when_the_session_ends_and_said_in_the_next_one(catalog):
    talk = Talk(catalog, HereBoards())
    talk.backlog.put(sample(1))
    talk.backlog.put(sample(2))
    talk.link.down = True
    with pytest.raises(Unreachable):
        await talk.talk.run()
    assert len(talk.backlog) == 2
    talk.again()
    talk.backlog.put(sample(3))
    async with talk.running() as link:
        await link.until(lambda: not len(talk.backlog))
        # Alone, as long as one of them may be why the session ended.
        assert [[each["ts"] for each in said["a"]] for said in link.on(TELEMETRY)] == [
            [1],
            [2],
            [3],
        ]


async def test_a_value_that_ends_every_session_is_lost_at_last(catalog):
    talk = Talk(catalog, HereBoards())
    talk.backlog.put(sample(1))
    for _ in range(TRIES_MAX):
        talk.link.down = True
        with pytest.raises(Unreachable):
            await talk.talk.run()
        talk.again()
    assert (len(talk.backlog), talk.backlog.lost) == (0, 1)


events = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["plug", "unplug", "put", "left"]), st.sampled_from("abc")),
        st.tuples(st.sampled_from(["turns", "cut"]), st.integers(1, 20)),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(events)
def test_whatever_happens_the_server_knows_in_the_end_what_is_so(catalog, happened):
    async def run() -> None:
        talk = Talk(catalog, HereBoards(), Limits(payload=1024, whole=Rates(), device=Rates()))
        talk.presence.begin()
        link, task = talk.link, asyncio.create_task(talk.talk.run())
        numbers: list[int] = []
        seen: list[int] = []

        def take() -> None:
            told = [each for said in link.on(TELEMETRY) for part in said.values() for each in part]
            seen.extend(each["ts"] for each in told)

        for kind, what in [*happened, ("turns", 400)]:
            if kind == "plug":
                talk.boards.plug(board(str(what)))
            elif kind == "unplug" and str(what) in talk.presence.present:
                talk.boards.unplug(str(what))
            elif kind == "put":
                numbers.append(len(numbers))
                talk.backlog.put(sample(numbers[-1], str(what)))
            elif kind == "left":
                link.said.append((DISCONNECT, {"device": what}))  # by the server itself
                talk.talk.left(str(what))
            for _ in range(int(what) if kind in {"turns", "cut"} else 0):
                await asyncio.sleep(0)
            if kind == "cut":
                task.cancel()
                await asyncio.wait({task})
                take()
                talk.again()
                link, task = talk.link, asyncio.create_task(talk.talk.run())
        assert not task.done(), task
        task.cancel()
        await asyncio.wait({task})
        take()
        here: set[str] = set()
        known: dict[str, dict[str, Any]] = {}
        for topic, said in link.said:
            if topic == CONNECT:
                here.add(said["device"])
            elif topic == DISCONNECT:
                here.discard(said["device"])
            elif topic == TELEMETRY:
                here |= set(said)
            elif topic == ATTRIBUTES:
                for name, values in said.items():
                    known.setdefault(name, {}).update(values)
        assert here == set(talk.presence.present)
        for name in here:
            assert known[name] == talk.presence.attributes(name)
        assert sorted(set(seen)) == numbers
        assert talk.backlog.lost == 0

    asyncio.run(run())


async def test_a_device_whose_session_the_server_ended_is_said_anew(catalog):
    talk = Talk(catalog, HereBoards(board("b-1")))
    talk.presence.begin()
    async with talk.running() as link:
        await link.until(lambda: link.on(ATTRIBUTES))
        talk.talk.left("b-1")
        await link.until(lambda: len(link.on(ATTRIBUTES)) == 2)
        assert len(link.on(CONNECT)) == 2
