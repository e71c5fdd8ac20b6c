"""What the icon shows. Pure."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from agent.desktop.tray.asking import page_of
from agent.desktop.tray.menu import pause_words
from agent.jobs.job import JobState
from agent.settings.text import clean_text

if TYPE_CHECKING:
    from agent.desktop.tray.menu import View


class IconState(Enum):
    """What the icon shows; where several are true, the first."""

    ASKING = "asking"
    """A job or a page waits for a person."""
    PROBLEM = "problem"
    """A job did not work out and nobody has looked at it, or the agent itself has a problem."""
    WORKING = "working"
    """A job runs."""
    PAUSED = "paused"
    """Somebody paused the agent, and it has let go of every board."""
    IDLE = "idle"


def icon_of(view: View) -> IconState:
    """The icon for this state of the agent."""
    if view.asking or any(job.state is JobState.ASKING for job in view.jobs):
        return IconState.ASKING
    if view.failed or view.problems:
        return IconState.PROBLEM
    if view.jobs:
        return IconState.WORKING
    return IconState.PAUSED if view.paused else IconState.IDLE


def describe(view: View) -> str:
    """The state in a line, for who cannot see the colours: what the icon says when pointed at."""
    asking = [job for job in view.jobs if job.state is JobState.ASKING]
    if asking:
        more = f", and {len(asking) - 1} more" if len(asking) > 1 else ""
        return clean_text(f"{asking[0].title} needs you{more}")
    if view.asking:
        return clean_text(f"{page_of(view.asking[0].url)} asks to use your boards")
    told = []
    if view.failed:
        told.append(clean_text(f"{view.failed[-1].title} did not work"))
    elif view.problems:
        told.append(clean_text(view.problems[0]))
    if view.paused and view.pause is not None:
        told.append(pause_words(view.pause))
    elif view.jobs:
        told.append(_count(len(view.jobs), "job", "running"))
    elif not told:
        told.append(_count(len(view.boards), "board", "plugged in") if view.boards else "No boards")
    return " · ".join(told)


def _count(number: int, what: str, doing: str) -> str:
    return f"1 {what} {doing}" if number == 1 else f"{number} {what}s {doing}"
