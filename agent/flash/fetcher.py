"""What the store of sketches needs from outside: files of an address, sketches of a cloud."""

from __future__ import annotations

from typing import Protocol


class Download(Protocol):
    """A file that arrived whole."""

    @property
    def data(self) -> bytes:
        """Its bytes."""

    @property
    def etag(self) -> str | None:
        """What tells this version of it from others (RFC 9110, 8.8.3)."""


class Fetcher(Protocol):
    """Downloads a file whole."""

    async def get(self, url: str, *, limit: int) -> Download:
        """The file at ``url``.

        Raises :class:`agent.errors.CloudError`: it cannot be reached, is not there, or is longer
        than ``limit`` bytes.
        """


class OfferedSketch(Protocol):
    """A sketch as a cloud offers it, checked against the SHA-256 that came with it."""

    @property
    def filename(self) -> str:
        """Its name there."""

    @property
    def data(self) -> bytes:
        """Its bytes."""


class SketchCloud(Protocol):
    """A cloud that has provisioning 2.0 sketches."""

    async def fetch_sketch(self, fqbn: str) -> OfferedSketch:
        """The sketch for a kind of board.

        Raises :class:`agent.errors.CloudError`, or :class:`agent.errors.NotSupported` if the cloud
        has none.
        """
