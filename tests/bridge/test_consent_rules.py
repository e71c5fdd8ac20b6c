"""What holds of consent whatever pages, people, clocks, disks and kills do."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.bridge.consent import (
    NEW_MAX,
    NEW_PER_PAGE,
    OPEN_MAX,
    SILENCE_S,
    WINDOW_S,
    Decision,
)
from agent.bridge.consent_service import AskAllowed, AskOpen, AskRefused
from agent.bridge.once import AFTER_S
from agent.bridge.scopes import Scope, complete
from agent.errors import AskBusy, AskGone, OriginSilenced, OriginsUnsaved
from tests.bridge.consenting import Window, World

if TYPE_CHECKING:
    from collections.abc import Callable

PAGES = [f"https://app{number}.example.com" for number in range(8)]
YEAR = 365 * SILENCE_S

pages = st.sampled_from(PAGES)
scopes = st.sets(st.sampled_from(list(Scope)), min_size=1).map(complete)


class ConsentRules(RuleBasedStateMachine):
    """A model beside the real thing: who was given what, who must be silent, who waits."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name))
        self.always: dict[str, frozenset[Scope]] = {}
        self.once: dict[str, tuple[frozenset[Scope], float]] = {}
        """With the moment from which its five minutes count."""
        self.silent: dict[str, float] = {}
        """Seconds for which a page must be silent at least."""
        self.connected: list[tuple[str, Callable[[], None]]] = []
        self.windows: list[Window] = []
        self.answered: list[str] = []
        self.news: list[tuple[float, str]] = []
        self.disk_works = True

    def teardown(self) -> None:
        self.folder.cleanup()

    # Pages

    @rule(url=pages, wants=scopes)
    def a_page_asks(self, url: str, wants: frozenset[Scope]) -> None:
        before = {each.ask for each in self.world.consent.asking}
        has = self.may(url)
        try:
            window = self.world.ask(url, wants)
        except OriginSilenced as error:
            until = error.facts["until"]
            assert isinstance(until, float)
            assert self.world.wall < until <= self.world.wall + SILENCE_S
            assert url in self.silent
            return
        except AskBusy:
            return
        if wants <= has:
            assert isinstance(window.last, AskAllowed)
            return
        assert url not in self.silent, "somebody said no less than a day ago"
        assert window.told == [AskOpen(until=window.told[0].until)]  # type: ignore[union-attr] # it is open
        self.windows.append(window)
        self.news += [
            (self.world.now, each.url)
            for each in self.world.consent.asking
            if each.ask not in before
        ]

    @precondition(lambda self: self.windows)
    @rule(data=st.data())
    def a_page_goes(self, data: st.DataObject) -> None:
        window = data.draw(st.sampled_from(self.windows))
        window.leave()
        if window.waits:
            self.windows.remove(window)

    @rule(url=pages)
    def a_page_connects(self, url: str) -> None:
        if url in self.world.origins:
            self.connected.append((url, self.world.consent.enter(url)))

    @precondition(lambda self: self.connected)
    @rule(data=st.data())
    def a_page_disconnects(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.connected))
        self.connected.remove(entry)
        url, leave = entry
        leave()
        if url in self.once and all(each != url for each, _ in self.connected):
            self.once[url] = (self.once[url][0], self.world.now)

    # People

    @precondition(lambda self: self.world.consent.asking)
    @rule(data=st.data(), decision=st.sampled_from(Decision))
    def a_person_answers(self, data: st.DataObject, decision: Decision) -> None:
        asking = data.draw(st.sampled_from(self.world.consent.asking))
        told = [each for each in self.windows if each.url == asking.url and each.waits]
        try:
            self.world.consent.answer(asking.ask, decision)
        except OriginsUnsaved:
            assert not self.disk_works
            if decision is not Decision.NO:
                assert asking in self.world.consent.asking
                return
        self.answered.append(asking.ask)
        wants = frozenset(asking.wants)
        if decision is Decision.ALWAYS:
            self.always[asking.url] = complete(wants | self.always.get(asking.url, frozenset()))
            if self.once_of(asking.url) <= self.always[asking.url]:
                self.once.pop(asking.url, None)
        elif decision is Decision.ONCE:
            self.once[asking.url] = (complete(wants | self.once_of(asking.url)), self.world.now)
        else:
            self.silent[asking.url] = SILENCE_S
        expected = AskRefused if decision is Decision.NO else AskAllowed
        assert told
        assert all(isinstance(each.last, expected) for each in told)

    @precondition(lambda self: self.answered)
    @rule(data=st.data(), decision=st.sampled_from(Decision))
    def a_person_answers_too_late(self, data: st.DataObject, decision: Decision) -> None:
        ask = data.draw(st.sampled_from(self.answered))
        with contextlib.suppress(AskGone):
            self.world.consent.answer(ask, decision)
            raise AssertionError

    @rule(url=pages, may=scopes)
    def a_person_allows(self, url: str, may: frozenset[Scope]) -> None:
        try:
            self.world.consent.allow(url, may)
        except OriginsUnsaved:
            assert not self.disk_works
            return
        self.always[url] = may
        self.once.pop(url, None)
        self.silent.pop(url, None)

    @rule(url=pages)
    def a_person_revokes(self, url: str) -> None:
        try:
            self.world.consent.revoke(url)
        except OriginsUnsaved:
            assert not self.disk_works
        for record in (self.always, self.once, self.silent):
            record.pop(url, None)

    # The world

    @rule(seconds=st.sampled_from([1, 30, 60, 120, 300, 3600, 43_200, 86_400]))
    def time_goes_by(self, seconds: int) -> None:
        self.world.advance(seconds)
        self.less_silence(seconds)

    @rule(seconds=st.sampled_from([-YEAR, -3600, 3600, YEAR]))
    def somebody_sets_the_clock(self, seconds: float) -> None:
        self.world.wall += seconds
        self.less_silence(seconds)

    @rule()
    def the_disk_fills_or_is_emptied(self) -> None:
        (self.world.break_disk if self.disk_works else self.world.mend_disk)()
        self.disk_works = not self.disk_works

    @precondition(lambda self: self.disk_works)
    @rule()
    def the_agent_is_killed_and_starts_again(self) -> None:
        self.world.start()
        self.once.clear()
        self.connected.clear()
        self.windows.clear()
        self.news.clear()
        # What could not be taken off the disk is back, and what could not be written is not.
        disk = self.world.disk
        kept = {each["url"]: frozenset(map(Scope, each["may"])) for each in disk["origins"]}
        assert all(kept.get(url) == may for url, may in self.always.items())
        self.always = kept
        refused = {each["url"] for each in disk["refused"]}
        self.silent = {url: left for url, left in self.silent.items() if url in refused}
        for each in disk["refused"]:
            left = min(each["until"] - self.world.wall, SILENCE_S)
            if each["url"] not in self.silent and left > 0:
                self.silent[each["url"]] = left

    # What holds

    @invariant()
    def at_most_five_questions_are_open_and_one_of_a_page(self) -> None:
        asking = self.world.consent.asking
        assert len(asking) <= OPEN_MAX
        assert len({each.url for each in asking}) == len(asking)
        assert all(each.wants and not set(each.wants) & set(each.has) for each in asking)

    @invariant()
    def a_question_is_open_exactly_while_a_page_waits(self) -> None:
        waiting = {each.url for each in self.windows if each.waits}
        assert {each.url for each in self.world.consent.asking} == waiting

    @invariant()
    def each_page_is_told_one_end_at_most(self) -> None:
        for window in self.windows:
            assert isinstance(window.told[0], AskOpen)
            assert len(window.told) <= 2
            assert not any(isinstance(each, AskOpen) for each in window.told[1:])

    @invariant()
    def questions_are_new_no_more_often_than_people_bear(self) -> None:
        for start, _ in self.news:
            near = [url for at, url in self.news if start <= at < start + WINDOW_S]
            assert len(near) <= NEW_MAX
            assert all(near.count(url) <= NEW_PER_PAGE for url in near)

    @invariant()
    def each_page_may_do_what_people_said_and_nothing_else(self) -> None:
        for url in PAGES:
            assert self.world.origins.may(url) == self.may(url)
            assert (url in self.world.origins) == bool(self.may(url))

    @invariant()
    def nothing_for_always_counts_that_is_not_on_disk(self) -> None:
        if self.disk_works:
            disk = {each["url"]: frozenset(each["may"]) for each in self.world.disk["origins"]}
            for url, may in self.always.items():
                assert disk.get(url) == may

    @invariant()
    def no_silence_is_longer_than_a_day(self) -> None:
        for refused in self.world.origins.refused():
            assert self.world.wall < refused.until <= self.world.wall + SILENCE_S

    def may(self, url: str) -> frozenset[Scope]:
        return self.always.get(url, frozenset()) | self.once_of(url)

    def once_of(self, url: str) -> frozenset[Scope]:
        may, since = self.once.get(url, (frozenset(), 0.0))
        stays = any(each == url for each, _ in self.connected)
        return may if stays or self.world.now < since + AFTER_S else frozenset()

    def less_silence(self, seconds: float) -> None:
        """A clock that is set back makes no silence shorter, one that is set forward does."""
        gone = max(0.0, seconds)
        self.silent = {url: left - gone for url, left in self.silent.items() if left > gone}


ConsentRules.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestConsentRules = ConsentRules.TestCase
