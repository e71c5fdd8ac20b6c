"""What the journal says of a job for nRF Cloud."""

from __future__ import annotations

import pytest

from agent.jobs.facts import Fact
from agent.jobs.nrf import facts

KNOWN = {"cloud": "nrf", "title": "nRF \x1bCloud", "name": "x", "device_id": "i"}


def test_what_was_begun_is_open_until_it_ended():
    begun = [Fact(kind="other", data={}, at=0.0), Fact(kind=facts.CLAIMING, data=KNOWN, at=1.0)]
    work = facts.open_work(begun)
    assert work
    assert (work.stage, work.device_id, work.before) == (facts.CLAIMING, "i", False)
    ended = [*begun, Fact(kind=facts.ENDED, data={"result": None}, at=2.0)]
    assert (facts.open_work(ended), facts.done_result(ended)) == (None, None)
    done = [*begun, Fact(kind=facts.ENDED, data={"result": {"a": 1}}, at=2.0)]
    assert (facts.open_work(done), facts.done_result(done)) == (None, {"a": 1})
    assert facts.done_result(begun) is None
    assert facts.open_work([]) is None


@pytest.mark.parametrize(
    "stage", [facts.CLAIMING, facts.CLAIMED, facts.QUEUEING, facts.QUEUED, facts.GIVING_UP]
)
def test_each_stage_has_a_sentence(stage: str):
    work = facts.OpenWork(stage=stage, cloud="nrf", title="nRF \x1bCloud", name="x", device_id="i")
    said = facts.left_words(work)
    assert "x" in said
    assert "\x1b" not in said
    assert "3" in facts.left_words(work, facts.QUEUED_SO_FAR, 3)
