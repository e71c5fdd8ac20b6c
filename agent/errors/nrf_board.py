"""nRF91 boards: what answers on their ports, what their modem refuses, how provisioning ends."""

from __future__ import annotations

from agent.errors.base import ExitStatus
from agent.errors.boards import BoardError

__all__ = [
    "NrfClaimedOther",
    "NrfCredentialDiffers",
    "NrfCredentialExists",
    "NrfKeyDamaged",
    "NrfModemOff",
    "NrfNoAttestation",
    "NrfNotClaimed",
    "NrfNotTriggered",
    "NrfProvisioningFailed",
    "NrfProvisioningSilent",
    "NrfRefused",
    "NrfSilent",
    "NrfTokenDamaged",
    "NrfTokenInput",
    "NrfTokenOfOther",
    "NrfTokenStale",
    "NrfUnanswered",
]


class NrfSilent(BoardError):
    """No port of the board answers AT commands; ``why``: what was heard instead."""

    code = "nrf-silent"
    retryable = True
    title = "No modem answered on {port}."
    meaning = "{why}"
    remedy = (
        "Close other programs that use the port, switch the board on, and see that its firmware has "
        "AT commands or their shell (docs/nrf.md)."
    )


class NrfModemOff(BoardError):
    """The firmware runs and its modem does not."""

    code = "nrf-modem-off"
    retryable = True
    title = "The modem of the board is off."
    meaning = "The board answers, but its firmware did not start the modem, or the modem stopped."
    remedy = "Restart the board, and try again when it has started."


class NrfRefused(BoardError):
    """The modem answered with an error; ``number`` is empty if it gave none."""

    code = "nrf-refused"
    title = "The modem refused {command}: {meaning}."
    meaning = "It answered with the error {number}."
    remedy = "{remedy}"


class NrfUnanswered(BoardError):
    """A command without an answer that can be used; what it did is not known."""

    code = "nrf-unanswered"
    retryable = True
    title = "The board did not answer {command}."
    meaning = "Its modem or its port is stuck, or its log is so busy that the answer was lost."
    remedy = "Restart the board and try again."


class NrfTokenDamaged(BoardError):
    """What came is no whole attestation token."""

    code = "nrf-token"
    retryable = True
    title = "The attestation token cannot be used: {problem}."
    meaning = (
        "It has to arrive whole: two parts with a dot between them, some 180 characters. Nothing was "
        "sent to the cloud."
    )
    remedy = (
        "Read it again from the board. If you copied it from a terminal, make its window wider, or "
        "copy all lines between BEGIN and END."
    )


class NrfTokenInput(NrfTokenDamaged):
    """The same of one that a person gave."""

    code = "nrf-token-input"
    exit_status = ExitStatus.USAGE
    retryable = False


class NrfTokenOfOther(BoardError):
    """The token that was pasted is not of the board that is connected."""

    code = "nrf-token-other"
    exit_status = ExitStatus.USAGE
    title = "The attestation token is of another board (device id {device})."
    meaning = (
        "The board that is connected has the device id {board}. Nothing was sent to the cloud."
    )
    remedy = (
        "Leave the token out: it is read from the board. Or claim the other board without this one."
    )


class NrfClaimedOther(BoardError):
    """The cloud's IMEI of a claim is not that of the board, whose firmware gave no token."""

    code = "nrf-claimed-other"
    title = "The attestation token is of another board than the one that is connected."
    meaning = (
        "The board that is claimed has IMEI {imei}; the one that is connected has {found_board}, and "
        "nothing was done to it."
    )
    remedy = (
        "Connect the board that the token is of, or give the token of this one. A claim that was not "
        "meant is given up with mooring remove."
    )


class NrfTokenStale(BoardError):
    """A token that was not made in answer to our question."""

    code = "nrf-token-stale"
    retryable = True
    title = "The board answered with an older attestation token."
    meaning = "The token does not have the number that was asked for, so nobody knows its age."
    remedy = "Restart the board and read the token again."


class NrfNoAttestation(BoardError):
    """The firmware of the board has no way to read a token."""

    code = "nrf-no-attestation"
    exit_status = ExitStatus.USAGE
    title = "The firmware of this board gives no attestation token."
    meaning = "It has a shell, but neither AT commands nor the provisioning library's commands."
    remedy = "Flash a firmware with AT commands, or onboard the board with a certificate instead."


class NrfCredentialExists(BoardError):
    """A place in the store is taken, and nobody allowed to overwrite it."""

    code = "nrf-credential-exists"
    exit_status = ExitStatus.USAGE
    title = "The modem has a credential ({kind}) at the tag {tag} already."
    meaning = "Overwriting it cuts the board off from whatever uses it. Nothing was changed."
    remedy = "Choose another tag, or allow it to be overwritten."


class NrfCredentialDiffers(BoardError):
    """After writing, the store holds something else."""

    code = "nrf-credential-differs"
    retryable = True
    title = "The modem does not hold what was written to the tag {tag} ({kind})."
    meaning = "{why}"
    remedy = "Write it again; a shell with a short line buffer needs a firmware with a longer one."


class NrfKeyDamaged(BoardError):
    """The answer about a key that the modem made cannot be used; the key may be there."""

    code = "nrf-key"
    retryable = True
    title = "What the modem says of its new key cannot be used: {problem}."
    meaning = "It may have made a key at the tag {tag} all the same."
    remedy = "Delete that key and make it again."


class NrfNotTriggered(BoardError):
    """The firmware has no command that starts provisioning."""

    code = "nrf-not-triggered"
    exit_status = ExitStatus.USAGE
    title = "Provisioning cannot be started over the cable."
    meaning = "{why}"
    remedy = (
        "Restart the board, hold its button 1 for three seconds, or start it from the cloud if the "
        "board is online."
    )


class NrfNotClaimed(BoardError):
    """The service does not know the board."""

    code = "nrf-not-claimed"
    title = "The board is not claimed."
    meaning = (
        "The provisioning service refused it: nobody has claimed it, or its claim was removed."
    )
    remedy = "Claim it with its attestation token, then start provisioning again."


class NrfProvisioningFailed(BoardError):
    """The board says that provisioning failed."""

    code = "nrf-provisioning"
    retryable = True
    title = "The board could not be provisioned: {why}."
    meaning = "It says so in its log. What it had before may be partly replaced."
    remedy = "{remedy}"


class NrfProvisioningSilent(BoardError):
    """Nothing final came in the log."""

    code = "nrf-provisioning-silent"
    retryable = True
    title = "The board did not finish within {seconds} s; the last it said: {last}."
    meaning = "It goes on by itself as soon as it has a network."
    remedy = "See that the SIM card is in and active and that the antenna is on, then try again."
