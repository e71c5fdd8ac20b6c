"""How many rows are under way at a time."""

from __future__ import annotations

import pytest

from agent.jobs.batch_room import PARALLEL, PARALLEL_MAX, has_room
from tests.jobs.batch_world import make_row


@pytest.mark.parametrize("cloud", ["arduino", "thingsboard", "none"])
def test_no_more_than_their_cloud_bears(cloud: str):
    live = [make_row(n, cloud=cloud) for n in range(PARALLEL[cloud])]
    row = make_row(99, cloud=cloud)
    assert has_room(row, live[1:], None)
    assert not has_room(row, live, None)
    assert has_room(make_row(99, kind="flash", cloud=""), live, None), "they share nothing"


def test_all_together_are_no_more_than_the_agent_takes():
    live = [
        make_row(n, kind="flash" if cloud == "flash" else "provision", cloud=cloud)
        for cloud in PARALLEL
        for n in range(PARALLEL[cloud])
    ]
    assert len(live) == PARALLEL_MAX
    assert not has_room(make_row(99), live, None)


def test_what_is_asked_for_counts_instead():
    assert has_room(make_row(9), [make_row(n) for n in range(20)], 21)
    assert not has_room(make_row(9), [make_row(1, kind="flash")], 1)
