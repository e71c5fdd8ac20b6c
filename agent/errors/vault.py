"""The vault of credentials: a folder that cannot be used, an entry that cannot be read."""

from __future__ import annotations

from agent.errors.base import ExitStatus, MooringError
from agent.errors.boards import BoardError
from agent.errors.clouds import CloudError


class VaultFailed(MooringError):
    """The vault cannot be read or written; ``path`` names its folder, ``detail`` says why."""

    code = "vault"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "The vault of credentials cannot be used: {detail}."
    meaning = (
        "What a cloud gives to a board is kept there before the board gets it, so without the "
        "vault no cloud is asked. Nothing in it was changed."
    )
    remedy = "See that the folder {path} belongs to you and its disk has room, and try again."


class VaultFull(MooringError):
    """As many entries as the vault holds; ``count`` says how many."""

    code = "vault-full"
    exit_status = ExitStatus.NO_ACCESS
    title = "The vault of credentials is full: it holds {count} entries."
    meaning = "Nothing is removed from it unasked, so no cloud is asked for another device."
    remedy = (
        "Keep a copy with “mooring vault export”, and remove entries with “mooring vault forget”."
    )


class VaultUnknown(MooringError):
    """No entry, or more than one; ``entry`` is what was asked for and ``problem`` says which."""

    code = "vault-unknown"
    exit_status = ExitStatus.USAGE
    title = "“{entry}” {problem}."
    meaning = "Nothing was done."
    remedy = "Look at the list that “mooring vault” prints."


class VaultUnreadable(MooringError):
    """An entry whose credentials cannot be had; facts: entry, device, detail, mend."""

    code = "vault-unreadable"
    exit_status = ExitStatus.NO_ACCESS
    title = "Entry {entry} of the vault cannot be read: {detail}."
    meaning = "The credentials of {device} stay where they are; the board itself still has them."
    remedy = "{mend}"


class VaultDamaged(MooringError):
    """A notice; ``count`` entries cannot be read, ``detail`` says why, ``folder`` is where."""

    code = "vault-damaged"
    title = "Credentials in the vault cannot be read ({count}): {detail}."
    meaning = (
        "They stay in {folder} as they are. The boards work as before, and all other entries can "
        "be used."
    )
    remedy = "“mooring vault” shows which ones. {mend}"


class EntryOfOther(BoardError):
    """An entry shall be put on another board than it was given to.

    ``expected_board`` and ``found_board`` are hardware ids, or ids of boards where hardware told none.
    """

    code = "vault-other-board"
    title = "Entry {entry} of the vault is of another board."
    meaning = (
        "{name} is {board_name} ({expected_board}), and this board is {found_board}. Two boards with "
        "the same credentials take the connection away from each other."
    )
    remedy = (
        "Take the board that it belongs to. If that one is gone for good, say that this board is "
        "{name} from now on (--yes)."
    )


class EntryStale(CloudError):
    """The server does not take the credentials of an entry any more."""

    code = "vault-stale"
    title = "{cloud} no longer takes the credentials of entry {entry}."
    meaning = (
        "{name} got others there, or was deleted, so a board with these would not connect. Nothing "
        "was changed on the board."
    )
    remedy = (
        "Look for a newer entry (“mooring vault”), or provision the board anew under the name "
        "{name}: an administrator in the account can give it what the server has now."
    )


class VaultSealed(MooringError):
    """A file that another computer's vault was written to does not open."""

    code = "vault-sealed"
    exit_status = ExitStatus.USAGE
    title = "{file} does not open with this passphrase."
    meaning = "Either the passphrase is another one, or the file was damaged. Nothing was taken in."
    remedy = "Try the passphrase again, or write the file again where it came from."
