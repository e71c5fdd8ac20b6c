"""``/info``, ``/pause`` and ``/update``. Source: agent-api-compat.md, section 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.compat.answer import TEXT, Answer
from agent.compat.info import info

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.compat.answer import Asked
    from agent.compat.drop_in import DropIn
    from agent.flash.toolstore.tool import Computer

_NOTHING_NEW: Final = Answer(200, b'{"success": "Mooring updates itself in its own way."}')
_NOT_YOURS: Final = Answer(403, b"This page may not pause the agent.", TEXT)


def add_plain_routes(
    drop_in: DropIn, computer: Computer, own_version: str, pause: Callable[[], Awaitable[None]]
) -> None:
    """Let the drop-in answer these; ``pause`` makes the agent let go of all boards."""

    async def tell(asked: Asked) -> Answer:
        return Answer(200, info(asked.host, computer, own_version))

    async def let_go(asked: Asked) -> Answer:
        if not asked.may("pause"):
            return _NOT_YOURS
        await pause()
        return Answer(200, b"null")

    async def update(_asked: Asked) -> Answer:
        return _NOTHING_NEW

    drop_in.add_route("/info", ("GET", "HEAD"), tell)
    drop_in.add_route("/pause", ("POST",), let_go)
    drop_in.add_route("/update", ("POST",), update)
