"""What machines that write a sketch want done; ``flash_performer.py`` performs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec

from agent.flash.sketch import SketchKind
from agent.jobs.effects import Request
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.flash.method import FlashPlan, FlashTarget


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came with the request."""

    name: str
    data: bytes

    def __repr__(self) -> str:
        return f"Upload({self.name!r}, {len(self.data)} bytes)"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sketch comes from; exactly one of the first four is given."""

    kind: SketchKind | None = None
    """The newest one of this kind for the board."""
    stored: str | None = None
    """Id or name of one in the store."""
    upload: Upload | None = None
    url: str | None = None
    override: bool = False
    """A person named the board: what the file was built for is not checked."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sketch that passed every check for this board and rests in the store."""

    name: str
    sha256: str
    size: int
    """Bytes of the file."""
    version: str | None
    notes: tuple[str, ...]
    plan: FlashPlan
    place: str | None
    """USB socket of the board."""
    shows: bool
    """The new sketch must show itself on USB: it is a provisioning sketch, or the method has no
    other proof that writing worked."""
    kind: SketchKind = "local"


def plain_address(url: str) -> str:
    """``url`` as it may be shown and kept: what gives access to a file stands behind the path."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return clean_text(urlunsplit((parts.scheme, host, parts.path, "", "")))


class FlashRequest(Request):
    """A request of this module."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class AskBoard(FlashRequest):
    """Ask what the board runs, in every protocol. Value: :class:`agent.jobs.which.BoardSays`."""

    patience_s: float
    """How long a sketch of provisioning 2.0 may need for its first word; 0: it is not asked."""
    improv: Literal["last", "only"] | None = None
    """Ask in Improv Wi-Fi too, after the others or in their place."""


@dataclass(frozen=True, slots=True)
class PrepareFlash(FlashRequest):
    """Get the sketch and make all checks; nothing is sent to the board. Value: `Prepared`."""

    source: Source


@dataclass(frozen=True, slots=True)
class EnterBootloader(FlashRequest):
    """Bring the board into its bootloader, unless it is there.

    Value: where that is (:class:`agent.flash.method.FlashTarget`).
    """


@dataclass(frozen=True, slots=True)
class WriteFlash(FlashRequest):
    """Write, verify and start; tells how far it is (``Advanced``). Value: None."""

    let_go_s: ClassVar[float] = 20.0
    """A cancelled run goes on to a place where the bootloader takes the next one."""

    prepared: Prepared
    target: FlashTarget


@dataclass(frozen=True, slots=True)
class StartSketch(FlashRequest):
    """Tell the bootloader to start the sketch. Value: False if a sketch ran already."""

    seconds: float
    """How long the sketch may need to show itself."""


@dataclass(frozen=True, slots=True)
class WaitSketch(FlashRequest):
    """Done when the board is there with a sketch. Value: None."""

    seconds: float
