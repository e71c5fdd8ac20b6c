"""The WebSocket ``/ask``: a page asks to be allowed, and learns what came of it.

It carries nothing else. When it ends, its question is gone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from agent.bridge.connection import GONE, Close, cancel_all, first_end
from agent.bridge.consent_service import AskAllowed, AskMessage, AskOpen, AskRefused
from agent.bridge.origin_url import NOTHING_ALLOWED
from agent.bridge.scopes import ALL, Scope, ordered, parse_scopes
from agent.errors import InputError, MooringError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bridge.connection import Receive, Send
    from agent.bridge.consent_service import Consent, Tell

WANTS = "wants"
"""Name of the query that says what the page asks for."""
TOLD = Close(1000, "told")
UNEXPECTED = Close(1008, "nothing is expected here")

_USUAL = frozenset({Scope.BOARDS})


def wanted(values: list[str]) -> frozenset[Scope]:
    """What a page asks for; raises :class:`InputError`."""
    if len(values) > 1:
        problem = "is given more than once"
        raise InputError(field=WANTS, problem=problem, effect=NOTHING_ALLOWED)
    return parse_scopes(values[0], WANTS) if values else _USUAL


class Ask:
    """One page that asks, from accept to close."""

    def __init__(self, consent: Consent, origin: str, *, own: bool) -> None:
        """``own``: the agent's own page, which has nothing to ask for."""
        self._consent = consent
        self._origin = origin
        self._own = own
        self._closing: asyncio.Future[Close] = asyncio.get_running_loop().create_future()

    def close(self, why: Close) -> None:
        """End it from this side."""
        if not self._closing.done():
            self._closing.set_result(why)

    async def serve(self, wants: list[str], receive: Receive, send: Send) -> Close:
        """Ask, and tell the page until it is answered, leaves, or :meth:`close`."""
        told: asyncio.Queue[AskMessage] = asyncio.Queue()  # at most two messages
        withdraw = self._ask(wants, told.put_nowait)
        telling = asyncio.ensure_future(_tell(told, send))
        leaving = asyncio.ensure_future(_read(receive))
        waiting: set[asyncio.Future[Close]] = {telling, leaving, self._closing}
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return first_end(done, self._closing, "a page that asks")
        finally:
            withdraw()
            await cancel_all([telling, leaving])

    def _ask(self, wants: list[str], tell: Tell) -> Callable[[], None]:
        try:
            scopes = wanted(wants)
            if not self._own:
                return self._consent.ask(self._origin, scopes, tell)
            tell(AskAllowed(may=ordered(ALL), once=False))
        except MooringError as error:
            tell(AskRefused(error=error.report()))
        return lambda: None


async def _tell(told: asyncio.Queue[AskMessage], send: Send) -> Close:
    while True:
        message = await told.get()
        await send(msgspec.json.encode(message).decode())
        if not isinstance(message, AskOpen):
            return TOLD


async def _read(receive: Receive) -> Close:
    return GONE if await receive() is None else UNEXPECTED
