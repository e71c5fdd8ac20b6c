"""What a person is told before the computer leaves its network."""

from __future__ import annotations

import pytest

from agent.links.access_point_question import leaving
from agent.links.access_point_wifi import Adapter, Choice, Computer
from tests.links.access_point_world import HOME, POINT


@pytest.mark.parametrize(
    ("network", "elsewhere", "words", "goes"),
    [
        (HOME, False, "It leaves Home for that time", True),
        (HOME, True, "the Internet stays, over another connection", False),
        (None, True, "is in no network now", False),
    ],
    ids=["only way", "cable too", "idle"],
)
def test_the_person_reads_what_happens_to_the_internet(network, elsewhere, words, goes):
    adapter = Adapter("wlan0", network, internet=network is not None and not elsewhere)
    told = leaving(Computer((adapter,), elsewhere=elsewhere), Choice(adapter, POINT), 180.0)
    assert told.title == "May this computer join the board's network Blynk Thermo-4Y1H?"
    assert words in told.meaning
    assert told.internet_goes is goes
    assert "no password" in told.meaning
    assert ("is back in Home after 3 minutes" in told.safe) is (network is not None)


def test_a_short_time_is_said_as_a_minute():
    adapter = Adapter("wlan0")
    assert "a minute at most" in leaving(Computer((adapter,)), Choice(adapter, POINT), 60.0).safe
