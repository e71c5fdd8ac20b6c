"""``wifi.points``: networks that boards may have opened, so that a person can choose one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from agent.bridge.rpc import Call, Method, Nothing
from agent.links.access_point_name import access_point_text
from agent.protocols.blynk.names import parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.bridge.services import Services
    from agent.links.access_point_wifi import AccessPoint


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A Wi-Fi network without a password that this computer hears."""

    access_point: str
    """What ``jobs.start`` takes: the name, or ``hex:`` and its bytes."""
    name: str
    """For a person."""
    strength: int
    """Of 100."""
    looks_like: Literal["blynk"] | None = None
    """Whose boards have such names; what answers there is what counts."""
    product: str = ""
    """What such a board calls itself: the template of Blynk, perhaps cut."""


class PointList(msgspec.Struct, frozen=True, kw_only=True):
    """Those that look like boards first, and then the strongest."""

    points: list[Point]


def methods(services: Services) -> list[Method[Any, Any]]:
    """``wifi.points``."""

    async def points(_call: Call, _params: Nothing) -> PointList:
        return PointList(points=as_points(await services.wifi.seen()))

    summary = "Wi-Fi networks that boards may have opened; listens for some seconds."
    return [Method("wifi.points", summary, Nothing, PointList, points, own=True)]


def as_points(heard: Iterable[AccessPoint]) -> list[Point]:
    """Each network once, as the adapter that hears it best does."""
    best: dict[bytes, AccessPoint] = {}
    for each in heard:
        known = best.get(each.ssid)
        if known is None or known.strength < each.strength:
            best[each.ssid] = each
    found = map(_point, best.values())
    return sorted(found, key=lambda point: (point.looks_like is None, -point.strength, point.name))


def _point(heard: AccessPoint) -> Point:
    board = parse_name(heard.name)
    # The suffix alone may be an accident; its four symbols, or the usual first word, hardly are.
    if board is not None and not (board.may_be or board.prefix == "Blynk"):
        board = None
    return Point(
        access_point=access_point_text(heard.ssid),
        name=heard.name,
        strength=heard.strength,
        looks_like="blynk" if board else None,
        product=(board.template or board.prefix) if board else "",
    )
