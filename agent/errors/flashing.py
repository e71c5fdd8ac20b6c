"""Writing a sketch to a board."""

from __future__ import annotations

from agent.errors.base import ExitStatus, MooringError


class FlashError(MooringError):
    """Writing a sketch or firmware."""

    code = "flash"


class ImageRefused(FlashError):
    """The file does not fit the board; found before anything was touched.

    ``overridable``: a person who names the board can have it written all the same.
    """

    code = "flash-image"
    exit_status = ExitStatus.USAGE
    title = "{name} cannot be written to {model}: {problem}."
    meaning = "Nothing was erased or sent; the board is as it was."
    remedy = "Choose a file that was built for this board."


class ToolMissing(FlashError):
    """A program that this method needs is not on this computer; ``mend`` says how to get it."""

    code = "flash-tool"
    title = "{tool} is needed to flash this board and was not found."
    meaning = "{why}"
    remedy = "{mend}"


class NoBootloader(FlashError):
    """No bootloader came or answered; ``manual`` is the catalogue's way to enter it by hand."""

    code = "flash-no-bootloader"
    retryable = True
    title = "The bootloader of the board was not found: {detail}."
    meaning = "The board did not restart into it, or something else is on its port."
    remedy = "{manual} Then start again."


class OtherChip(FlashError):
    """The board has another chip than its model says; ``detail`` is what the tool found."""

    code = "flash-chip"
    exit_status = ExitStatus.USAGE
    title = "The board has another chip than its model says: {detail}."
    meaning = "Nothing was erased; the board is as it was."
    remedy = "Choose the model that this board is, or plug in the right board."


class LoaderRefused(FlashError):
    """The system does not let us talk to a bootloader that is there; ``action`` is the mend."""

    code = "flash-access"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "This account may not talk to the bootloader of the board."
    meaning = "It is there, but the system refuses: {detail}. Nothing was erased."
    remedy = "{action}"


class VerifyFailed(FlashError):
    """What the board holds is not what was written, also after a second try."""

    code = "flash-verify"
    retryable = True
    title = "The board does not hold what was written to it (at {address})."
    meaning = (
        "Its check value is {found} instead of {expected}. "
        "The board stays in its bootloader, so nothing is lost but the sketch."
    )
    remedy = "Start again, with another USB cable or socket if it stays."


class FlashFailed(FlashError):
    """A run broke off; ``stage`` says where and ``detail`` why."""

    code = "flash-failed"
    retryable = True
    title = "Flashing broke off ({stage}): {detail}."
    meaning = "The sketch on the board may be incomplete or gone; its bootloader is still there."
    remedy = "Plug the board in again, directly into the computer if possible, and start again."


class FlashStopped(FlashError):
    """A person stopped a job behind the point of no return."""

    code = "flash-stopped"
    retryable = True
    title = "Writing was stopped; the board waits in its bootloader."
    meaning = "Its sketch is gone or incomplete. The bootloader takes a new one at any time."
    remedy = "Write a sketch to it: mooring flash BOARD FILE, or its provisioning sketch."


class SketchGone(FlashError):
    """A board was told to start its sketch, and is in its bootloader all the same."""

    code = "flash-sketch-gone"
    title = "The board stays in its bootloader: it has no sketch that can start."
    meaning = "Its sketch was erased, was not written to its end, or cannot start on this board."
    remedy = "Write a sketch to it: mooring flash BOARD FILE, or its provisioning sketch."


class SketchInTheWay(FlashError):
    """The sketch on the board must be replaced, and nobody has agreed to that."""

    code = "flash-confirm"
    exit_status = ExitStatus.USAGE
    title = "The sketch on this board would have to be replaced."
    meaning = "{reason} Nothing was changed, because nobody could be asked."
    remedy = "Start again and agree to it (--yes), after saving the sketch that is on the board."


class SketchUnknown(FlashError):
    """Nothing, or more than one thing, in the store of sketches matches what the person named."""

    code = "sketch-unknown"
    exit_status = ExitStatus.USAGE
    title = "{count} sketches in the store match “{wanted}”."
    meaning = "Nothing was changed, because it is not clear which one is meant."
    remedy = "Give more of the id that the list of sketches shows (mooring sketches)."


class NoSketch(FlashError):
    """No sketch of this kind can be had for a board; ``detail`` says why."""

    code = "sketch-none"
    title = "There is no {kind} sketch for {model}."
    meaning = "{detail}"
    remedy = "{action}"


class SketchDamaged(FlashError):
    """A sketch is not what its size and SHA-256 say; nothing of it was used."""

    code = "sketch-damaged"
    retryable = True
    title = "The sketch {name} is damaged: {problem}."
    meaning = "It is not the file that was published, so it was not used. No board was touched."
    remedy = "Fetch it again; if it stays, the source itself or something on the way is broken."


class IndexRefused(FlashError):
    """The public list of sketches cannot be trusted; the last good one stays."""

    code = "sketch-index"
    title = "The list of sketches from {source} cannot be trusted: {problem}."
    meaning = "It was not used. Sketches that are in the store already can be used as before."
    remedy = "Try again on another network; if it stays, give the sketch as a file."


class StoreFailed(FlashError):
    """The store of sketches cannot be read or written; ``path`` names it."""

    code = "sketch-store"
    retryable = True
    title = "The store of sketches {path} cannot be used: {detail}."
    meaning = "Sketches cannot be kept or read on this computer."
    remedy = "Check that the disk has room and that the folder belongs to you, and try again."
