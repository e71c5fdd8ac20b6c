"""``sketches.list``: the sketches that are on this computer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge.rpc import Call, Method, Nothing
from agent.flash.sketch import SketchKind

if TYPE_CHECKING:
    from agent.bridge.services import Services
    from agent.flash.sketch import Sketch


class SketchInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A sketch that ``jobs.start`` can write to a board."""

    id: str
    """SHA-256 of its bytes; its beginning names it as well."""
    name: str
    size: int
    """Bytes."""
    kind: SketchKind
    fqbn: str
    """The kind of board that it was built for."""
    version: str | None
    fetched_at: float
    """Unix seconds."""


class SketchInfos(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the store."""

    sketches: list[SketchInfo]


def methods(services: Services) -> list[Method[Any, Any]]:
    """The list."""

    async def list_sketches(call: Call, _params: Nothing) -> SketchInfos:
        found = await asyncio.to_thread(services.sketches.list)
        # Files of the person, and what other pages have sent, are nothing for a foreign page.
        shown = [sketch for sketch in found if call.peer.own or sketch.kind != "local"]
        return SketchInfos(sketches=[_info(sketch) for sketch in shown])

    return [
        Method(
            "sketches.list",
            "The sketches that are on this computer.",
            Nothing,
            SketchInfos,
            list_sketches,
        )
    ]


def _info(sketch: Sketch) -> SketchInfo:
    return SketchInfo(
        id=sketch.sha256,
        name=sketch.name,
        size=sketch.size,
        kind=sketch.kind,
        fqbn=sketch.fqbn,
        version=sketch.version,
        fetched_at=sketch.fetched_at,
    )
