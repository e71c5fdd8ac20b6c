"""What a foreign page may do: four scopes, and which of them each kind of job needs. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from agent.bridge.origin_url import NOTHING_ALLOWED
from agent.errors import InputError
from agent.jobs.enrol_effects import FILES
from agent.jobs.enrol_refused import ADMINISTRATOR, REPLACE
from agent.jobs.job import JobKind
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable


class Scope(StrEnum):
    """One permission. Each includes ``boards``, because each names a board."""

    BOARDS = "boards"
    """See boards, what they are and which networks they see; have one show itself."""
    SERIAL = "serial"
    """Read and write their serial ports."""
    FLASH = "flash"
    """Write sketches to them, and restart them."""
    PROVISION = "provision"
    """Set them up: networks, and devices in the person's cloud accounts."""


ALL: Final = frozenset(Scope)

JOB_SCOPES: Final[dict[JobKind, frozenset[Scope]]] = {
    JobKind.IDENTIFY: frozenset({Scope.BOARDS}),
    JobKind.NETWORKS: frozenset({Scope.BOARDS}),
    JobKind.BLINK: frozenset({Scope.BOARDS}),
    JobKind.FLASH: frozenset({Scope.FLASH}),
    JobKind.START: frozenset({Scope.FLASH}),
    JobKind.PROVISION: frozenset({Scope.PROVISION}),
    JobKind.CONFIGURE: frozenset({Scope.PROVISION}),
    JobKind.FORGET: frozenset({Scope.PROVISION}),
    JobKind.MIGRATE: frozenset({Scope.FLASH, Scope.PROVISION}),
    JobKind.RESTORE: frozenset({Scope.PROVISION}),
    JobKind.REMOVE: frozenset({Scope.PROVISION}),
    JobKind.RENEW: frozenset({Scope.PROVISION}),
}
"""To start a job of a kind, to answer or end it, and to see it."""

OWN_JOBS: Final = frozenset({JobKind.RESTORE, JobKind.REMOVE, JobKind.RENEW})
"""Only the agent's own page and programs of this user may start these, whatever a page was allowed:
they take what the vault has, delete a device with its history, or give new keys to any device of an
account."""

OWN_ANSWERS: Final = frozenset({ADMINISTRATOR, REPLACE})
"""Only they may give these answers: an administrator reaches every device, whichever board asked."""

WHOSE_BOARD: Final = "A token that says whose a board is"
"""What only they may give, in a request or an answer: with one of its own a page would take the board
into its account, or claim any board into the person's."""

OWN_FILES: Final = frozenset(FILES.values())
"""Only they may read these files of a job: with the name of a device that exists, it is its
credentials that the vault has, or an administrator read, which are in them."""


def ordered(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """Each scope once, in the order in which people read them."""
    given = set(scopes)
    return tuple(scope for scope in Scope if scope in given)


def complete(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """``scopes`` with what each of them includes."""
    return frozenset(scopes) | {Scope.BOARDS}


def parse_scopes(text: str, field: str) -> frozenset[Scope]:
    """The scopes of ``boards,serial``, complete; raises :class:`InputError` for the ``field``."""
    found = set()
    for name in text.split(","):
        try:
            found.add(Scope(name.strip()))
        except ValueError:
            known = ", ".join(Scope)
            problem = f"“{clean_text(name)}” is not one of {known}"
            raise InputError(field=field, problem=problem, effect=NOTHING_ALLOWED) from None
    return complete(found)
