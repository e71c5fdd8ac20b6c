"""Joining a network: what failed, and whether other settings may help."""

from __future__ import annotations

from agent.errors.base import MooringError


class NetworkError(MooringError):
    """Joining the network failed; other settings may help."""

    code = "network"
    retryable = True


class JoinFailed(NetworkError):
    """Status -1 or -3: wrong name or password, no coverage, no cable."""

    code = "network-join"
    title = "The board could not join {network}."
    meaning = "{why}"
    remedy = "{action}"


class NetworkNotFound(NetworkError):
    """The chosen network is not in the board's own scan."""

    code = "network-not-found"
    title = "The board does not see {network}."
    meaning = "{why}"
    remedy = "Move the board closer, check the name, or choose one of the networks that it sees."


class NoInternet(NetworkError):
    """Status -8: joined, but no way to the Internet."""

    code = "network-no-internet"
    title = "The board joined {network} but cannot reach the Internet."
    meaning = (
        "The password is right, but the network has no uplink or a firewall blocks the time server."
    )
    remedy = "Check the uplink or firewall of the network and try again, or choose another network."


class NetworkModuleFailed(NetworkError):
    """Status -101 or -102: the radio or modem of the board."""

    code = "network-module"
    title = "The network module of the board reported an error."
    meaning = "{why}"
    remedy = "Unplug the board for a few seconds, check antenna, SIM or cable, and try again."
