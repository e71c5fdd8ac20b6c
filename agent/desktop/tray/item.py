"""One line of the menu, and what a person can choose with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from agent.settings.text import clean_text

LABEL_LIMIT: Final = 60
"""Characters of a line; a longer one makes a menu that covers half of a small screen."""

Decision: TypeAlias = Literal["always", "once", "no"]
"""What a person says to a page that asks."""


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
class AnswerPage:
    """Answer a page that asks whether it may use the agent."""

    ask: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class GetUpdate:
    """Show where the newer version is."""


@dataclass(frozen=True, slots=True)
class SetPause:
    """Let go of every board, or use them again."""

    on: bool


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


Action: TypeAlias = (
    OpenPage
    | ChooseBoard
    | CancelJob
    | AnswerPage
    | GetUpdate
    | SetPause
    | StartAtLogin
    | Opened
    | Quit
)


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


def line(*parts: str) -> str:
    """The label of a line that says these things."""
    return clean_text(" – ".join(part for part in parts if part), LABEL_LIMIT)


def fit(name: str) -> str:
    """A name, short enough that what is said of it stands behind it."""
    return clean_text(name, LABEL_LIMIT // 2)
