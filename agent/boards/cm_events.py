"""Windows: the configuration manager tells when COM ports appear and vanish.

``CM_Register_Notification`` needs no window. It calls back on a thread of the system, so the
callback only hands over to the event loop.
Source: Microsoft Learn, CM_Register_Notification, CM_NOTIFY_FILTER, GUID_DEVINTERFACE_COMPORT.
"""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("COM port events exist on Windows only")

import asyncio
import contextlib
import ctypes
from ctypes import wintypes
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_FILTER_DEVICE_INTERFACE: Final = 0
_DEVICE_ID_CHARS: Final = 200

_Callback = ctypes.WINFUNCTYPE(
    wintypes.DWORD,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_int,
    ctypes.c_void_p,
    wintypes.DWORD,
)


class _Guid(ctypes.Structure):
    _fields_ = (
        ("data1", wintypes.DWORD),
        ("data2", wintypes.WORD),
        ("data3", wintypes.WORD),
        ("data4", ctypes.c_ubyte * 8),
    )


class _Subject(ctypes.Union):
    _fields_ = (("class_guid", _Guid), ("instance_id", wintypes.WCHAR * _DEVICE_ID_CHARS))


class _Filter(ctypes.Structure):
    _fields_ = (
        ("size", wintypes.DWORD),
        ("flags", wintypes.DWORD),
        ("filter_type", ctypes.c_int),
        ("reserved", wintypes.DWORD),
        ("subject", _Subject),
    )


def _com_ports() -> _Guid:
    """GUID_DEVINTERFACE_COMPORT, 86E0D1E0-8089-11D0-9CE4-08003E301F73."""
    tail = (ctypes.c_ubyte * 8)(0x9C, 0xE4, 0x08, 0x00, 0x3E, 0x30, 0x1F, 0x73)
    return _Guid(0x86E0D1E0, 0x8089, 0x11D0, tail)


class ComPortListener:
    """Calls ``wake`` in the event loop whenever a COM port came or went."""

    def __init__(self) -> None:
        self._handle = ctypes.c_void_p()
        self._callback: object = None
        self._library = ctypes.WinDLL("cfgmgr32")

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to listen; :class:`OSError` if the system refuses."""
        loop = asyncio.get_running_loop()

        def called(*_facts: object) -> int:
            # The loop may be closed while the system still calls.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(wake)
            return 0

        wanted = _Filter()
        wanted.size = ctypes.sizeof(_Filter)
        wanted.filter_type = _FILTER_DEVICE_INTERFACE
        wanted.subject.class_guid = _com_ports()
        callback = _Callback(called)
        result = self._library.CM_Register_Notification(
            ctypes.byref(wanted), None, callback, ctypes.byref(self._handle)
        )
        if result != 0:
            raise OSError(f"CM_Register_Notification failed ({result})")
        self._callback = callback

    def close(self) -> None:
        """Stop listening; may be called more than once. Waits for a callback under way."""
        if self._handle.value is not None:
            self._library.CM_Unregister_Notification(self._handle)
            self._handle = ctypes.c_void_p()
            self._callback = None
