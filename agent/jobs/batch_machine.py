"""The batch as a pure machine: boards come and go, jobs move, rows end. No I/O, no clock.

A row waits for its board, is begun on it once, and ends done or failed. What is begun is written
down first, so that after a kill it is looked for and not begun a second time. A board that was
used for a row is not taken for another one, whatever became of it. Rows that need no board are
begun beside the others, as there is room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from msgspec.structs import replace

from agent.boards.board import BoardState
from agent.errors import (
    BatchTwice,
    BatchUnsure,
    BoardBusy,
    InputError,
    Interrupted,
    OtherLinkBusy,
    Paused,
    PortBusy,
    RateExceeded,
    UnknownBoard,
)
from agent.jobs.batch_boards import BatchBoards
from agent.jobs.batch_records import (
    Begin,
    BoardsSeen,
    Conclude,
    Doing,
    FilesSaved,
    Forget,
    Happening,
    JobMoved,
    Keep,
    Kept,
    Looked,
    LookFor,
    Over,
    Refused,
    SaveFiles,
    Started,
    Stopped,
    Wake,
    Woken,
)
from agent.jobs.batch_room import has_room
from agent.jobs.batch_row import request_for
from agent.jobs.batch_select import Waiting, by_place, is_free, socket
from agent.jobs.enrol_base import HARDWARE_ID
from agent.jobs.job import Job, JobState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.boards.board import Board
    from agent.errors import ErrorReport
    from agent.jobs.batch_row import Row

Again: TypeAlias = Literal["no", "same", "any"]
"""Rows that failed: left; tried again on the same board; or on another one."""

AGAIN_S: Final = 1.0
"""Until a board is tried again that somebody else held."""
FAILURES_MAX: Final = 8
"""Failures one after the other: then it is not the boards, and the rest of them is left alone."""

NO_BOARD: Final = ""
"""In place of the id of one."""

_NOT_NOW: Final = frozenset(
    each.code for each in (PortBusy, OtherLinkBusy, BoardBusy, Paused, UnknownBoard, RateExceeded)
)
"""Refusals that say nothing of the row."""


@dataclass(slots=True)
class Live:
    """A row that is under way."""

    row: Row
    kept: Kept
    before: Kept | None = None
    """What is known of an earlier attempt on this board; it counts again if this one is refused."""
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows are where."""

    total: int
    done: int
    failed: int
    live: int

    @property
    def left(self) -> int:
        """Rows without an end."""
        return self.total - self.done - self.failed


class BatchMachine:
    """Feed it with :meth:`handle`, and do what it returns, in this order."""

    def __init__(
        self,
        rows: Sequence[Row],
        kept: Mapping[int, Kept],
        *,
        parallel: int | None = None,
        again: Again = "no",
        waits: bool = True,
    ) -> None:
        """``kept``: what earlier runs wrote down. ``waits``: for boards that are not there yet."""
        self.rows = {row.n: row for row in rows}
        self.ended: dict[int, Kept] = {}
        self.live: dict[int, Live] = {}
        self.boards = BatchBoards()
        self.stopped = False
        self.gave_up = False
        """Too many rows failed one after the other."""
        self._parallel = parallel
        self._waits = waits
        self._over = False
        self._failures = 0
        self._doing: list[Doing] = []
        self._waiting = Waiting(rows)
        self._tries: dict[int, int] = {}
        self._load(kept, again)

    @property
    def counts(self) -> Counts:
        """How far it is."""
        failed = sum(kept.state == "failed" for kept in self.ended.values())
        return Counts(len(self.rows), len(self.ended) - failed, failed, len(self.live))

    def start(self, now: float) -> list[Doing]:
        """What is done first: rows are looked for that an earlier run has begun."""
        for live in self.live.values():
            self._doing.append(LookFor(live.row, live.kept))
        return self._next(now)

    def handle(self, happening: Happening, now: float) -> list[Doing]:
        """``now``: Unix seconds."""
        match happening:
            case BoardsSeen(boards):
                self.boards.see(boards, {live.kept.board for live in self.live.values()})
            case Stopped():
                self.stopped = True
            case Woken():
                pass
            case _ if happening.n in self.live:
                self._move(self.live[happening.n], happening, now)
        return self._next(now)

    # What earlier runs left ----------------------------------------------------------------------

    def _load(self, kept: Mapping[int, Kept], again: Again) -> None:
        for n, row in self.rows.items():
            known = kept.get(n)
            if known is None:
                self._waiting.add(row)
                continue
            if row.needs_board:
                self.boards.use(known)
            if known.state == "begun":
                self.live[n] = Live(row, known)
            elif known.state == "failed" and again != "no":
                self._again(row, known, again)
            else:
                self.ended[n] = known
                if known.state == "done":
                    self.boards.done(known)

    def _again(self, row: Row, known: Kept, again: Again) -> None:
        """The board may have what was made for this row, so that no other board may get it."""
        tied = known.job and (not row.needs_board or (again == "same" and not known.by_place))
        self._waiting.add(row, known if tied else None)
        if tied or again == "same" or row.by != "next":
            self.boards.release(known.board)

    # One row -------------------------------------------------------------------------------------

    def _move(self, live: Live, happening: Happening, now: float) -> None:
        match happening:
            case Started(_, job):
                live.kept = replace(live.kept, job=job)
                self._doing.append(Keep(live.kept))
            case Refused(_, error) if error.code in _NOT_NOW:
                self.boards.rest(live.kept.board, now + AGAIN_S)
                self._release(live)
            case Refused(_, error):
                self._end(live, now, error)
            case Looked(_, None):
                self._nothing_found(live, now)
            case Looked(_, job) if job is not None:
                live.kept = replace(live.kept, job=job.id)
                self._job_moved(live, job, now)
            case JobMoved(_, job) if job.id == live.kept.job:
                self._job_moved(live, job, now)
            case FilesSaved(gone=True) if self._tries.get(live.row.n, 0) == 0:
                # They are made again: what is in them is in the vault, under the same name.
                self._tries[live.row.n] = 1
                self._release(live, tied=True)
            case FilesSaved(_, files, error):
                live.kept = replace(live.kept, files=list(files))
                self._end(live, now, error)

    def _nothing_found(self, live: Live, now: float) -> None:
        """The run before was killed before it started the job, or the journal has lost it."""
        if live.kept.by_place and not live.row.by_hardware and live.kept.job:
            self._end(live, now, BatchUnsure(socket=live.kept.socket).report())
        else:
            self._release(live, tied=bool(live.kept.job))

    def _job_moved(self, live: Live, job: Job, now: float) -> None:
        if live.job is not None and live.job.state.final:
            return
        live.job = job
        if not job.state.final:
            return
        result = job.result or {}
        live.kept = replace(
            live.kept,
            device=_device(job),
            hardware_id=str(result.get("hardware_id") or ""),
            link=str(result.get("link") or ""),
            notes=[str(note) for note in result.get("notes", ())],
            seconds=None if job.ended_at is None else round(job.ended_at - job.created_at, 3),
        )
        other = self.boards.done_as(live.kept) if job.state is JobState.DONE else None
        if other is not None:
            self._seen_twice(live, self.ended[other], now)
        elif job.state is JobState.DONE:
            names = tuple(result.get("files", ()))
            if names:
                self._doing.append(SaveFiles(live.kept, names))
            else:
                self._end(live, now, None)
        elif job.state is JobState.INTERRUPTED and self._tries.get(live.row.n, 0) == 0:
            self._interrupted(live, now)
        else:
            stopped = Interrupted(what="Somebody cancelled it.").report()
            self._end(live, now, job.error or stopped)

    def _seen_twice(self, live: Live, other: Kept, now: float) -> None:
        """A board without a number was plugged in again; its own name has made nothing new."""
        if other.device != live.kept.device:
            self._end(live, now, BatchTwice(row=other.n, device=other.device).report())
            return
        live.before = None  # this board is for the other row
        self._release(live)
        self.boards.use(replace(live.kept, n=other.n))

    def _interrupted(self, live: Live, now: float) -> None:
        """The agent ended under it. The same job on the same board goes on from what it left."""
        self._tries[live.row.n] = 1
        if live.kept.by_place and not live.row.by_hardware:
            self._end(live, now, BatchUnsure(socket=live.kept.socket).report())
        else:
            self._release(live, tied=True)

    def _release(self, live: Live, *, tied: bool = False) -> None:
        """The row waits again; ``tied``: for the same board."""
        row, kept = live.row, live.kept
        del self.live[row.n]
        self.boards.release(kept.board)
        known = kept if tied and not kept.by_place else live.before
        self._waiting.add(row, known)
        self._doing.append(Keep(known) if known is not None else Forget(row.n))

    def _end(self, live: Live, now: float, error: ErrorReport | None) -> None:
        state: Literal["done", "failed"] = "done" if error is None else "failed"
        known = live.kept if live.kept.job else live.before or live.kept
        kept = replace(known, state=state, error=error, ended_at=now)
        del self.live[live.row.n]
        self.ended[live.row.n] = kept
        self._failures = 0 if error is None else self._failures + 1
        if self._failures >= FAILURES_MAX:
            self.gave_up = self.stopped = True
        if state == "done":
            self.boards.done(kept)
        self._doing.append(Conclude(live.row, kept))

    # Boards --------------------------------------------------------------------------------------

    def _next(self, now: float) -> list[Doing]:
        resting = False
        if self.boards.seen and not self.stopped:
            for board in self.boards.free:
                if self.boards.rests(board.id, now):
                    resting = True
                else:
                    self._offer(board, now)
        if not self.stopped:
            resting = self._begin_without_board(now) or resting
        doing, self._doing = self._doing, []
        if resting:
            doing.append(Wake(AGAIN_S))
        elif self._is_over() and not self._over:
            self._over = True
            doing.append(Over())
        return doing

    def _offer(self, board: Board, now: float) -> None:
        row = self._waiting.find(board)
        if row is not None and is_free(board, row) and self._has_room(row):
            self._begin(row, board, now)

    def _begin_without_board(self, now: float) -> bool:
        """Whether somebody keeps the next one from being begun now."""
        while (row := self._waiting.without_board()) is not None and self._has_room(row):
            if self.boards.rests(NO_BOARD, now):
                return True
            self._begin(row, None, now)
        return False

    def _begin(self, row: Row, board: Board | None, now: float) -> None:
        before = self._waiting.take(row)
        kept = Kept(n=row.n, board=NO_BOARD, since=now)
        if board is not None:
            kept = replace(kept, board=board.id, socket=socket(board), by_place=by_place(board))
            self.boards.use(kept)
        live = self.live[row.n] = Live(row, kept, before)
        try:
            request = request_for(row, board)
        except InputError as error:
            self._end(live, now, error.report())
        else:
            self._doing.append(Begin(row, kept, request))

    def _has_room(self, row: Row) -> bool:
        return has_room(row, [live.row for live in self.live.values()], self._parallel)

    def _is_over(self) -> bool:
        if self.live:
            return False
        if self.stopped or not len(self._waiting):
            return True
        if self._waits or not self.boards.seen:
            return False
        return not any(map(self._may_be_next, self.boards.free))

    def _may_be_next(self, board: Board) -> bool:
        """Somebody else has it now."""
        return board.state is BoardState.BUSY and self._waiting.find(board) is not None

    def waits_for(self) -> list[Row]:
        """Rows that were not begun, in their order."""
        return [row for n, row in self.rows.items() if n in self._waiting]

    @property
    def waits_for_turn(self) -> int:
        """Rows that need no board and were not begun."""
        return self._waiting.absent

    @property
    def jobs(self) -> set[str]:
        """Jobs that are known to be those of rows."""
        ended = {kept.job for kept in self.ended.values()}
        return ended | {live.kept.job for live in self.live.values()}

    def waits_with(self, board: Board) -> bool:
        """A row waits for such a board."""
        return not self.stopped and self._waiting.find(board) is not None

    def row_of(self, board: Board) -> int | None:
        """The row that the board was used for, or that names it."""
        return self.boards.used.get(board.id) or self._waiting.named(board)


def _device(job: Job) -> str:
    device = (job.result or {}).get("device")
    if isinstance(device, str) and device:
        return device
    asked = job.request.get("name")
    return asked if isinstance(asked, str) and HARDWARE_ID not in asked else ""
