"""The sketch that a board needs: from the store if it is the newest, else fetched and checked.

Without the Internet the newest one of the store is used, and that is said.
"""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from agent.errors import (
    CloudError,
    ImageRefused,
    IndexRefused,
    MooringError,
    NoSketch,
    NotSupported,
    SketchDamaged,
)
from agent.flash.index import date_text
from agent.flash.signed_list import FRESH_S, age_text
from agent.flash.sketch import SKETCH_LIMIT, Sketch, SketchKind
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.flash.fetcher import Fetcher, SketchCloud
    from agent.flash.index import IndexEntry, IndexSource
    from agent.flash.store import SketchStore

CLOUD_SOURCE: Final = "Arduino Cloud"
"""What the list says of a 2.0 sketch: its address needs an account, so it is of no use there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtained:
    """A sketch whose bytes were checked just now."""

    sketch: Sketch
    data: bytes
    notes: tuple[str, ...] = ()
    """What a person should know: an old list, a damaged file that was replaced."""

    def __repr__(self) -> str:
        return f"Obtained({self.sketch!r})"


class Sketches:
    """The store together with the places that sketches come from."""

    def __init__(
        self,
        store: SketchStore,
        index: IndexSource,
        fetcher: Fetcher,
        cloud: SketchCloud | None,
        *,
        now: Callable[[], float],
    ) -> None:
        """``cloud`` offers the 2.0 sketches; ``now`` gives Unix seconds."""
        self.store = store
        self.index = index
        self._fetcher = fetcher
        self._cloud = cloud
        self._now = now

    async def obtain(
        self, fqbn: str, kind: SketchKind, *, name: str = "", fresh_s: float = FRESH_S
    ) -> Obtained:
        """The newest sketch of this kind for a board; ``name`` is what a person calls the board.

        What was fetched less than ``fresh_s`` ago counts as the newest. Raises :class:`NoSketch`,
        and where there is none in the store either, what fetching raised.
        """
        if kind == "provisioning-2.0":
            return await self._from_cloud(fqbn, name or fqbn, fresh_s)
        if kind == "local":
            return await self._from_store(fqbn, kind, _none(kind, name or fqbn, "None was added."))
        return await self._from_index(fqbn, kind, name or fqbn, fresh_s)

    async def take(self, wanted: str, fqbn: str, *, name: str, override: bool = False) -> Obtained:
        """One of the store by its id or name, for the board ``name`` of the kind ``fqbn``.

        Raises :class:`ImageRefused` if it was built for another kind, unless ``override``;
        :class:`SketchUnknown`, :class:`SketchDamaged`.
        """
        sketch = await asyncio.to_thread(self.store.find, wanted, fqbn)
        if not override and not sketch.is_for(fqbn):
            problem = f"it was built for {clean_text(sketch.fqbn)}"
            raise ImageRefused(name=sketch.name, model=name, problem=problem, overridable=True)
        return Obtained(sketch=sketch, data=await asyncio.to_thread(self.store.read, sketch))

    async def keep(self, name: str, data: bytes, fqbn: str, *, source: str = "") -> Obtained:
        """A file that is to be written once, for a board of this kind.

        It rests in the store, so that a run that was cut off can be finished from there, and goes
        when room is needed. Raises :class:`InputError` if it is empty or too large.
        """
        sketch = Sketch(
            sha256=hashlib.sha256(data).hexdigest(),
            name=name,
            size=len(data),
            kind="local",
            fqbn=fqbn,
            source=source,
            fetched_at=self._now(),
        )
        sketch = await asyncio.to_thread(self.store.put, sketch, data)
        return Obtained(sketch=sketch, data=data)

    async def download(self, url: str) -> tuple[str, bytes]:
        """Name and content of the file at ``url``; not checked, not kept. :class:`CloudError`."""
        came = await self._fetcher.get(url, limit=SKETCH_LIMIT + 1)
        return posixpath.basename(urlsplit(url).path) or "sketch", came.data

    async def _from_index(self, fqbn: str, kind: SketchKind, name: str, fresh_s: float) -> Obtained:
        try:
            index, note = await self.index.get(fresh_s=fresh_s)
            entry = index.find(fqbn)
        except (CloudError, IndexRefused) as error:
            return await self._from_store(fqbn, kind, error)
        if entry is None:
            detail = f"The vendor's list of {date_text(index.fetched_at)} has none."
            return await self._from_store(fqbn, kind, _none(kind, name, detail))
        notes = [note] if note else []
        stored = await self._stored(fqbn, kind, sha256=entry.sha256, notes=notes)
        if stored is not None:
            return Obtained(sketch=stored[0], data=stored[1], notes=tuple(notes))
        try:
            return await self._download(fqbn, kind, entry, notes)
        except (CloudError, SketchDamaged) as error:
            return await self._from_store(fqbn, kind, error, notes)

    async def _download(
        self, fqbn: str, kind: SketchKind, entry: IndexEntry, notes: list[str]
    ) -> Obtained:
        wanted = Sketch(
            sha256=entry.sha256,
            name=posixpath.basename(urlsplit(entry.url).path),
            size=entry.size,
            kind=kind,
            fqbn=fqbn,
            source=entry.url,
            fetched_at=self._now(),
        )
        # One byte more than it may have, so that a longer file is told from a shorter one.
        came = await self._fetcher.get(entry.url, limit=entry.size + 1)
        wanted = msgspec.structs.replace(wanted, etag=came.etag)
        sketch = await asyncio.to_thread(self.store.put, wanted, came.data)
        return Obtained(sketch=sketch, data=came.data, notes=tuple(notes))

    async def _from_cloud(self, fqbn: str, name: str, fresh_s: float) -> Obtained:
        kind: SketchKind = "provisioning-2.0"
        notes: list[str] = []
        newest = await asyncio.to_thread(self.store.newest, fqbn, kind)
        if newest is not None and 0 <= self._now() - newest.fetched_at < fresh_s:
            stored = await self._stored(fqbn, kind, sha256=newest.sha256, notes=notes)
            if stored is not None:
                return Obtained(sketch=stored[0], data=stored[1])
        if self._cloud is None:
            error: MooringError = _none(kind, name, "No cloud that has them is set up.")
            return await self._from_store(fqbn, kind, error, notes)
        try:
            offered = await self._cloud.fetch_sketch(fqbn)
        except (CloudError, NotSupported) as refused:
            return await self._from_store(fqbn, kind, refused, notes)
        sketch = Sketch(
            sha256=hashlib.sha256(offered.data).hexdigest(),
            name=offered.filename,
            size=len(offered.data),
            kind=kind,
            fqbn=fqbn,
            source=CLOUD_SOURCE,
            fetched_at=self._now(),
        )
        sketch = await asyncio.to_thread(self.store.put, sketch, offered.data)
        return Obtained(sketch=sketch, data=offered.data, notes=tuple(notes))

    async def _from_store(
        self, fqbn: str, kind: SketchKind, error: MooringError, notes: list[str] | None = None
    ) -> Obtained:
        """The newest of the store in place of one that cannot be fetched; else raise ``error``."""
        told = list(notes or ())
        stored = await self._stored(fqbn, kind, sha256=None, notes=told)
        if stored is None:
            raise error
        sketch, data = stored
        if kind != "local":
            age = age_text(self._now() - sketch.fetched_at)
            told.append(
                f"{error.report().title} The sketch of the store is used; "
                f"it was put there {age} ago."
            )
        return Obtained(sketch=sketch, data=data, notes=tuple(told))

    async def _stored(
        self, fqbn: str, kind: SketchKind, *, sha256: str | None, notes: list[str]
    ) -> tuple[Sketch, bytes] | None:
        """The newest good one of the store; damaged ones are set aside and told in ``notes``."""
        while True:
            found = await asyncio.to_thread(self.store.newest, fqbn, kind, sha256)
            if found is None:
                return None
            try:
                return found, await asyncio.to_thread(self.store.read, found)
            except SketchDamaged as error:
                notes.append(f"{error.report().title} It was set aside.")


def _none(kind: SketchKind, name: str, detail: str) -> NoSketch:
    action = "Add one with: mooring sketches add FILE --fqbn FQBN"
    return NoSketch(kind=kind, model=name, detail=detail, action=f"{action} --kind {kind}.")
