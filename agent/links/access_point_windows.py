"""Windows: the calls of ``wlanapi.dll``. What they are for is in the module of the decisions.

Source: Microsoft Learn, wlanapi.h and iphlpapi.h.
"""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("this Wi-Fi exists on Windows only")

import asyncio
import contextlib
import ctypes
from ctypes import wintypes
from typing import TYPE_CHECKING, Any, Final

from agent.errors import WifiAbsent
from agent.links.access_point_wifi import NO_ADAPTER
from agent.links.access_point_wlan import WlanError, WlanWifi
from agent.links.access_point_wlan_records import (
    INFRASTRUCTURE,
    AvailableNetwork,
    ConnectionNews,
    Guid,
    Interface,
    Notification,
    Parameters,
    read_connection,
    read_networks,
    read_radio,
)

if TYPE_CHECKING:
    from agent.links.access_point_wlan import Connected, Heard

_CLIENT_VERSION: Final = 2
_RADIO_STATE: Final = 4
_CURRENT_CONNECTION: Final = 7
"""``wlan_intf_opcode_radio_state`` and ``_current_connection``."""
_WITH_PROFILE: Final = 0
_WITH_TEMPORARY_PROFILE: Final = 1
_FROM_ACM: Final = 0x8
_SCAN_COMPLETE: Final = 7
_SCAN_FAIL: Final = 8
_CONNECTION_START: Final = 9
_CONNECTION_COMPLETE: Final = 10
_CONNECTION_ATTEMPT_FAIL: Final = 11
_INVALID_STATE: Final = 5023
"""``ERROR_INVALID_STATE``: asked for the connection of an adapter that has none."""
_ADDRESS: Final = 0x01010101
"""1.1.1.1, for the question which way packets for the Internet would go; none is sent."""
_REASON_CHARS: Final = 256

_Callback = ctypes.WINFUNCTYPE(None, ctypes.POINTER(Notification), ctypes.c_void_p)


class WlanDll:
    """A :class:`WlanApi`; raises :class:`WifiAbsent` where Windows has no Wi-Fi at all."""

    def __init__(self) -> None:
        try:
            self._wlan = ctypes.WinDLL("wlanapi")
            self._ip = ctypes.WinDLL("iphlpapi")
        except OSError as error:
            raise WifiAbsent(detail=NO_ADAPTER) from error
        self._wlan.WlanFreeMemory.restype = None
        self._handle = wintypes.HANDLE()
        self._news = asyncio.Event()
        self._reasons: dict[str, int] = {}
        self._scans: dict[str, int] = {}
        version = wintypes.DWORD()
        _check(
            self._wlan.WlanOpenHandle(
                _CLIENT_VERSION, None, ctypes.byref(version), ctypes.byref(self._handle)
            )
        )
        self._callback = self._listener()
        _check(
            self._wlan.WlanRegisterNotification(
                self._handle, _FROM_ACM, True, self._callback, None, None, None
            )
        )

    def adapters(self) -> dict[str, bool]:
        """See the protocol."""
        found = ctypes.c_void_p()
        _check(self._wlan.WlanEnumInterfaces(self._handle, None, ctypes.byref(found)))
        with self._freed(found):
            count = int.from_bytes(ctypes.string_at(found, 4), "little")
            data = ctypes.string_at(found, 8 + count * ctypes.sizeof(Interface))
        size = ctypes.sizeof(Interface)
        guids = [
            str(Interface.from_buffer_copy(data, 8 + index * size).guid) for index in range(count)
        ]
        return {guid: read_radio(self._query(guid, _RADIO_STATE)) for guid in guids}

    def connected(self, adapter: str) -> Connected | None:
        """See the protocol."""
        try:
            return read_connection(self._query(adapter, _CURRENT_CONNECTION))
        except WlanError as error:
            if error.code == _INVALID_STATE:
                return None
            raise

    def heard(self, adapter: str) -> list[Heard]:
        """See the protocol."""
        found = ctypes.c_void_p()
        guid = Guid.parse(adapter)
        _check(
            self._wlan.WlanGetAvailableNetworkList(
                self._handle, ctypes.byref(guid), 0, None, ctypes.byref(found)
            )
        )
        with self._freed(found):
            count = int.from_bytes(ctypes.string_at(found, 4), "little")
            return read_networks(
                ctypes.string_at(found, 8 + count * ctypes.sizeof(AvailableNetwork))
            )

    def scan(self, adapter: str) -> None:
        """See the protocol."""
        guid = Guid.parse(adapter)
        _check(self._wlan.WlanScan(self._handle, ctypes.byref(guid), None, None, None))

    def join(self, adapter: str, profile_xml: str) -> None:
        """See the protocol."""
        self._connect(adapter, _WITH_TEMPORARY_PROFILE, profile_xml)

    def return_to(self, adapter: str, profile: str) -> None:
        """See the protocol."""
        self._connect(adapter, _WITH_PROFILE, profile)

    def leave(self, adapter: str) -> None:
        """See the protocol."""
        guid = Guid.parse(adapter)
        _check(self._wlan.WlanDisconnect(self._handle, ctypes.byref(guid), None))

    def internet(self) -> str | None:
        """See the protocol."""
        index, luid, guid = wintypes.DWORD(), ctypes.c_uint64(), Guid()
        if self._ip.GetBestInterface(_ADDRESS, ctypes.byref(index)):
            return None
        if self._ip.ConvertInterfaceIndexToLuid(index, ctypes.byref(luid)):
            return None
        if self._ip.ConvertInterfaceLuidToGuid(ctypes.byref(luid), ctypes.byref(guid)):
            return None
        return str(guid)

    def reason(self, adapter: str) -> tuple[int, str]:
        """See the protocol."""
        code = self._reasons.get(adapter, 0)
        words = ctypes.create_unicode_buffer(_REASON_CHARS)
        if code and self._wlan.WlanReasonCodeToString(code, _REASON_CHARS, words, None):
            return code, f"reason {code:#x}"
        return code, words.value

    def scanned(self, adapter: str) -> int:
        """See the protocol."""
        return self._scans.get(adapter, 0)

    async def news(self) -> None:
        """See the protocol."""
        await self._news.wait()
        self._news.clear()

    def close(self) -> None:
        """See the protocol."""
        handle, self._handle = self._handle, wintypes.HANDLE()
        if handle.value:
            self._wlan.WlanCloseHandle(handle, None)  # ends the notifications as well

    def _connect(self, adapter: str, mode: int, profile: str) -> None:
        self._reasons.pop(adapter, None)
        guid = Guid.parse(adapter)
        parameters = Parameters(mode=mode, profile=profile, kind=INFRASTRUCTURE)
        _check(
            self._wlan.WlanConnect(self._handle, ctypes.byref(guid), ctypes.byref(parameters), None)
        )

    def _query(self, adapter: str, opcode: int) -> bytes:
        size, found, guid = wintypes.DWORD(), ctypes.c_void_p(), Guid.parse(adapter)
        _check(
            self._wlan.WlanQueryInterface(
                self._handle,
                ctypes.byref(guid),
                opcode,
                None,
                ctypes.byref(size),
                ctypes.byref(found),
                None,
            )
        )
        with self._freed(found):
            return ctypes.string_at(found, size.value)

    def _freed(self, found: ctypes.c_void_p) -> contextlib.ExitStack:
        stack = contextlib.ExitStack()
        stack.callback(self._wlan.WlanFreeMemory, found)
        return stack

    def _listener(self) -> object:
        loop = asyncio.get_running_loop()

        def called(pointer: Any, _: object) -> None:  # noqa: ANN401  (a pointer of ctypes)
            told = pointer.contents
            reason = 0
            if told.code in {_CONNECTION_COMPLETE, _CONNECTION_ATTEMPT_FAIL} and told.data:
                reason = ConnectionNews.from_address(told.data).reason
            # The loop may be closed while the system still calls.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._heard, str(told.guid), told.code, reason)

        return _Callback(called)

    def _heard(self, adapter: str, code: int, reason: int) -> None:
        if code in {_SCAN_COMPLETE, _SCAN_FAIL}:
            self._scans[adapter] = self._scans.get(adapter, 0) + 1
        elif code == _CONNECTION_START:
            self._reasons.pop(adapter, None)
        elif reason:
            self._reasons[adapter] = reason
        self._news.set()


class WindowsWifi(WlanWifi):
    """A :class:`WifiSystem`."""

    def __init__(self) -> None:
        super().__init__(WlanDll)


def _check(code: int) -> None:
    if code:
        raise WlanError(code & 0xFFFFFFFF)
