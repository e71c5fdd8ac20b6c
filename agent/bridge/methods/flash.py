"""``flash.*``: files for boards. What is done with them is a job (``jobs.start``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from agent.bridge import limits
from agent.bridge.methods.start import Started
from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.bridge.scopes import Scope

if TYPE_CHECKING:
    from agent.bridge.methods.start import Starter
    from agent.bridge.uploads import Uploads

NAME_CHARS = 255
"""Longest name of a file on the usual file systems."""


class OfferParams(Params, frozen=True, kw_only=True):
    """A file that will come."""

    name: Annotated[str, Meta(min_length=1, max_length=NAME_CHARS)]
    """Its ending counts: ``.bin``, ``.elf``, ``.uf2``."""
    size: Annotated[int, Meta(extra_json_schema={"minimum": 1, "maximum": limits.IMAGE_BYTES})]
    """Bytes."""


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """Where its bytes go."""

    image: int
    """First byte of each binary message, 1 to 255; and its name in ``jobs.start``."""


class OneImage(Params, frozen=True, kw_only=True):
    """A file that was offered."""

    image: Annotated[int, Meta(ge=1, le=255)]


class Flash(Params, frozen=True, kw_only=True):
    """What to write to which board; exactly one of ``sketch``, ``image`` and ``url``."""

    board: str
    attended: bool = True
    """Somebody is there to answer; else each question gets its safest answer at once."""
    model: str | None = None
    """Which of the board's ``candidates`` it is."""
    sketch: str | None = None
    """``provisioning``, ``provisioning-1.0``, or id or name in ``sketches.list``."""
    image: Annotated[int, Meta(ge=1, le=255)] | None = None
    """A file of this connection, all of which was sent."""
    url: str | None = None
    """A file that the agent fetches, from a server that the settings allow."""
    override: str | None = None
    """Id of the board's model, to write a file that was built for another one."""
    confirmed: bool = False
    """The person knows that the sketch on the board is overwritten."""


def methods(uploads: Uploads, starter: Starter) -> list[Method[Any, Any]]:
    """Offer, drop, start."""

    async def offer(call: Call, params: OfferParams) -> Offered:
        return Offered(image=uploads.offer(call.peer, params.name, params.size))

    async def drop(call: Call, params: OneImage) -> Nothing:
        uploads.find(call.peer, params.image)
        uploads.drop(call.peer, params.image)
        return Nothing()

    async def start(call: Call, params: Flash) -> Started:
        asked = ("model", "sketch", "url", "override", "confirmed")
        given = {name: getattr(params, name) for name in asked}
        request = {name: value for name, value in given.items() if value not in (None, False)}
        request |= {"kind": "flash", "board": params.board}
        return await starter.start(call, request, attended=params.attended, image=params.image)

    return [
        Method(
            "flash.offer",
            "Announce a file; its bytes follow.",
            OfferParams,
            Offered,
            offer,
            scope=Scope.FLASH,
        ),
        Method(
            "flash.drop",
            "Forget a file that was offered.",
            OneImage,
            Nothing,
            drop,
            scope=Scope.FLASH,
        ),
        Method(
            "flash.start",
            "Write a sketch: jobs.start of the kind flash.",
            Flash,
            Started,
            start,
            scope=Scope.FLASH,
        ),
    ]
