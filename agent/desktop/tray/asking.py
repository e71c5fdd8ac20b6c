"""Pages that ask whether they may use the agent: their line in the menu, and what is told. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from agent.desktop.tray.item import LABEL_LIMIT, AnswerPage, MenuItem, OpenPage, line
from agent.settings.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.desktop.tray.item import Decision

PAGE_LIMIT: Final = LABEL_LIMIT - 16
"""Characters of a page's address beside the words that follow it."""
ADDRESS_LIMIT: Final = 300
"""Characters of a whole one: a host has at most 253 (RFC 1035, 2.3.4)."""
_WANTS: Final = {
    "boards": "see your boards",
    "serial": "use their serial ports",
    "flash": "replace their programs",
    "provision": "set them up",
}
"""The words of the page (``web/lib/scopes.js``)."""
_ANSWERS: Final[tuple[tuple[Decision, str], ...]] = (
    ("always", "Allow Always"),
    ("once", "Only This Time"),
    ("no", "No"),
)


class Asking(Protocol):
    """An open question of a page."""

    @property
    def ask(self) -> str:
        """Its id, which no other question ever had."""

    @property
    def url(self) -> str:
        """The page: scheme, host and port."""

    @property
    def wants(self) -> Sequence[str]:
        """What it asks for: ``boards``, ``serial``, ``flash``, ``provision``."""

    @property
    def has(self) -> Sequence[str]:
        """What it may do already."""

    @property
    def quiet(self) -> bool:
        """It is to be shown, and nobody is to be told of it."""


def ask_line(asking: Asking) -> MenuItem:
    """The question with its answers below it."""
    key = f"ask:{asking.ask}"
    page = page_of(asking.url)
    told = [f"It wants to {_WANTS.get(want, want)}" for want in asking.wants]
    if asking.has:
        told.append(f"It may {_listed(_WANTS.get(each, each) for each in asking.has)} already")
    if page != asking.url:
        told.insert(0, clean_text(asking.url, ADDRESS_LIMIT))
    said = [
        MenuItem(key=f"{key}:{number}", label=clean_text(text, ADDRESS_LIMIT))
        for number, text in enumerate(told)
    ]
    answers = [
        MenuItem(key=f"{key}:{decision}", label=label, action=AnswerPage(asking.ask, decision))
        for decision, label in _ANSWERS
    ]
    # First, because panels put the bar there for who comes with the keyboard.
    show = MenuItem(key=f"{key}:page", label="Show on the Page", action=OpenPage())
    parting = MenuItem(key=f"{key}:line")
    return MenuItem(key=key, label=line(f"{page} asks"), children=(*said, parting, show, *answers))


def wants_of(asking: Asking) -> str:
    """What it asks for, in words: “see your boards and set them up”."""
    return _listed(_WANTS.get(want, want) for want in asking.wants)


def page_of(url: str) -> str:
    """A page's address; of a long one the end, because that says whose it is."""
    shown = clean_text(url, ADDRESS_LIMIT)
    return shown if len(shown) <= PAGE_LIMIT else f"…{shown[1 - PAGE_LIMIT :]}"


def _listed(parts: Iterable[str]) -> str:
    *others, last = [*parts] or ["use the agent"]
    return f"{', '.join(others)} and {last}" if others else last
