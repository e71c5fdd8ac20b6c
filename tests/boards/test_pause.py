"""Pause: nobody gets a board, who can let go does, who cannot is waited for."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from agent.boards import pause as module
from agent.boards.pause import Pause, PauseState
from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.errors import Paused

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.sighting import Sighting

OFF = PauseState(on=False)
BOARD = "uno_r4_wifi-F412FA65"


class Air:
    """Counts who looks into the air."""

    in_thread = False
    poll_s = 1.0
    problem = None

    def __init__(self) -> None:
        self.looking = 0

    def attend(self) -> Callable[[], None]:
        self.looking += 1
        left = False

        def leave() -> None:
            nonlocal left
            self.looking -= not left
            left = True

        return leave

    def start(self, wake: Callable[[], None]) -> None:
        """Nobody is heard."""

    def look(self) -> list[Sighting]:
        return []

    def close(self) -> None:
        """Nothing to end."""

    def switched_off(self, address: str) -> None:
        """Nobody is heard."""


def states(pause: Pause) -> list[PauseState]:
    """The state and what becomes of it."""
    seen = [pause.state]
    pause.subscribe(lambda: seen.append(pause.state))
    return seen


async def test_nobody_gets_a_board_until_somebody_resumes() -> None:
    pause = Pause()
    seen = states(pause)
    await pause.begin()
    with pytest.raises(Paused), pause.held(None):
        pass
    with pytest.raises(Paused):
        pause.require_off()
    pause.end()
    pause.require_off()
    with pause.held(None):
        pass
    assert seen == [OFF, PauseState(on=True), OFF]


async def test_a_job_is_waited_for_and_not_asked() -> None:
    pause = Pause()
    seen = states(pause)
    with pause.held(None):
        with pause.held(None):
            await pause.begin()
            assert pause.state == PauseState(on=True, waiting=2)
        assert pause.state == PauseState(on=True, waiting=1)
    assert seen[-1] == PauseState(on=True)


async def test_a_pause_can_be_undone_while_jobs_run() -> None:
    pause = Pause()
    with pause.held(None):
        await pause.begin()
        pause.end()
        assert pause.state == OFF
        with pause.held(None):
            assert pause.state == OFF
    assert pause.state == OFF


async def test_who_can_let_go_has_done_so_when_the_call_returns() -> None:
    pause = Pause()
    asked: list[Paused] = []

    async def watch() -> None:
        task = asyncio.current_task()
        assert task is not None

        def recall(why: Paused) -> None:
            asked.append(why)
            task.cancel()

        with contextlib.suppress(asyncio.CancelledError), pause.held(recall):
            await asyncio.get_running_loop().create_future()

    watching = [asyncio.ensure_future(watch()) for _ in range(3)]
    await asyncio.sleep(0)
    await pause.begin()
    assert pause.state == PauseState(on=True)
    assert [why.code for why in asked] == ["paused"] * 3
    await asyncio.gather(*watching)


async def test_who_does_not_let_go_holds_up_the_answer_only_so_long(monkeypatch, caplog) -> None:
    monkeypatch.setattr(module, "LET_GO_S", 0.01)
    pause = Pause()

    def defect(_: Paused) -> None:
        raise ValueError

    with pause.held(defect), pause.held(lambda _: None):
        await pause.begin()
        assert pause.state == PauseState(on=True, waiting=2)
    assert "was asked to let go failed" in caplog.text


async def test_who_resumes_ends_the_wait_for_those_who_let_go() -> None:
    pause = Pause()
    with pause.held(lambda _: None):
        waiting = asyncio.ensure_future(pause.begin())
        await asyncio.sleep(0)
        pause.end()
        await waiting
        assert pause.state == OFF


async def test_nobody_listens_to_the_air_and_then_those_do_who_still_look() -> None:
    air = Air()
    pause = Pause(air)
    stays, leaves = pause.attend(), pause.attend()
    assert air.looking == 2
    await pause.begin()
    assert air.looking == 0
    comes = pause.attend()
    leaves()
    assert air.looking == 0
    pause.end()
    pause.end()
    assert air.looking == 2
    for each in (stays, comes, comes):
        each()
    assert air.looking == 0


async def test_boards_stay_in_the_list_and_are_not_lent(catalog, ports) -> None:
    ports.plug("kitchen", serial_number="F412FA65", location="sim-1")
    service = BoardService(catalog, [SimulatedPorts(ports.folder)], air=Air())
    await service.start()
    async with service.lease(BOARD, "a job") as lease:
        await service.pause.begin()
        link = await lease.open(9600)
        await link.write(b"still mine")
        assert service.pause.state.waiting == 1
    assert service.pause.state == PauseState(on=True)
    assert [board.id for board in service.list()] == [BOARD]
    with pytest.raises(Paused):
        async with service.lease(BOARD, "another job"):
            pass
    assert service.find(BOARD).holder is None
    service.pause.end()
    async with service.lease(BOARD, "another job"):
        pass
    await service.close()
