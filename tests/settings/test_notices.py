"""What is wrong with the agent itself, as long as it is."""

from __future__ import annotations

from agent.errors import JournalFailed, NoFreePort
from agent.settings.notices import Notices

FAILED = JournalFailed(path="/j", detail="disk full").report()
READ_ONLY = JournalFailed(path="/j", detail="read-only").report()
PORTS = NoFreePort(first=1, last=2).report()


def test_each_cause_has_one_report_and_keeps_its_place():
    notices = Notices()
    heard: list[int] = []
    notices.subscribe(lambda: heard.append(len(notices.list())))
    notices.set("journal", FAILED)
    notices.set("ports", PORTS)
    notices.set("journal", READ_ONLY)
    assert notices.list() == [READ_ONLY, PORTS]
    notices.set("journal", None)
    assert notices.list() == [PORTS]
    assert heard == [1, 2, 2, 1]


def test_what_was_never_wrong_is_no_news():
    notices = Notices()
    heard: list[int] = []
    end = notices.subscribe(lambda: heard.append(1))
    notices.set("journal", None)
    notices.set("journal", FAILED)
    notices.set("journal", FAILED)
    end()
    notices.set("journal", None)
    assert heard == [1]
