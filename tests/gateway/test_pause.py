from __future__ import annotations

from agent.gateway.pause import Pause


def test_waits_double_up_to_a_limit_and_begin_anew_after_something_lasted():
    pause = Pause(1.0, 5.0, steady_s=60.0, chance=lambda: 0.0)
    assert [pause.next() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    pause.lasted(59.0)
    assert pause.next() == 5.0
    pause.lasted(60.0)
    assert pause.next() == 1.0


def test_agents_do_not_come_back_in_step():
    assert Pause(4.0, 8.0, chance=lambda: 1.0).next() == 5.0
