"""The procedure that writes a sketch over SAM-BA: what is asked in which order, without I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import NoBootloader, VerifyFailed
from agent.flash.method import FlashProgress
from agent.flash.samba_loader import choose_writer, identify, start_sketch
from agent.protocols import samba
from agent.protocols.samba import CHUNK_BYTES, SambaFailure

if TYPE_CHECKING:
    from agent.flash.samba_loader import LoaderKind, Steps, Writer

HELLO_TRIES: Final = 2
"""A loader in terminal mode says nothing to the first."""


def knock() -> Steps[None]:
    """Get a first answer; raises :class:`SambaFailure` if there is none."""
    for _ in range(HELLO_TRIES - 1):
        try:
            yield samba.hello()
        except SambaFailure:
            continue
        return
    yield samba.hello()


def greet() -> Steps[None]:
    """Get a first answer, also from a loader that was left in the middle of a transfer.

    Somebody who was killed while sending data left the loader waiting for the rest of it: enough
    empty commands end that, and do nothing otherwise. Raises :class:`SambaFailure`.
    """
    try:
        yield from knock()
    except SambaFailure:
        yield samba.fill(CHUNK_BYTES)
        yield from knock()


def flash(kind: LoaderKind, manual: str, data: bytes) -> Steps[None]:
    """Identify, erase, write and verify chunk by chunk, start; the loader has been greeted.

    ``data`` ends on a page. Raises :class:`NoBootloader` before anything is erased, later
    :class:`VerifyFailed` or :class:`SambaFailure`; the board stays in its loader then.
    """
    total = len(data)
    yield FlashProgress(stage="prepare", done=0, total=total)
    try:
        letters = yield from identify(kind, manual)
    except SambaFailure as failure:
        detail = "it stopped answering" if failure.reason.value == "silent" else "it talks nonsense"
        raise NoBootloader(detail=detail, manual=manual) from failure
    writer = choose_writer(kind, letters, manual)
    yield FlashProgress(stage="erase", done=0, total=0)
    yield from writer.erase(kind.first)
    yield from _write(kind, writer, data)
    yield FlashProgress(stage="verify", done=total, total=total)
    yield FlashProgress(stage="reset", done=0, total=0)
    yield start_sketch(kind)


def restart(kind: LoaderKind, manual: str) -> Steps[None]:
    """Start the sketch that is there; raises as :func:`flash` before anything is erased."""
    try:
        yield from identify(kind, manual)
    except SambaFailure as failure:
        raise NoBootloader(detail="it stopped answering", manual=manual) from failure
    yield FlashProgress(stage="reset", done=0, total=0)
    yield start_sketch(kind)


def _write(kind: LoaderKind, writer: Writer, data: bytes) -> Steps[None]:
    """Each chunk is verified at once; one that is wrong is erased and written once more."""
    tried_again: set[int] = set()
    at = 0
    while at < len(data):
        yield FlashProgress(stage="write", done=at, total=len(data))
        address, chunk = kind.first + at, data[at : at + CHUNK_BYTES]
        # Nothing is written behind this chunk yet, so erasing to the end costs nothing. Where
        # the smallest erase takes a chunk before this one too, that one is written again as well.
        back = at - address % kind.erase_unit
        try:
            yield from writer.write(address, chunk)
            yield from writer.check(address, chunk)
        except (SambaFailure, VerifyFailed) as error:
            if at in tried_again:
                raise
            tried_again.add(at)
            if isinstance(error, SambaFailure):
                yield from greet()
            yield from writer.undo(kind.first + back)
            at = back
            continue
        at += len(chunk)
    yield FlashProgress(stage="write", done=len(data), total=len(data))
