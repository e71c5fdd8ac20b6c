"""Attending as the settings say, however often they say it."""

from __future__ import annotations

from agent.boards.attendance import Attendance


def test_it_is_begun_once_and_ended_once():
    told = []

    def attend():
        told.append("begins")
        return lambda: told.append("ends")

    attendance = Attendance(attend)
    attendance.keep(False)
    assert told == []
    for wanted in (True, True, False, False, True, False):
        attendance.keep(wanted)
    assert told == ["begins", "ends", "begins", "ends"]
