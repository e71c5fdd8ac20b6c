"""What the icon shows, and what a person is told without asking. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from agent.jobs.job import JobKind, JobState
from agent.settings.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.boards.board import Board
    from agent.desktop.tray.menu import View
    from agent.jobs.job import Job

QUIET_KINDS: Final = frozenset({JobKind.IDENTIFY, JobKind.NETWORKS, JobKind.BLINK})
"""They change nothing and take seconds; who started one looks at it."""
MET_LIMIT: Final = 1024
"""Boards that were told of; the one told of first is forgotten."""


class IconState(Enum):
    """What the icon shows; where several are true, the first."""

    ASKING = "asking"
    """A job waits for a person."""
    PROBLEM = "problem"
    """A job did not work out and nobody has looked at it, or the agent itself has a problem."""
    WORKING = "working"
    """A job runs."""
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell. A later one of the same ``key`` takes its place."""

    key: str
    title: str
    body: str = ""
    place: tuple[str, ...] = ()
    """Where a click leads, see :class:`agent.desktop.tray.menu.OpenPage`."""
    low: bool = False
    """Good to know, nothing more."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The notice of this key is no longer true."""

    key: str


def icon_of(view: View) -> IconState:
    """The icon for this state of the agent."""
    if any(job.state is JobState.ASKING for job in view.jobs):
        return IconState.ASKING
    if view.failed or view.problems:
        return IconState.PROBLEM
    return IconState.WORKING if view.jobs else IconState.IDLE


def describe(view: View) -> str:
    """The state in a line, for who cannot see the colours: what the icon says when pointed at."""
    asking = [job for job in view.jobs if job.state is JobState.ASKING]
    if asking:
        more = f", and {len(asking) - 1} more" if len(asking) > 1 else ""
        return clean_text(f"{asking[0].title} needs you{more}")
    told = []
    if view.failed:
        told.append(clean_text(f"{view.failed[-1].title} did not work"))
    elif view.problems:
        told.append(clean_text(view.problems[0]))
    if view.jobs:
        told.append(_count(len(view.jobs), "job", "running"))
    elif not told:
        told.append(_count(len(view.boards), "board", "plugged in") if view.boards else "No boards")
    return " · ".join(told)


class Notices:
    """Collects what happened since it was last asked: :meth:`due`.

    What happened to several boards or jobs at the same time is told as one.
    """

    def __init__(self, met: Iterable[str] = ()) -> None:
        """``met``: boards that need no telling, because they were plugged in before."""
        self._met = dict.fromkeys(met)
        self._new: list[Board] = []
        self._ended: dict[JobState, list[Job]] = {}
        self._due: list[Notice | Withdraw] = []
        self._asked: dict[str, int] = {}

    @property
    def met(self) -> list[str]:
        """Ids of the boards that were told of or known before, oldest first."""
        return list(self._met)

    def appeared(self, boards: Iterable[Board]) -> None:
        """Boards came; only one on a cable that was never here before is worth a word."""
        for board in boards:
            if board.id in self._met or board.via != "usb":
                continue
            self._met[board.id] = None
            if board.model is not None or board.candidates:
                self._new.append(board)
        while len(self._met) > MET_LIMIT:
            del self._met[next(iter(self._met))]

    def changed(self, job: Job) -> None:
        """A job went on."""
        question = job.question
        if question is not None and self._asked.get(job.id) != question.id:
            self._asked[job.id] = question.id
            self._due.append(
                Notice(
                    key=f"job:{job.id}",
                    title=clean_text(f"{job.title} needs you"),
                    body=clean_text(question.title),
                    place=("job", job.id),
                )
            )
        elif question is None and self._asked.pop(job.id, None) is not None:
            self._due.append(Withdraw(f"job:{job.id}"))
        if job.state.final and job.kind not in QUIET_KINDS:
            self._ended.setdefault(job.state, []).append(job)

    def due(self) -> list[Notice | Withdraw]:
        """What is to be told now; afterwards it counts as told."""
        told = [*self._due, *self._of_boards(), *self._of_jobs()]
        self._due, self._new, self._ended = [], [], {}
        return told

    def _of_boards(self) -> list[Notice]:
        if not self._new:
            return []
        first = self._new[0]
        if len(self._new) == 1:
            return [
                Notice(
                    key=f"board:{first.id}",
                    title=clean_text(f"{first.name} is plugged in"),
                    body="Open Mooring to set it up.",
                    place=("board", first.id),
                    low=True,
                )
            ]
        names = Counter(clean_text(board.name) for board in self._new)
        body = ", ".join(f"{number} × {name}" for name, number in names.items())
        title = f"{len(self._new)} boards are plugged in"
        return [Notice(key="boards", title=title, body=clean_text(body), low=True)]

    def _of_jobs(self) -> list[Notice]:
        told = []
        for state, words in ((JobState.DONE, "done"), (JobState.FAILED, "did not work")):
            jobs = self._ended.get(state, [])
            if len(jobs) == 1:
                told.append(_ended(jobs[0], words))
            elif jobs:
                body = ", ".join(clean_text(job.title) for job in jobs)
                title = f"{len(jobs)} jobs: {words}"
                place = ("journal",)
                told.append(Notice(key=f"jobs:{words}", title=title, body=body, place=place))
        return told


def _ended(job: Job, words: str) -> Notice:
    return Notice(
        key=f"job:{job.id}",
        title=clean_text(f"{job.title}: {words}"),
        body=clean_text(job.error.title) if job.error is not None else "",
        place=("job", job.id),
    )


def _count(number: int, what: str, doing: str) -> str:
    return f"1 {what} {doing}" if number == 1 else f"{number} {what}s {doing}"
