"""What the operating system's error numbers mean for a serial port."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.errors import NoPermission, PortBusy, PortFailed, PortGone
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.errors import PortError

_ERRNO: Final[dict[int, type[PortError]]] = {
    errno.EACCES: NoPermission,
    errno.EPERM: NoPermission,
    errno.EBUSY: PortBusy,
    errno.EAGAIN: PortBusy,
    errno.ENOENT: PortGone,
    errno.ENODEV: PortGone,
    errno.ENXIO: PortGone,
    errno.EIO: PortGone,
    errno.EPIPE: PortGone,
    errno.ECONNREFUSED: PortGone,
    errno.ECONNRESET: PortGone,
}

_WINERROR: Final[dict[int, type[PortError]]] = {
    2: PortGone,  # ERROR_FILE_NOT_FOUND
    3: PortGone,  # ERROR_PATH_NOT_FOUND
    # ERROR_ACCESS_DENIED: a COM port belongs to everybody, so a refusal means that it is open.
    5: PortBusy,
    22: PortGone,  # ERROR_BAD_COMMAND: the driver lost its device
    31: PortGone,  # ERROR_GEN_FAILURE: likewise
    32: PortBusy,  # ERROR_SHARING_VIOLATION
    55: PortGone,  # ERROR_DEV_NOT_EXIST
    170: PortBusy,  # ERROR_BUSY
    433: PortGone,  # ERROR_NO_SUCH_DEVICE
    995: PortGone,  # ERROR_OPERATION_ABORTED: the read was torn off
    1167: PortGone,  # ERROR_DEVICE_NOT_CONNECTED
}
"""Source: Microsoft Learn, System Error Codes (0-499, 500-999, 1000-1299)."""

UNKNOWN_HOLDER: Final = "another program"


def port_error(error: OSError, address: str, holder: str | None = None) -> PortError:
    """The error that people see for ``error`` of the port ``address``; to be raised ``from`` it."""
    code = getattr(error, "winerror", None)
    kind = _WINERROR.get(code) if isinstance(code, int) else _ERRNO.get(error.errno or 0)
    if kind is PortBusy:
        return PortBusy(port=address, holder=holder or UNKNOWN_HOLDER)
    if kind is NoPermission:
        return NoPermission(port=address, group=owning_group(address))
    if kind is PortGone:
        return PortGone(port=address)
    detail = clean_text(error.strerror or type(error).__name__)
    return PortFailed(port=address, detail=detail, errno=error.errno)


def owning_group(address: str) -> str:
    """Name of the group that owns the device, else its number; empty if it cannot be known."""
    if sys.platform == "win32":
        return ""
    import grp

    try:
        gid = Path(address).stat().st_gid
    except OSError:
        return ""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
