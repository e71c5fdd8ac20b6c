"""Telemetry and attributes as ThingsBoard takes them, whichever way they came.

Source: JsonConverter, JsonMqttAdaptor of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.simulator.thingsboard_requests import NotJsonError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.simulator.thingsboard_devices import Device, Json, Scope


def add_telemetry(device: Device, said: Json, now: float) -> int:
    """Keep values, in any of the three forms; the number of values. :class:`NotJsonError` else."""
    found = []
    for entry in said if isinstance(said, list) else [said]:
        if not isinstance(entry, dict):
            raise NotJsonError("Can't parse value")
        if "ts" in entry and "values" in entry:
            if not isinstance(entry["ts"], int | float) or not isinstance(entry["values"], dict):
                raise NotJsonError("Can't parse value")
            found.append((entry["ts"] / 1000, dict(entry["values"])))
        else:
            found.append((now, dict(entry)))
    device.telemetry.extend(found)
    return sum(len(values) for _, values in found)


def set_client(device: Device, said: Json) -> None:
    """Attributes that the device sets itself."""
    if not isinstance(said, dict):
        raise NotJsonError("Can't parse value")
    device.attributes["CLIENT_SCOPE"].update(said)


def answer_attributes(device: Device, asked: Json) -> dict[str, Any]:
    """The answer to ``{"clientKeys": "a,b", "sharedKeys": "c"}``; with neither: all of both."""
    if not isinstance(asked, dict):
        raise NotJsonError("Can't parse value")
    client, shared = (_names(asked, field) for field in ("clientKeys", "sharedKeys"))
    return attributes_of(device, client, shared)


def attributes_of(
    device: Device, client: Collection[str] | None, shared: Collection[str] | None
) -> dict[str, Any]:
    """Attributes of both scopes by name; None: none, both None: all. What is empty is left out."""
    everything = client is None and shared is None
    said: dict[str, Any] = {}
    wanted: tuple[tuple[str, Scope, Collection[str] | None], ...] = (
        ("client", "CLIENT_SCOPE", client),
        ("shared", "SHARED_SCOPE", shared),
    )
    for label, scope, names in wanted:
        there = device.attributes[scope]
        found = {n: v for n, v in there.items() if everything or (names and n in names)}
        if found:
            said[label] = found
    return said


def _names(asked: dict[str, Any], field: str) -> list[str] | None:
    if field not in asked:
        return None
    if not isinstance(asked[field], str):
        raise NotJsonError(f"{field} is no text")
    names = asked[field].split(",")
    return [name for name in names if name]


def field_of(said: dict[str, Any], name: str, kind: type[Any]) -> Json:
    """A field that must be there; :class:`UnreadableError` if it is not, or of another kind."""
    value = said.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UnreadableError(f"{name} is missing or of another kind")
    return value
