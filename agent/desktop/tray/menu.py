"""What the agent's state means as a menu. Pure: no library, no system, no clock.

The menu is a tuple of sections, see :func:`build_menu`; between two that are not empty is a line.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from agent.boards.board import BoardState
from agent.jobs.job import JobKind, JobState, StepState
from agent.settings.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.board import Board
    from agent.jobs.job import Job, Step

LABEL_LIMIT: Final = 60
"""Characters of a line; a longer one makes a menu that covers half of a small screen."""
BOARDS_LIMIT: Final = 12
"""Boards in the menu; whoever has more plugged in works with the page, which has a search."""
WHERE_LIMIT: Final = 20
"""Characters of a port; the address of a board in the air has seventeen."""
JOBS_LIMIT: Final = 8
"""Jobs in the menu, for the same reason."""

_DOING: Final = {
    JobKind.IDENTIFY: "being read",
    JobKind.NETWORKS: "looking for networks",
    JobKind.PROVISION: "being set up",
    JobKind.CONFIGURE: "getting another network",
    JobKind.FORGET: "being erased",
    JobKind.MIGRATE: "being updated",
    JobKind.FLASH: "being written to",
    JobKind.START: "being started",
    JobKind.BLINK: "blinking",
}


@dataclass(frozen=True, slots=True)
class OpenPage:
    """Show the page, at ``place``: ``("board", id)``, ``("job", id)`` or nothing."""

    place: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChooseBoard:
    """Put the mark at this board; at the marked one: take the mark away."""

    board: str


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Ask the job to stop."""

    job: str


@dataclass(frozen=True, slots=True)
class StartAtLogin:
    """Have the agent started at login, or not any more."""

    on: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """The person looks at the menu now; a host that does not hear of it never says so."""


@dataclass(frozen=True, slots=True)
class Quit:
    """End the agent. ``agreed``: the person has read what happens to jobs that run."""

    agreed: bool = False


Action: TypeAlias = OpenPage | ChooseBoard | CancelJob | StartAtLogin | Opened | Quit


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """One line of a menu."""

    key: str
    """The same for the same thing in each menu, so that a click is not lost to a change."""
    label: str = ""
    """Plain text; hosts mask what their systems take for markup. Empty: a line between sections."""
    action: Action | None = None
    """None: it says something, or it opens ``children``."""
    mark: Literal["radio", "check"] | None = None
    checked: bool = False
    children: tuple[MenuItem, ...] = ()

    @property
    def separator(self) -> bool:
        """A line between two sections."""
        return not self.label

    @property
    def enabled(self) -> bool:
        """It does something."""
        return self.action is not None or bool(self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The agent's state, as far as the tray shows it."""

    boards: tuple[Board, ...] = ()
    jobs: tuple[Job, ...] = ()
    """Those that run or ask, oldest first."""
    failed: tuple[Job, ...] = ()
    """Those that did not work out, until somebody has looked at them; oldest first."""
    chosen: str | None = None
    """Id of the marked board, which may be gone."""
    problems: tuple[str, ...] = ()
    """What is wrong with the agent itself; one sentence each."""
    at_login: bool | None = None
    """Whether the agent starts at login; None: that cannot be said or changed here."""


def build_menu(view: View) -> tuple[MenuItem, ...]:
    """The whole menu."""
    sections: tuple[Callable[[View], list[MenuItem]], ...] = (
        _page,
        _boards,
        _jobs,
        _settings,
        _end,
    )
    menu: list[MenuItem] = []
    for number, section in enumerate(sections):
        items = section(view)
        if menu and items:
            menu.append(MenuItem(key=f"line:{number}"))
        menu += items
    return tuple(menu)


def share_of(job: Job) -> float | None:
    """How far a job is, 0 to 1; None if that cannot be said. The same as the page shows."""
    step = step_of(job)
    if step is not None and step.id == "write":
        return step.progress
    if len(job.steps) < 2:
        return None
    over = sum(each.state in {StepState.DONE, StepState.SKIPPED} for each in job.steps)
    return (over + ((step.progress or 0.0) if step is not None else 0.0)) / len(job.steps)


def step_of(job: Job) -> Step | None:
    """The step under way."""
    under_way = {StepState.RUNNING, StepState.ASKING}
    return next((step for step in job.steps if step.state in under_way), None)


def home_of(view: View) -> OpenPage:
    """Where “Open Mooring” leads: to the marked board, if it is there."""
    there = any(board.id == view.chosen for board in view.boards)
    return OpenPage(("board", view.chosen)) if there and view.chosen else OpenPage()


# --- sections -----------------------------------------------------------------------------------


def _page(view: View) -> list[MenuItem]:
    told = [
        MenuItem(key=f"problem:{number}", label=_line(problem), action=OpenPage())
        for number, problem in enumerate(view.problems)
    ]
    return [MenuItem(key="open", label="Open Mooring", action=home_of(view)), *told]


def _boards(view: View) -> list[MenuItem]:
    if not view.boards:
        return [MenuItem(key="no boards", label="No board is plugged in")]
    working = {job.board: job for job in view.jobs}
    alike = Counter(board.name for board in view.boards)
    shown = [
        MenuItem(
            key=f"board:{board.id}",
            label=_line(
                _fit(board.name),
                _where(board) if alike[board.name] > 1 else "",
                _board_state(board, working.get(board.id)),
            ),
            action=ChooseBoard(board.id),
            mark="radio",
            checked=board.id == view.chosen,
        )
        for board in view.boards[:BOARDS_LIMIT]
    ]
    return shown + _more("boards", len(view.boards) - BOARDS_LIMIT)


def _jobs(view: View) -> list[MenuItem]:
    failed = [
        MenuItem(
            key=f"job:{job.id}",
            label=_line(_fit(job.title), "did not work"),
            action=OpenPage(("job", job.id)),
        )
        for job in view.failed
    ]
    jobs = [_job(job) for job in view.jobs[:JOBS_LIMIT]]
    return failed + jobs + _more("jobs", len(view.jobs) - JOBS_LIMIT)


def _job(job: Job) -> MenuItem:
    asks = job.state is JobState.ASKING
    step = step_of(job)
    detail = job.question.title if job.question is not None else step.name if step else ""
    page = OpenPage(("job", job.id))
    children = [
        MenuItem(key=f"job:{job.id}:step", label=_line(detail)) if detail else None,
        MenuItem(
            key=f"job:{job.id}:page",
            label="Answer on the Page" if asks else "Show on the Page",
            action=page,
        ),
        MenuItem(key=f"job:{job.id}:cancel", label="Cancel", action=CancelJob(job.id)),
    ]
    return MenuItem(
        key=f"job:{job.id}",
        label=_line(_fit(job.title), "needs you" if asks else _percent(job)),
        children=tuple(child for child in children if child is not None),
    )


def _settings(view: View) -> list[MenuItem]:
    if view.at_login is None:
        return []
    return [
        MenuItem(
            key="at login",
            label="Start at Login",
            action=StartAtLogin(not view.at_login),
            mark="check",
            checked=view.at_login,
        )
    ]


def _end(view: View) -> list[MenuItem]:
    if not view.jobs:
        return [MenuItem(key="quit", label="Quit Mooring", action=Quit())]
    return [
        MenuItem(
            key="quit",
            label="Quit Mooring",
            children=(
                MenuItem(key="quit:why", label=_line(cost_of_quitting(len(view.jobs)))),
                MenuItem(key="quit:agreed", label="Quit All the Same", action=Quit(agreed=True)),
            ),
        )
    ]


def cost_of_quitting(jobs: int) -> str:
    """What a person should know before the agent ends while ``jobs`` run."""
    return (
        "A job is running and would be stopped"
        if jobs == 1
        else (f"{jobs} jobs are running and would be stopped")
    )


# --- words --------------------------------------------------------------------------------------


def _board_state(board: Board, job: Job | None) -> str:
    if job is not None:
        if job.state is JobState.ASKING:
            return "needs you"
        return f"{_DOING[job.kind]} {_percent(job)}".strip()
    if board.state is BoardState.READY:
        return "in the air" if board.via == "ble" else "ready"
    words = {
        BoardState.BUSY: "in use",
        BoardState.BOOTLOADER: "in its bootloader",
        BoardState.UNREACHABLE: "not connected now",
    }
    return words[board.state]


def _where(board: Board) -> str:
    """What tells a board from its like: the port as people know it, ``ttyACM0`` or ``COM3``."""
    if not board.ports:
        return board.id[-8:]
    address = board.ports[0].address.rstrip("/\\")
    device = address.removeprefix("/dev/")
    return clean_text(device if device != address else re.split(r"[/\\]", address)[-1], WHERE_LIMIT)


def _percent(job: Job) -> str:
    share = share_of(job)
    return "" if share is None else f"{share:.0%}"


def _more(what: str, number: int) -> list[MenuItem]:
    if number <= 0:
        return []
    return [MenuItem(key=f"more {what}", label=f"{number} more on the Page", action=OpenPage())]


def _fit(name: str) -> str:
    """A name, short enough that what is said of it stands behind it."""
    return clean_text(name, LABEL_LIMIT // 2)


def _line(*parts: str) -> str:
    return clean_text(" – ".join(part for part in parts if part), LABEL_LIMIT)
