"""Boards, jobs and a journal for the machine of ``agent/jobs/batch_machine.py``, without I/O.

It can be killed between any two things that the machine wants done, and inside each.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.boards.board import Board, BoardState, Port
from agent.errors import Interrupted, PortBusy
from agent.jobs.batch_machine import BatchMachine
from agent.jobs.batch_records import (
    Begin,
    BoardsSeen,
    Conclude,
    FilesSaved,
    Forget,
    JobMoved,
    Keep,
    Looked,
    LookFor,
    Over,
    Refused,
    SaveFiles,
    Started,
    Wake,
    Woken,
)
from agent.jobs.batch_row import Row
from agent.jobs.job import Job, JobKind, JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.jobs.batch_records import Doing, Happening, Kept

FAILED = Interrupted(what="It failed.").report()


def make_row(n: int = 1, **changes: Any) -> Row:
    usual: dict[str, Any] = {
        "kind": "provision",
        "by": "next",
        "model": "any",
        "cloud": "thingsboard",
        "name": f"dev-{n}",
    }
    return Row(n=n, **(usual | changes))


def make_board(number: int, *, serial: bool = True, place: str = "", **changes: Any) -> Board:
    place = place or f"1-{number}"
    port = Port(
        kind="serial",
        address=f"/dev/ttyACM{number}",
        vid=0x303A,
        pid=0x1001,
        serial_number=f"3CC661{number:06X}" if serial else None,
        location=place,
    )
    usual: dict[str, Any] = {
        "id": f"board-{number}" if serial else f"place-{place}",
        "name": "ESP32",
        "model": None,
        "fqbn": None,
        "candidates": ["esp32", "esp32c3"],
        "ports": [port],
        "via": "usb",
        "first_seen": 0.0,
    }
    return Board(**(usual | changes))


@dataclass
class World:
    """What is really there, whatever the machine knows."""

    rows: Sequence[Row]
    options: dict[str, Any] = field(default_factory=dict)
    boards: dict[str, Board] = field(default_factory=dict)
    journal: dict[int, Kept] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    row_of: dict[str, int] = field(default_factory=dict)
    """Which row each job was started for."""
    told: list[Kept] = field(default_factory=list)
    files: tuple[str, ...] = ()
    saved: dict[int, str] = field(default_factory=dict)
    """Rows whose files are on the disk, and the job that made them."""
    lost: set[str] = field(default_factory=set)
    """Jobs whose files the agent has no more."""
    digits: dict[str, str] = field(default_factory=dict)
    """Hardware ids of boards, for those that tell one."""
    refusals: int = 0
    """So many jobs are refused because somebody holds the board."""
    now: float = 1000.0
    over: bool = False
    doings: deque[Doing] = field(default_factory=deque)
    news: deque[Happening] = field(default_factory=deque)
    machine: BatchMachine = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self, **options: Any) -> World:
        """A command is started."""
        self.machine = BatchMachine(self.rows, dict(self.journal), **(self.options | options))
        self.doings.clear()
        self.news.clear()
        self.over = False
        self.doings.extend(self.machine.start(self.now))
        self.news.append(BoardsSeen(tuple(self.boards.values())))
        return self

    def plug(self, *boards: Board) -> None:
        self.boards |= {board.id: board for board in boards}
        self.news.append(BoardsSeen(tuple(self.boards.values())))

    def unplug(self, board: str) -> None:
        self.boards.pop(board, None)
        self.news.append(BoardsSeen(tuple(self.boards.values())))

    @property
    def running(self) -> list[Job]:
        return [job for job in self.jobs.values() if not job.state.final]

    def end(self, job: str, state: JobState = JobState.DONE) -> None:
        """A job ends."""
        before = self.jobs[job]
        done = state is JobState.DONE
        digits = self.digits.get(before.board, "")
        name = before.request["name"].replace("{hardware_id}", digits)
        result = {"device": name, "hardware_id": digits, "files": list(self.files)}
        self.jobs[job] = Job(
            id=job,
            kind=before.kind,
            board=before.board,
            title="t",
            state=state,
            created_at=before.created_at,
            ended_at=self.now,
            request=before.request,
            result=result if done else None,
            error=None if done else FAILED,
        )
        # Told twice, and also to who has heard of it in another way.
        self.news.extend([JobMoved(self.row_of[job], self.jobs[job])] * 2)

    def turn(self) -> bool:
        """One thing is done or told; False: there is nothing."""
        self.now += 0.1
        if self.doings:
            self.do(self.doings.popleft())
        elif self.news:
            self.doings.extend(self.machine.handle(self.news.popleft(), self.now))
        else:
            return False
        return True

    def settle(self) -> World:
        """Everything that can be done without time or boards."""
        while self.turn():
            pass
        return self

    def finish(self, state: JobState = JobState.DONE) -> World:
        """All jobs end, and those that follow them."""
        self.settle()
        while running := self.running:
            for job in running:
                self.end(job.id, state)
            self.settle()
        return self

    def do(self, doing: Doing, *, half: bool = False) -> None:
        """``half``: killed inside, after what is written down first."""
        match doing:
            case Begin(row, kept, request):
                self.keep(kept)
                if half:
                    return
                if self.refusals:
                    self.refusals -= 1
                    self.news.append(Refused(row.n, PortBusy(port="p", holder="h").report()))
                    return
                self.news.append(Started(row.n, self.start(row, kept, request)))
            case Keep(kept):
                self.keep(kept)
            case LookFor(row, kept):
                found = self.find(kept)
                self.news.append(Looked(row.n, found))
                if found is not None:
                    # It was told before, to whoever listened.
                    self.news.append(JobMoved(row.n, found))
            case SaveFiles(kept) if kept.job in self.lost:
                self.news.append(FilesSaved(kept.n, error=FAILED, gone=True))
            case SaveFiles(kept, names):
                self.saved[kept.n] = kept.job
                self.news.append(FilesSaved(kept.n, tuple(f"/out/{name}" for name in names)))
            case Conclude(_, kept):
                self.keep(kept)
                if not half:
                    self.told.append(kept)
            case Forget(n):
                self.journal.pop(n, None)
            case Wake():
                self.now += 1.0
                self.news.append(Woken())
            case Over():
                self.over = True

    def keep(self, kept: Kept) -> None:
        self.journal[kept.n] = kept

    def start(self, row: Row, kept: Kept, request: dict[str, Any]) -> str:
        """The agent starts a job; it refuses what would be wrong."""
        number = str(len(self.jobs) + 1)
        board = self.boards.get(kept.board)
        assert board is None or board.state is BoardState.READY
        earlier = [self.jobs[job] for job, n in self.row_of.items() if n == row.n]
        assert all(job.state.final for job in earlier), "the row is under way"
        done = [job for job in earlier if job.state is JobState.DONE and job.id not in self.lost]
        assert all(self.comes_again(job) for job in done), "done"
        assert (kept.board == "") is not row.needs_board
        used = {job.board for job in self.running} - {""}
        assert kept.board not in used, "the board is used"
        self.jobs[number] = Job(
            id=number,
            kind=JobKind.PROVISION,
            board=kept.board,
            title="t",
            created_at=self.now,
            request={"name": request.get("name", "")},
        )
        self.row_of[number] = row.n
        return number

    def comes_again(self, job: Job) -> bool:
        """Whether its board, by what it says of itself, was done in another row before."""
        digits = (job.result or {}).get("hardware_id")
        others = [
            each for each in self.jobs.values() if self.row_of[each.id] != self.row_of[job.id]
        ]
        return bool(digits) and any(
            (each.result or {}).get("hardware_id") == digits for each in others
        )

    def find(self, kept: Kept) -> Job | None:
        if kept.job:
            return self.jobs.get(kept.job)
        own = [
            job
            for job in self.jobs.values()
            if job.board == kept.board
            and job.created_at >= kept.since
            and job.id not in self.machine.jobs
            and (kept.board or self.row_of[job.id] == kept.n)
        ]
        return min(own, key=lambda job: job.created_at, default=None)

    def kill(self, *, alone: bool, half: bool = False) -> None:
        """The command is killed; ``alone``: its jobs with it. Then it is started again."""
        if half and self.doings:
            self.do(self.doings.popleft(), half=True)
        if alone:
            for job in self.running:
                self.end(job.id, JobState.INTERRUPTED)
            self.lost |= self.jobs.keys()
        self.begin()
