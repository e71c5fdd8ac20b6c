"""Tools of a vendor that uploads run: where they come from, and what a page may ask of them."""

from __future__ import annotations

from agent.errors.base import ExitStatus, MooringError
from agent.errors.flashing import FlashError

__all__ = [
    "ToolIndexRefused",
    "ToolNotForSystem",
    "ToolRefused",
    "ToolStoreFailed",
    "ToolUnknown",
    "UploadRefused",
    "UploadUnsigned",
]


class ToolUnknown(FlashError):
    """Neither the vendor's list nor the store has this tool."""

    code = "tool-unknown"
    exit_status = ExitStatus.USAGE
    title = "There is no tool {wanted}."
    meaning = "{detail} Nothing was downloaded or changed."
    remedy = "Check packager, name and version of the tool against the vendor's list."


class ToolNotForSystem(FlashError):
    """The vendor has the tool, but not for this kind of computer."""

    code = "tool-system"
    title = "The tool {wanted} is not made for this computer ({system})."
    meaning = "Either this system does not need it, or its vendor does not support this system."
    remedy = "If an upload fails without it, use a computer of another kind."


class ToolRefused(FlashError):
    """The archive of a tool is not what was published, or would do harm; nothing of it is used."""

    code = "tool-archive"
    retryable = True
    title = "The tool {wanted} cannot be used: {problem}."
    meaning = "Nothing of it was installed. What was installed before is still there."
    remedy = "Try again; if it stays, the source itself or something on the way is broken."


class ToolIndexRefused(FlashError):
    """The vendor's list of tools cannot be trusted; the last good one stays."""

    code = "tool-index"
    retryable = True
    title = "The list of tools from {source} cannot be trusted: {problem}."
    meaning = "It was not used. Tools that are installed already can be used as before."
    remedy = "Try again on another network; if it stays, the source itself is broken."


class ToolStoreFailed(FlashError):
    """The store of tools cannot be read or written; ``path`` names it."""

    code = "tool-store"
    retryable = True
    title = "The store of tools {path} cannot be used: {detail}."
    meaning = "Tools cannot be installed, removed or found on this computer."
    remedy = "Check that the disk has room and that the folder belongs to you, and try again."


class UploadRefused(MooringError):
    """What a page asks to be uploaded cannot or must not be done."""

    code = "upload-refused"
    exit_status = ExitStatus.USAGE
    title = "{problem}"
    meaning = "Nothing was written and no program was started."
    remedy = "This is a matter between the page and its service; tell those who made the page."


class UploadUnsigned(UploadRefused):
    """A command line or an address is not signed by the key that is configured."""

    code = "upload-signature"
    title = "The signature is invalid."
    meaning = "{detail} Whoever sends it may not run programs on this computer."
    remedy = "Use the vendor's own page, or set the key of the service that you trust."
