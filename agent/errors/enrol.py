"""Jobs that make a device in a cloud and put its credentials on a board: where those are now."""

from __future__ import annotations

from agent.errors.base import MooringError
from agent.errors.boards import BoardError
from agent.errors.clouds import CloudError
from agent.errors.networks import NetworkError


class CredentialsKept(MooringError):
    """A job ended after the cloud had answered; ``cause`` says why, ``where`` what the board has."""

    code = "enrol-kept"
    retryable = True
    title = "{name} is in {cloud}, and its credentials are in the vault (entry {entry}). {where}"
    meaning = "{cause}"
    remedy = (
        "Start the job again with the same name: it takes the credentials from the vault and goes "
        "on from there. “mooring vault” lists them; an administrator of {cloud} can delete the device."
    )


class CredentialsUnkept(MooringError):
    """As above, but the vault could not be written: nobody but the board may have them."""

    code = "enrol-unkept"
    retryable = True
    title = "{name} is in {cloud}, and its credentials are not in the vault. {where}"
    meaning = "{cause}"
    remedy = (
        "See in {cloud} whether the board connects; then all is well. Else an administrator of {cloud} "
        "can give the device new credentials or delete it. Then start the job again."
    )


class CredentialsUnsure(MooringError):
    """The cloud's answer was lost, and nobody could find out what became of the request."""

    code = "enrol-unsure"
    retryable = True
    title = "Whether {cloud} has made {name} is not known. {where}"
    meaning = "{cause}"
    remedy = (
        "Start the job again with the same name. If the device is refused then, because it exists "
        "or was provisioned before, only an administrator of {cloud} can free it."
    )


class CredentialsLost(MooringError):
    """The cloud's answer could not be kept, and the board did not get it either."""

    code = "enrol-credentials-lost"
    title = "{name} is in {cloud}, but its credentials were kept nowhere."
    meaning = "{cause}"
    remedy = (
        "An administrator of {cloud} can give the device new credentials, or clear its attribute "
        "provisionState, or delete it. Then start the job again."
    )


class RemovalLeft(MooringError):
    """A device was being removed; ``state`` says where board, device and vault are.

    ``what`` is its name as a command takes it.
    """

    code = "remove-unfinished"
    retryable = True
    title = "{name} is not removed altogether. {state}"
    meaning = "{cause}"
    remedy = (
        "Remove it once more (mooring remove {what} --cloud {cloud}): what is done already is "
        "passed over."
    )


class BoardRefused(CloudError):
    """The board has its settings and says that its cloud does not accept them."""

    code = "enrol-board-refused"
    retryable = True
    title = "{cloud} does not accept the board as {name}, says the board."
    meaning = "{detail}"
    remedy = (
        "See in {cloud} whether the device and its credentials still exist; a board checks the "
        "server's certificate with its own clock, so see that this is right, too."
    )


class BoardOffline(NetworkError):
    """The board has its settings and says that it gets nowhere with its network."""

    code = "enrol-board-offline"
    retryable = True
    title = "The board does not get to {cloud} over {network}."
    meaning = (
        "{detail} Either it cannot join the network, or it does not reach the server from there."
    )
    remedy = (
        "Check name and password of the network. If they are right, see that the network lets the "
        "board out to the server."
    )


class NotConnected(BoardError):
    """The board has its settings, and neither it nor the cloud says that it is connected."""

    code = "enrol-not-connected"
    retryable = True
    title = "Nobody has seen {name} in {cloud} yet."
    meaning = "The board holds its settings, but was not seen to connect. {detail}"
    remedy = (
        "See that it has power, is in reach of its network, and runs a sketch or a program that uses "
        "its settings; then wait a little longer."
    )
