"""What an operator sees of each socket, and what programs are told."""

from __future__ import annotations

import io
import json

from agent.cli.batch_view import BatchView
from agent.cli.output import Output
from agent.jobs.job import JobState
from tests.jobs.batch_world import World, make_board, make_row


class Terminal(io.TextIOWrapper):
    """A terminal that keeps what is shown."""

    def __init__(self) -> None:
        self.kept = io.BytesIO()
        super().__init__(self.kept, encoding="utf-8")

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return self.kept.getvalue().decode().splitlines()


def shown(world: World) -> list[str]:
    err = Terminal()
    BatchView(Output(out=io.StringIO(), err=err), world.machine).show(world.now)
    return err.lines


def test_each_socket_has_a_line_and_what_is_under_way_comes_first():
    world = World([make_row(n, model="303a:1001") for n in range(1, 4)], {"parallel": 1})
    world.plug(make_board(1))
    world.settle()
    world.end(world.running[0].id)
    world.settle()
    world.plug(make_board(2))
    world.settle()
    world.end(world.running[0].id, JobState.FAILED)
    world.settle()
    world.plug(make_board(3))
    world.settle()
    world.boards.clear()
    world.plug(make_board(1), make_board(2), make_board(3), make_board(4, ports=[]), make_board(5))
    world.settle()
    lines = shown(world)
    assert [line.split("  ")[0] for line in lines[:4]] == ["1-3", "1-2", "1-1", "1-5"]
    assert "… row 3" in lines[0]
    assert "✗ row 2" in lines[1]
    assert "failed: The agent stopped" in lines[1]
    assert "✓ row 1  dev-1  done: take it out" in lines[2]
    assert "no row for it" in lines[3]
    assert lines[4] == "1 of 3 done · 1 failed · 1 under way"


def test_what_a_board_says_cannot_command_the_terminal():
    world = World([make_row(1, name="a\x1b[2J")])
    world.plug(make_board(1, name="x\x1b]0;owned\x07"))
    world.settle()
    assert "\x1b" not in "".join(shown(world))
    world.finish()
    out = io.StringIO()
    view = BatchView(Output(out=out, err=io.StringIO()), world.machine)
    view.concluded(world.rows[0], world.told[0])
    assert "\x1b" not in out.getvalue()


def test_programs_get_one_object_for_each_step_and_each_end():
    world = World([make_row(1)])
    out = io.StringIO()
    view = BatchView(Output(as_json=True, out=out, err=io.StringIO()), world.machine)
    world.plug(make_board(1))
    while world.turn():
        view.moved()
    world.finish()
    view.moved()
    view.concluded(world.rows[0], world.told[0])
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [each["state"] for each in told] == ["running", "done"]
    assert told[1]["device"] == "dev-1"
    assert told[0]["socket"] == "1-1"


def test_rows_without_a_board_are_seen_beside_the_sockets():
    world = World([make_row(n, delivery="header") for n in range(1, 4)], {"parallel": 2})
    world.plug(make_board(1))
    world.settle()
    lines = shown(world)
    assert [line.strip().split("  ")[0] for line in lines[:2]] == ["… row 1", "… row 2"]
    assert "no row for it" in lines[2]
    assert lines[3] == "0 of 3 done · 2 under way · 1 wait for their turn"
