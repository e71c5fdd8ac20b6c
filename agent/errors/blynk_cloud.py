"""Blynk.Cloud and its boards: rights and plans, tokens, regions, a board that does not come."""

from __future__ import annotations

from agent.errors.base import ExitStatus, MooringError
from agent.errors.boards import BoardError
from agent.errors.clouds import CloudError

__all__ = [
    "BlynkBoardFailed",
    "BlynkClaimed",
    "BlynkError",
    "BlynkForbidden",
    "BlynkKept",
    "BlynkNoPlatform",
    "BlynkNotArrived",
    "BlynkNotThere",
    "BlynkOffline",
    "BlynkRefused",
    "BlynkRegion",
    "BlynkTemplate",
    "BlynkTokenLost",
    "BlynkTokenUnknown",
    "BlynkUnkept",
]


class BlynkError(CloudError):
    """What only this cloud says."""

    code = "blynk"


class BlynkNoPlatform(BlynkError):
    """There is no OAuth client, as with plans that have no platform interface."""

    code = "blynk-no-platform"
    exit_status = ExitStatus.NO_ACCESS
    title = "Without an OAuth client of {cloud} Mooring cannot {action}."
    meaning = "The platform interface asks for one; free plans have none."
    remedy = (
        "Make the device in the console of {cloud} and paste its token here; or, with a plan that has "
        "the platform interface, enter the OAuth client (Developer Zone, OAuth 2.0)."
    )


class BlynkForbidden(BlynkError):
    """403: the client lacks a permission, or the plan the platform interface."""

    code = "blynk-forbidden"
    exit_status = ExitStatus.NO_ACCESS
    title = "{cloud} does not let this OAuth client {action}."
    meaning = "{detail}"
    remedy = (
        "Its role needs the permission {permission}, and the organisation a plan with the platform "
        "interface. Without them make the device in the console and paste its token here."
    )


class BlynkRefused(BlynkError):
    """400: the platform does not take what it was asked."""

    code = "blynk-refused"
    title = "{cloud} refuses to {action}."
    meaning = "{detail}"
    remedy = "Correct what it names, and try again."


class BlynkNotThere(BlynkError):
    """404: a device, a template, a user or an organisation is not there, or not for this client."""

    code = "blynk-not-there"
    title = "{cloud} does not find what it needs to {action}."
    meaning = "{detail}"
    remedy = (
        "Look in the console: the template, the owner and the organisation have to be those of this "
        "OAuth client."
    )


class BlynkOffline(BlynkError):
    """A board that is to be reached over the air is not connected."""

    code = "blynk-offline"
    retryable = True
    title = "{name} is offline, so it heard nothing."
    meaning = "{cloud} reaches a board only while it is connected. Nothing was changed on it."
    remedy = (
        "Hold the board's button for at least ten seconds and release it: it forgets its settings, and "
        "waits for new ones with a blue light."
    )


class BlynkTokenUnknown(BlynkError):
    """No device of this server has the token."""

    code = "blynk-token-unknown"
    title = "{cloud} knows no device with this token."
    meaning = (
        "The device was deleted, its token was replaced by a newer one, or it is on a server of "
        "another region than {server}."
    )
    remedy = (
        "Copy the token of the device again from the console; the region stands in its lower right "
        "corner, and can be entered with the account."
    )


class BlynkTokenLost(BlynkError):
    """A token was asked for, and the answer did not come; ``maybe_done`` says what may be left."""

    code = "blynk-token-lost"
    retryable = True
    title = "The answer of {cloud} with the new token was lost."
    meaning = "{detail} {left}"
    remedy = "Try again: a token that nobody got is of no use to anybody."


class BlynkTemplate(BlynkError):
    """The firmware of a board is of another template than the device is to be."""

    code = "blynk-template"
    title = "The board's firmware is of the template {board_template}, not {template}."
    meaning = "{cloud} puts a device under the template that its firmware names."
    remedy = "Choose the template {board_template}, or flash firmware of {template} first."


class BlynkRegion(BlynkError):
    """The server sends to another one that cannot be followed."""

    code = "blynk-region"
    title = "{cloud} sends Mooring to another server."
    meaning = "{detail} Nothing was sent there."
    remedy = "Enter the server of your region with the account, as in fra1.blynk.cloud."


class BlynkClaimed(BlynkError):
    """The prepared device of a QR code belongs to somebody already."""

    code = "blynk-claimed"
    title = "The device of this code is claimed already."
    meaning = "{detail}"
    remedy = "Ask its owner to remove it in the app or the console, or unclaim it there."


class BlynkNotArrived(BlynkError):
    """The board did not log in within the limit."""

    code = "blynk-not-arrived"
    retryable = True
    title = "The board did not come online in {cloud} within {seconds} s."
    meaning = "It did not join its network, or did not reach {server} over it. {detail}"
    remedy = (
        "Its light tells which: see whether it is red, or its access point is back, and read there why "
        "it failed. The token stays good for another try."
    )


class BlynkBoardFailed(BoardError):
    """The board says why it did not come online; ``number`` is its own code for that."""

    code = "blynk-board-failed"
    retryable = True
    title = "{what}"
    meaning = "{why} The board's own code for it is {number}."
    remedy = "{action}"


class BlynkKept(MooringError):
    """A job ended with a token that no board is online with; ``reason`` says why, ``cause`` all of it."""

    code = "blynk-kept"
    retryable = True
    title = "{reason} {name} is not online yet."
    meaning = "{cause} {where}"
    remedy = "Start the job again: its token is in the vault (entry {entry}), and the job goes on from there."


class BlynkUnkept(MooringError):
    """The same, but the vault could not be written."""

    code = "blynk-unkept"
    retryable = True
    title = "{reason} {name} is not online yet, and its token is not in the vault."
    meaning = "{cause} {where}"
    remedy = (
        "Start the job again. It gets a token of its own, or asks for one; a token that no board ever "
        "used is of no harm."
    )
