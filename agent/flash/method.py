"""What all flash methods share: an image, a plan that was checked, a target, and progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

if TYPE_CHECKING:
    from agent.catalog import Model

ImageFormat: TypeAlias = Literal["bin", "elf", "uf2", "esp"]
"""What a file is by its content: ``bin`` a memory image of a Cortex-M sketch, ``esp`` an image of
the Espressif family."""

Stage: TypeAlias = Literal["prepare", "erase", "write", "verify", "reset"]
"""Parts of a flash run, in their order; nothing on the board has changed in ``prepare``."""


class FlashImage(msgspec.Struct, frozen=True, kw_only=True):
    """A file that may be written to a board."""

    name: str
    """The file's name, without folders."""
    format: ImageFormat
    data: bytes
    sha256: str
    """Lower-case hexadecimal digest of ``data``."""
    any_board: bool = False
    """A person said that it may be written although it was not built for the board."""

    def __repr__(self) -> str:
        return f"FlashImage({self.name!r}, {self.format}, {len(self.data)} bytes)"


class FlashPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What will be written and where; made by :meth:`Flasher.plan`, so it passed all checks.

    A method that needs more facts adds fields in a subclass.
    """

    image: FlashImage
    model: str
    """Id of the model in the catalogue."""
    address: int
    """Where the first byte goes, in the addresses of the board's bootloader."""
    size: int
    """Bytes that will be written; less or more than the file's where it is converted."""


class FlashTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where the bootloader is now; which fields are set depends on the method."""

    address: str | None = None
    """Serial port of the bootloader."""
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    location: str | None = None
    """USB topology, as in :class:`agent.boards.board.Port`."""
    volume: str | None = None
    """Mount point of the bootloader's drive."""


class FlashProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is."""

    stage: Stage
    done: int
    """Bytes."""
    total: int
    """Bytes; 0 where the stage has no measure."""


Progress: TypeAlias = Callable[[FlashProgress], None]
"""Called in the event loop, often; it must return at once."""


@runtime_checkable
class Detacher(Protocol):
    """A way to write whose sketches are told over USB to make way for the bootloader."""

    async def detach(self, model: Model, sketch: FlashTarget) -> None:
        """Return when the sketch was told; raises :class:`agent.errors.FlashError`."""


class Flasher(Protocol):
    """One way to write a sketch."""

    method: str
    """As in the catalogue's ``upload.method``."""

    def plan(self, image: FlashImage, model: Model) -> FlashPlan:
        """Check size, offset, extension and content; nothing is opened or sent.

        Raises :class:`agent.errors.ImageRefused` or another :class:`agent.errors.FlashError`.
        """

    async def run(self, plan: FlashPlan, target: FlashTarget, progress: Progress) -> None:
        """Write, verify and start the sketch.

        Raises :class:`agent.errors.FlashError`, or :class:`agent.errors.PortError` when the port
        cannot be opened. A cancelled run leaves a bootloader that takes the next one.
        """

    async def start(self, model: Model, target: FlashTarget) -> None:
        """Tell the bootloader to start the sketch that is on the board; nothing is written.

        Raises :class:`agent.errors.NotSupported` where only a person can do that,
        :class:`agent.errors.NoBootloader` when none answers, and
        :class:`agent.errors.SketchGone` where the bootloader itself shows that there is none.
        """
