"""Whose board is heard? What speaks for one in the air. Pure functions.

There are no sockets there, and no loaders: a board is its number, and if it gives none, its address.
Nobody else has either, so a job's board is recognised like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.boards.identity import air_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.boards.identity import UsbLookup
    from agent.boards.record import Record
    from agent.boards.sighting import Sighting
    from agent.catalog import Model


def by_key(heard: Iterable[Sighting]) -> dict[str, list[Sighting]]:
    """The devices that are heard; one that has just changed its address may be at two of them."""
    devices: dict[str, list[Sighting]] = {}
    for sighting in heard:
        devices.setdefault(air_key(sighting.port), []).append(sighting)
    return devices


def models_of(catalog: UsbLookup, sightings: Sequence[Sighting]) -> list[Model]:
    """What it may be: models that advertise with these USB ids."""
    port = sightings[0].port
    if port.vid is None or port.pid is None:
        return []
    return [
        match.model
        for match in catalog.by_usb(port.vid, port.pid)
        if match.role == "sketch" and match.model.ble_provisioning.capable
    ]


def whose(
    records: Iterable[Record],
    key: str,
    sightings: Sequence[Sighting],
    silent: Mapping[str, Record],
) -> Record | None:
    """The board that is heard as ``key`` from now on.

    A session has read this number on it, or its USB number tells it; or it was heard under it
    before; or it was heard at this address until now (``silent``), and has given its number since.
    """
    heard_before: Record | None = None
    for record in records:
        if record.air_number == key and not record.doubtful:
            return record
        if key in record.heard_as:
            heard_before = record
    if heard_before is not None:
        return heard_before
    found = (silent.get(sighting.port.address) for sighting in sightings)
    return next((record for record in found if record is not None), None)
