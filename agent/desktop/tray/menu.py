"""What the agent's state means as a menu. Pure: no library, no system, no clock.

The menu is a tuple of sections, see :func:`build_menu`; between two that are not empty is a line.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.boards.board import BoardState
from agent.desktop.tray.asking import ask_line
from agent.desktop.tray.item import (
    CancelJob,
    ChooseBoard,
    GetUpdate,
    MenuItem,
    OpenPage,
    Quit,
    SetPause,
    StartAtLogin,
    fit,
    line,
)
from agent.jobs.job import JobKind, JobState, StepState
from agent.settings.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.board import Board
    from agent.boards.pause import PauseState
    from agent.desktop.tray.asking import Asking
    from agent.jobs.job import Job, Step
    from agent.settings.notices import Update

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
    JobKind.RESTORE: "getting its device again",
    JobKind.REMOVE: "being removed",
    JobKind.RENEW: "getting new keys",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The agent's state, as far as the tray shows it."""

    title: str = "Mooring"
    boards: tuple[Board, ...] = ()
    jobs: tuple[Job, ...] = ()
    """Those that run or ask, oldest first."""
    failed: tuple[Job, ...] = ()
    """Those that did not work out, until somebody has looked at them; oldest first."""
    chosen: str | None = None
    """Id of the marked board, which may be gone."""
    problems: tuple[str, ...] = ()
    """What is wrong with the agent itself; one sentence each."""
    asking: tuple[Asking, ...] = ()
    """Pages that ask whether they may use the agent, oldest first."""
    update: Update | None = None
    """A newer version, if one is known."""
    pause: PauseState | None = None
    """None: the agent cannot be paused here."""
    at_login: bool | None = None
    """Whether the agent starts at login; None: that cannot be said or changed here."""

    @property
    def paused(self) -> bool:
        """The agent uses no board, or will not when the last job has ended."""
        return self.pause is not None and self.pause.on


def build_menu(view: View) -> tuple[MenuItem, ...]:
    """The whole menu."""
    sections: tuple[Callable[[View], list[MenuItem]], ...] = (
        _page,
        _asking,
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
        MenuItem(key=f"problem:{number}", label=line(problem), action=OpenPage())
        for number, problem in enumerate(view.problems)
    ]
    if view.update is not None:
        newer = line(f"Mooring {fit(view.update.version)} is there")
        told.append(MenuItem(key="update", label=newer, action=GetUpdate()))
    return [MenuItem(key="open", label=f"Open {view.title}", action=home_of(view)), *told]


def _asking(view: View) -> list[MenuItem]:
    return [ask_line(each) for each in view.asking]


def _boards(view: View) -> list[MenuItem]:
    if not view.boards:
        return [MenuItem(key="no boards", label="No board is plugged in")]
    working = {job.board: job for job in view.jobs}
    alike = Counter(board.name for board in view.boards)
    shown = [
        MenuItem(
            key=f"board:{board.id}",
            label=line(
                fit(board.name),
                _where(board) if alike[board.name] > 1 else "",
                _board_state(board, working.get(board.id), paused=view.paused),
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
            label=line(fit(job.title), "did not work"),
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
        MenuItem(key=f"job:{job.id}:step", label=line(detail)) if detail else None,
        MenuItem(
            key=f"job:{job.id}:page",
            label="Answer on the Page" if asks else "Show on the Page",
            action=page,
        ),
        MenuItem(key=f"job:{job.id}:cancel", label="Cancel", action=CancelJob(job.id)),
    ]
    return MenuItem(
        key=f"job:{job.id}",
        label=line(fit(job.title), "needs you" if asks else _percent(job)),
        children=tuple(child for child in children if child is not None),
    )


def _settings(view: View) -> list[MenuItem]:
    items = []
    if view.pause is not None:
        items.append(_pause(view.pause))
    if view.at_login is not None:
        items.append(
            MenuItem(
                key="at login",
                label="Start at Login",
                action=StartAtLogin(not view.at_login),
                mark="check",
                checked=view.at_login,
            )
        )
    return items


def _pause(pause: PauseState) -> MenuItem:
    change = SetPause(on=not pause.on)
    # Each with a key of its own: panels do not take a mark away from a line.
    if not pause.on:
        return MenuItem(key="pause", label="Pause", action=change)
    if not pause.waiting:
        return MenuItem(key="resume", label="Resume", action=change)
    label = pause_words(pause)
    return MenuItem(key="pausing", label=label, action=change, mark="check", checked=True)


def _end(view: View) -> list[MenuItem]:
    if not view.jobs:
        return [MenuItem(key="quit", label=f"Quit {view.title}", action=Quit())]
    return [
        MenuItem(
            key="quit",
            label=f"Quit {view.title}",
            children=(
                MenuItem(key="quit:why", label=line(cost_of_quitting(len(view.jobs)))),
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


def pause_words(pause: PauseState) -> str:
    """What becomes of a pause that somebody asked for."""
    if not pause.waiting:
        return "Paused"
    return f"Pausing after {pause.waiting} job{'s' if pause.waiting > 1 else ''}"


# --- words --------------------------------------------------------------------------------------


def _board_state(board: Board, job: Job | None, *, paused: bool) -> str:
    if job is not None:
        if job.state is JobState.ASKING:
            return "needs you"
        return f"{_DOING[job.kind]} {_percent(job)}".strip()
    if board.state is BoardState.READY:
        if paused:
            return "not used now"
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
