"""Why a board did not come online: its own codes and reasons, in words and with what to do.

Sources: Settings.h of Edgent_ESP32 (generation 1: 700 to 704), BlynkInject.h and BlynkInjectBLE.cpp of
the Edgent library (generation 2), ``blynk-provisioning`` 1.3.0 (the reasons alone).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Ask: TypeAlias = Literal["", "password", "network", "address", "cable", "sim", "pin", "token"]
"""What other settings may help; empty: the same may simply be tried again."""
Part: TypeAlias = Literal["settings", "network", "cloud"]


@dataclass(frozen=True, slots=True)
class Failure:
    """One reason."""

    code: int
    """``last_error`` of the access point; 0 is no failure."""
    word: str
    """``reason`` over Bluetooth LE; empty if it has none there."""
    part: Part
    title: str
    meaning: str
    remedy: str
    ask: Ask = ""


FAILURES: Final = (
    Failure(
        700,
        "",
        "settings",
        "The board could not use its settings.",
        "They were incomplete, or it could not store them.",
        "Check the settings, above all a fixed address, and send them again.",
        "address",
    ),
    Failure(
        701,
        "timeout",
        "network",
        "The board could not join the network in time.",
        "It does not say why: the password may be wrong, the network too far away, or on 5 GHz only.",
        "Check the password, move the board closer to the router, and choose a 2.4 GHz network.",
        "password",
    ),
    Failure(
        702,
        "timeout",
        "cloud",
        "The board joined the network but did not reach Blynk in time.",
        "The network has no way to the Internet, or a firewall keeps port 443 closed.",
        "Check that the network leads to the Internet, or choose another network.",
        "network",
    ),
    Failure(
        703,
        "auth_failed",
        "cloud",
        "Blynk refused the token of the board.",
        "The device was deleted, the token belongs to another server, or it was replaced by a new one.",
        "Get a new token for the device, and send the settings again.",
        "token",
    ),
    Failure(
        704,
        "generic",
        "network",
        "The network part of the board failed.",
        "Its radio, modem or socket did not do what it was told, or it ran out of memory.",
        "Restart the board and try again.",
    ),
    Failure(
        705,
        "generic",
        "cloud",
        "The connection to Blynk failed.",
        "The board and the server did not understand each other, or the board ran out of memory.",
        "Restart the board and try again; if it stays, update its firmware.",
    ),
    Failure(
        710,
        "dns_failed",
        "cloud",
        "The board could not find the address of Blynk's server.",
        "The name server of the network does not answer, or the name of the server is wrong.",
        "Check the server's name and the network's DNS; with a fixed address check its DNS server too.",
        "address",
    ),
    Failure(
        711,
        "invalid_certificate",
        "cloud",
        "The board did not trust the certificate of the server.",
        "Something in the network looks into encrypted connections, or it is another server.",
        "Check the server's name; ask who runs the network to let the board through unchanged.",
        "network",
    ),
    Failure(
        712,
        "captive_portal",
        "cloud",
        "The network wants a login on a web page.",
        "A board cannot fill in such a page, so it does not get to the Internet.",
        "Choose another network, or ask who runs this one to let the board through.",
        "network",
    ),
    Failure(
        720,
        "not_found",
        "network",
        "The board does not see the network.",
        "It is out of its reach, on 5 GHz only, or its name was typed differently.",
        "Move the board closer, or choose one of the networks that it sees.",
        "network",
    ),
    Failure(
        721,
        "no_cable",
        "network",
        "No network cable is connected to the board.",
        "Its Ethernet port sees no other end.",
        "Plug in the cable, check the other end, and try again.",
        "cable",
    ),
    Failure(
        722,
        "invalid_credentials",
        "network",
        "The network refused the board.",
        "The password is wrong, or the network lets in known devices only.",
        "Enter the password again.",
        "password",
    ),
    Failure(
        723,
        "no_ip_assigned",
        "network",
        "The network gave the board no address.",
        "The password is right, but DHCP did not answer.",
        "Restart the router, or give the board a fixed address.",
        "address",
    ),
    Failure(
        730,
        "sim_missing",
        "network",
        "The board has no SIM card.",
        "Its modem finds no card, or cannot read it.",
        "Insert the SIM card, and try again.",
        "sim",
    ),
    Failure(
        731,
        "sim_locked",
        "network",
        "The SIM card wants a PIN.",
        "The board was given none.",
        "Enter the PIN, or switch it off with a phone.",
        "pin",
    ),
    Failure(
        732,
        "sim_wrong_pin",
        "network",
        "The PIN of the SIM card is wrong.",
        "After three wrong ones the card locks itself.",
        "Check the PIN before you enter it again.",
        "pin",
    ),
)
BY_CODE: Final = {failure.code: failure for failure in FAILURES}
_BY_WORD: Final = {(f.part, f.word): f for f in FAILURES if f.word}
_PARTS: Final[dict[str, Part]] = {"net_fail": "network", "cloud_fail": "cloud"}
_UNKNOWN: Final[dict[Part, int]] = {"settings": 700, "network": 704, "cloud": 705}


def from_code(code: int) -> Failure | None:
    """What ``last_error`` says; None for 0: nothing was tried, or all went well."""
    if code == 0:
        return None
    known = BY_CODE.get(code)
    if known is not None:
        return known
    return Failure(
        code,
        "",
        "settings",
        f"The board reported error {code}.",
        "This number is not known to this version.",
        "Restart the board and try again.",
    )


def from_message(kind: str, reason: str) -> Failure:
    """What ``net_fail``, ``cloud_fail`` or ``connect_fail`` says; unknown reasons are the general ones."""
    part = _PARTS.get(kind, "settings")
    return _BY_WORD.get((part, reason)) or BY_CODE[_UNKNOWN[part]]
