"""A store of sketches for tests, with a simulated list behind it or none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from agent.clouds.downloads import Downloads
from agent.errors import NotSupported
from agent.flash.fetch import Sketches
from agent.flash.index import INDEX_KEY, IndexSource
from agent.flash.store import SketchStore

if TYPE_CHECKING:
    from pathlib import Path

    from agent.clouds.clock import Clock
    from agent.flash.fetcher import OfferedSketch, SketchCloud


class Index(Protocol):
    """A list of sketches (``agent.simulator.sketch_index``)."""

    @property
    def index_url(self) -> str:
        """Where it is."""

    @property
    def public_key(self) -> bytes:
        """What it is signed with."""


NOWHERE = "http://127.0.0.1:1/index.json.gz"


def sketches_in(
    folder: Path,
    cloud: SketchCloud | None = None,
    index: Index | None = None,
    clock: Clock | None = None,
) -> Sketches:
    """The store in ``folder/sketches``; without ``index`` the list cannot be reached."""
    key, url = INDEX_KEY, NOWHERE
    if index is not None:
        key, url = folder / "index-key.asc", index.index_url
        key.write_bytes(index.public_key)
    downloads = Downloads(clock=clock)
    store = folder / "sketches"
    source = IndexSource(downloads, store / "index.json", url=url, key_file=key, now=time.time)
    offers = NoSketches() if cloud is None else cloud
    return Sketches(SketchStore(store), source, downloads, offers, now=time.time)


class NoSketches:
    """A cloud that has none."""

    async def fetch_sketch(self, fqbn: str) -> OfferedSketch:
        raise NotSupported(model=fqbn, what="have a sketch", why="None.", action="None.")
