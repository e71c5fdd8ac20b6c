"""Status codes of provisioning 2.0: what each means and what the host does about it.

Source: protocol-v2, section 6; Arduino_NetworkConfigurator ec9ff8e, StatusCodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class StatusCode(IntEnum):
    """Every code that a board can send; 0 is never sent."""

    CONNECTING = 1
    CONNECTED = 2
    RESET_COMPLETED = 4
    SCANNING = 100
    FAILED_TO_CONNECT = -1
    CONNECTION_LOST = -2
    DISCONNECTED = -3
    PARAMS_NOT_FOUND = -4
    INVALID_PARAMS = -5
    OTHER_REQUEST_IN_EXECUTION = -6
    INVALID_REQUEST = -7
    INTERNET_NOT_AVAILABLE = -8
    SCAN_DISABLED_CONNECTING = -100
    HW_ERROR_CONN_MODULE = -101
    HW_CONN_MODULE_STOPPED = -102
    HW_ERROR_SE_BEGIN = -150
    HW_ERROR_SE_CONFIG = -151
    HW_ERROR_SE_LOCK = -152
    ERROR_GENERATING_UHWID = -160
    ERROR_STORAGE_BEGIN = -200
    FAIL_TO_PARTITION_STORAGE = -201
    ERROR = -255


@dataclass(frozen=True, slots=True)
class StatusInfo:
    """One row of the table; sentences fit ``meaning`` and ``remedy`` of an error."""

    code: int
    name: str
    meaning: str
    action: str
    fatal: bool = False
    """The board cannot be provisioned until this is mended."""


_RETRY: Final = "Try again."
_RESTART: Final = "Unplug the board, plug it in again and retry."
_REPAIR: Final = "Unplug the board and retry; if it stays, the board needs repair."
_SETTINGS: Final = "Check the settings and try again, or choose another network."

_ROWS: Final = (
    (StatusCode.CONNECTING, "The board has begun to join the network.", "Wait.", False),
    (StatusCode.CONNECTED, "The board joined the network and reaches the Internet.", "", False),
    (StatusCode.RESET_COMPLETED, "The stored data were wiped.", "", False),
    (StatusCode.SCANNING, "The board looks for networks.", "Wait.", False),
    (
        StatusCode.FAILED_TO_CONNECT,
        "The attempt ended before the board had joined: wrong name or password, no coverage, "
        "or no cable.",
        _SETTINGS,
        False,
    ),
    (StatusCode.CONNECTION_LOST, "The board lost the network again.", _SETTINGS, False),
    (
        StatusCode.DISCONNECTED,
        "The network turned the board away; with a modem the settings are often wrong.",
        _SETTINGS,
        False,
    ),
    (
        StatusCode.PARAMS_NOT_FOUND,
        "Something that this request needs did not reach the board.",
        _RETRY,
        False,
    ),
    (
        StatusCode.INVALID_PARAMS,
        "The board does not take these settings: it may have no adapter for this kind of network.",
        "Choose a kind of network that this board has.",
        False,
    ),
    (
        StatusCode.OTHER_REQUEST_IN_EXECUTION,
        "The board still works on another request.",
        _RESTART,
        False,
    ),
    (
        StatusCode.INVALID_REQUEST,
        "The sketch on the board does not know this request.",
        "Flash the provisioning sketch, then try again.",
        False,
    ),
    (
        StatusCode.INTERNET_NOT_AVAILABLE,
        "The board joined the network but did not reach the time server.",
        "Check the uplink or firewall of the network and try again.",
        False,
    ),
    (
        StatusCode.SCAN_DISABLED_CONNECTING,
        "The board does not scan while it joins a network.",
        "Wait a minute and try again.",
        False,
    ),
    (
        StatusCode.HW_ERROR_CONN_MODULE,
        "The radio or modem of the board reported an error.",
        "Unplug the board for a few seconds, check antenna, SIM or cable, and try again.",
        False,
    ),
    (
        StatusCode.HW_CONN_MODULE_STOPPED,
        "The connection handler of the board has stopped.",
        _RESTART,
        False,
    ),
    (StatusCode.HW_ERROR_SE_BEGIN, "The secure element does not answer.", _REPAIR, True),
    (
        StatusCode.HW_ERROR_SE_CONFIG,
        "The configuration of the secure element cannot be written.",
        _REPAIR,
        True,
    ),
    (StatusCode.HW_ERROR_SE_LOCK, "The secure element cannot be locked.", _REPAIR, True),
    (
        StatusCode.ERROR_GENERATING_UHWID,
        "The board cannot make its unique hardware id.",
        _REPAIR,
        True,
    ),
    (
        StatusCode.ERROR_STORAGE_BEGIN,
        "The board cannot use its storage; its flash memory may lack the right partitions.",
        "Partition the board's flash memory anew (its manufacturer has a sketch for that).",
        True,
    ),
    (
        StatusCode.FAIL_TO_PARTITION_STORAGE,
        "The board cannot partition its storage.",
        _REPAIR,
        True,
    ),
    (
        StatusCode.ERROR,
        "Something inside the board failed: storing, disconnecting, or making a key or token.",
        _RESTART,
        False,
    ),
)

STATUSES: Final[dict[int, StatusInfo]] = {
    code: StatusInfo(code, code.name, meaning, action, fatal)
    for code, meaning, action, fatal in _ROWS
}
"""The table by code."""


def status_info(code: int) -> StatusInfo:
    """The row of ``code``; a code of newer firmware gets a row that says so."""
    known = STATUSES.get(code)
    if known:
        return known
    return StatusInfo(
        code,
        f"status {code}",
        "This version of Mooring does not know this status.",
        "Update Mooring and try again.",
    )
