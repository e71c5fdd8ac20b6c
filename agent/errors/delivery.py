"""Putting settings and credentials on a board."""

from __future__ import annotations

from agent.errors.base import ExitStatus
from agent.errors.boards import BoardError


class DeliveryFailed(BoardError):
    """The board did not take what it was given; ``why`` says at which point, in its words."""

    code = "delivery-failed"
    retryable = True
    title = "The settings could not be put on the board."
    meaning = "{why} What it had before is still on it."
    remedy = "Press its reset button or unplug it, then try again."


class DeliveryUnproven(BoardError):
    """The last line of a delivery stayed without an answer: old settings or new, both whole."""

    code = "delivery-unproven"
    retryable = True
    title = "The board did not confirm its new settings."
    meaning = "It has either the new ones or those before, each of them whole."
    remedy = "Deliver them again; that is safe in both cases."


class BoardHasNoDelivery(BoardError):
    """Nothing on the board takes settings; ``tried``: each way that was tried, and the answer."""

    code = "delivery-none"
    exit_status = ExitStatus.USAGE
    title = "Nothing on this board takes settings."
    meaning = "What was tried: {tried}."
    remedy = (
        "Flash a sketch with the serial console (docs/console.md) or MicroPython, or let the settings "
        "be made as a header file for your own sketch."
    )


class DigestDiffers(BoardError):
    """What the board says it holds is not what it was sent."""

    code = "delivery-digest"
    retryable = True
    title = "The board does not hold what it was sent."
    meaning = "Its check value over the settings is another one: {why}"
    remedy = "Try again; if it stays, the board's firmware or its memory is faulty."


class SettingsTooLong(BoardError):
    """A value, or all of them together, is longer than the board keeps.

    ``group``: ``network`` or ``cloud``, where it is of one value.
    """

    code = "delivery-too-long"
    exit_status = ExitStatus.USAGE
    title = "The board has no room for {field}."
    meaning = "It takes {size} bytes, and the board keeps {limit}. Nothing was changed on it."
    remedy = "Use shorter credentials (a token in place of a certificate), or another board."


class SettingNotTaken(BoardError):
    """The firmware knows no such setting, or not this value of it; ``group`` as above."""

    code = "delivery-not-taken"
    exit_status = ExitStatus.USAGE
    title = "The firmware of this board does not take this setting: {field}."
    meaning = "{why} Nothing was changed on the board."
    remedy = "Choose settings that its firmware knows, or flash one that knows these."


class OtherDelivery(BoardError):
    """Another program began a delivery to the same board in the middle of ours."""

    code = "delivery-other"
    retryable = True
    title = "Another program is putting settings on this board."
    meaning = (
        "It began while ours was under way, so ours was dropped; the board takes one at a time."
    )
    remedy = "Close the other program, then try again."


class DriveInTheWay(BoardError):
    """CircuitPython writes no files while a computer uses its drive."""

    code = "delivery-drive"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "The board cannot write its file: this computer uses its drive."
    meaning = (
        "CircuitPython lets its programs write only while its drive (CIRCUITPY) is in use by no "
        "computer. Nothing was changed on the board."
    )
    remedy = (
        "Eject the drive in the file manager (closing its window is not enough), leave the cable in, "
        "and try again. docs/micropython.md has a boot.py for boards on which that does not help."
    )


class NvsRefused(BoardError):
    """The settings area of an Espressif chip is not one that may be written."""

    code = "delivery-nvs"
    exit_status = ExitStatus.USAGE
    title = "The settings area of the chip (NVS) is not touched: {problem}."
    meaning = "{why} Nothing was changed on the board."
    remedy = "{action}"


class NvsInterrupted(BoardError):
    """Writing the settings area broke off; a copy of its old content is kept here."""

    code = "delivery-nvs-interrupted"
    retryable = True
    title = "Writing the settings area of the chip broke off: {detail}."
    meaning = (
        "The board may have lost settings of its sketch as well. What it had before is kept on this "
        "computer and is put back with the next delivery."
    )
    remedy = "Plug the board in again and deliver once more, from this computer."
