"""A value that others follow."""

from __future__ import annotations

from agent.settings.held import Held


def test_who_follows_is_told_of_another_value_and_not_of_the_same():
    held = Held(1)
    heard: list[int] = []
    end = held.subscribe(lambda: heard.append(held.value))
    held.set(1)
    held.set(2)
    assert heard == [2]
    end()
    end()
    held.set(3)
    assert (heard, held.value) == ([2], 3)


def test_a_listener_with_a_defect_hides_nothing_from_the_others(caplog):
    held = Held("")
    heard: list[str] = []

    def defect() -> None:
        raise ValueError

    held.subscribe(defect)
    held.subscribe(lambda: heard.append(held.value))
    held.set("new")
    assert heard == ["new"]
    assert "a listener failed" in caplog.text


def test_a_listener_may_leave_while_it_is_told():
    held = Held(0)
    heard: list[int] = []

    def once() -> None:
        heard.append(held.value)
        end()

    end = held.subscribe(once)
    held.set(1)
    held.set(2)
    assert heard == [1]
