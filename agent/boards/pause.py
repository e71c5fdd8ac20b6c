"""Pause: the agent lets go of every board until somebody resumes.

Nobody gets a board meanwhile and nobody listens to the air. Who can be asked to let go (a monitor)
is asked at once; who cannot (a job) is waited for, and keeps what it has, its part of the air
included. Nothing of it is kept over a restart: an agent that starts has what it needs to work.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.errors import Paused
from agent.settings.held import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.boards.watch import AirSource

    Recall = Callable[[Paused], None]
    """Asks a holder to let go of its board, and says why."""

LET_GO_S: Final = 3.0
"""How long :meth:`Pause.begin` waits for those that were asked to let go. A port closes within
milliseconds; a driver that hangs (a board that reads nothing) does so for longer."""

_log = logging.getLogger(__name__)


class PauseState(NamedTuple):
    """Whether, and for whom it is waited."""

    on: bool
    """Somebody asked for it and nobody has resumed since."""
    waiting: int = 0
    """Boards that are still in use; with none of them the agent has let go of all. 0 if not on."""


class _Holder:
    """Somebody who has a board."""

    def __init__(self, recall: Recall | None) -> None:
        self.recall = recall


class _Looker:
    """Somebody who looks into the air while that is allowed."""

    def __init__(self) -> None:
        self.leave: Callable[[], None] | None = None


class Pause:
    """The one switch. To be used in one event loop."""

    def __init__(self, air: AirSource | None = None) -> None:
        """``air``: what listens to the air while somebody looks."""
        self._air = air
        self._on = False
        self._holders: set[_Holder] = set()
        self._lookers: set[_Looker] = set()
        self._state: Held[PauseState] = Held(PauseState(on=False))

    @property
    def state(self) -> PauseState:
        """The state of now."""
        return self._state.value

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after each change of :attr:`state`; returns what ends it."""
        return self._state.subscribe(callback)

    def require_off(self) -> None:
        """Raise :class:`Paused` if nobody may have a board now."""
        if self._on:
            raise Paused

    async def begin(self) -> None:
        """Lend no board any more; returns when monitors have let go, or after LET_GO_S.

        Jobs are not waited for: :attr:`state` says when they have ended.
        """
        self._on = True
        for looker in self._lookers:
            self._stop(looker)
        asked = {holder for holder in self._holders if holder.recall is not None}
        for holder in asked:
            self._ask(holder)
        self._changed()
        done = asyncio.Event()

        def look() -> None:
            if not self._on or not asked & self._holders:
                done.set()

        end = self.subscribe(look)
        look()
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), LET_GO_S)
        finally:
            end()

    def end(self) -> None:
        """Lend boards again, and listen to the air for whoever looks."""
        self._on = False
        for looker in self._lookers:
            self._begin(looker)
        self._changed()

    # --- what the boards tell ---------------------------------------------------------------------

    @contextmanager
    def held(self, recall: Recall | None) -> Iterator[None]:
        """Somebody has a board; raises :class:`Paused` if nobody may now.

        ``recall`` asks for it back; None: who has it is waited for.
        """
        self.require_off()
        holder = _Holder(recall)
        self._holders.add(holder)
        try:
            yield
        finally:
            self._holders.discard(holder)
            self._changed()

    def attend(self) -> Callable[[], None]:
        """Somebody looks into the air whenever that is allowed; the result ends it for good."""
        looker = _Looker()
        self._lookers.add(looker)
        if not self._on:
            self._begin(looker)

        def leave() -> None:
            self._lookers.discard(looker)
            self._stop(looker)

        return leave

    def _begin(self, looker: _Looker) -> None:
        if looker.leave is None and self._air is not None:
            looker.leave = self._air.attend()

    def _stop(self, looker: _Looker) -> None:
        leave, looker.leave = looker.leave, None
        if leave is not None:
            leave()

    def _ask(self, holder: _Holder) -> None:
        if holder.recall is None:
            return
        try:
            holder.recall(Paused())
        except Exception:  # noqa: BLE001 - one holder's defect must not keep the others' boards
            _log.error("a holder that was asked to let go failed", exc_info=True)

    def _changed(self) -> None:
        self._state.set(PauseState(on=self._on, waiting=len(self._holders) if self._on else 0))
