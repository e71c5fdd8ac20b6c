"""What a person is told without asking. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.desktop.tray.asking import ADDRESS_LIMIT, page_of, wants_of
from agent.jobs.job import JobKind, JobState
from agent.settings.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.boards.board import Board
    from agent.desktop.tray.asking import Asking
    from agent.jobs.job import Job

QUIET_KINDS: Final = frozenset({JobKind.IDENTIFY, JobKind.NETWORKS, JobKind.BLINK})
"""They change nothing and take seconds; who started one looks at it."""
MET_LIMIT: Final = 1024
"""Boards that were told of; the one told of first is forgotten."""


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


class News:
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
        self._pages: set[str] = set()

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

    def asked(self, asking: Sequence[Asking]) -> None:
        """These pages ask now, and no others."""
        self._due += [
            _asks(each) for each in asking if each.ask not in self._pages and not each.quiet
        ]
        now = {each.ask for each in asking}
        self._due += [Withdraw(f"ask:{gone}") for gone in sorted(self._pages - now)]
        self._pages = now

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


def _asks(asking: Asking) -> Notice:
    wants = f"{asking.url} wants to {wants_of(asking)}. Open Mooring to answer."
    return Notice(
        key=f"ask:{asking.ask}",
        title=f"{page_of(asking.url)} asks to use your boards",
        body=clean_text(wants, ADDRESS_LIMIT),
    )
