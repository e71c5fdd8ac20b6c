"""A clock that went back: files that are really from the future."""

from __future__ import annotations

import os
import time

from agent.desktop.doctor.clock import Clock, skewed
from tests.desktop.doctor.patient import codes, facts, look

YEAR_S = 31_556_952


async def test_a_clock_behind_our_own_files_is_told(tmp_path):
    log = tmp_path / "mooring.log"
    log.touch()
    os.utime(log, (time.time(), time.time() + 2 * YEAR_S))
    (one,) = await look(Clock([tmp_path / "none", log]))
    assert one.finding.code == "clock-back"
    assert one.finding.level.value == "problem"
    assert abs(facts(one)["behind_s"] - 2 * YEAR_S) < 60


async def test_files_of_now_and_no_files_are_fine(tmp_path):
    log = tmp_path / "mooring.log"
    log.touch()
    assert await codes(Clock([log])) == ["clock-fine"]
    assert await codes(Clock([])) == ["clock-fine"]


def test_a_server_that_tells_no_time_says_nothing_about_the_clock():
    assert skewed(0, "a cloud") is None
    one = skewed(time.time() + YEAR_S + 60, "a cloud")
    assert one is not None
    assert "1 year behind" in one.finding.title
