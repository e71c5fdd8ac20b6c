"""The Bluetooth radio of this computer: who advertises, and whether it can be used at all.

One radio per agent, and the only place that scans: systems refuse or confuse two scans of one
program. It scans only while somebody listens; without a listener it holds nothing and costs
nothing. bleak is imported with the first scan.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.errors import BluetoothFailed
from agent.links.ble_failures import library_errors, radio_error, shown
from agent.links.ble_held import END_LIMIT_S, HeldLinks
from agent.links.ble_library import load, within

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from bleak import BleakClient, BleakScanner
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

    from agent.errors import BluetoothError

    Listener = Callable[["Advert"], None]
    """Called in the event loop with each advertisement; must not wait."""
    StateListener = Callable[[BluetoothError | None], None]

START_LIMIT_S: Final = 10.0
"""A system starts a scan within milliseconds. macOS asks the person first and waits for the answer;
the scan is then started again until there is one."""
STOP_LIMIT_S: Final = 10.0
"""BlueZ answers at once unless the radio hangs."""
RETRY_S: Final = 2.0
"""Between two attempts to scan while Bluetooth is off: a person who has switched it on sees boards
this much later at most. An attempt is some five messages to the Bluetooth service."""
QUIET_S: Final = 10.0
"""A scan that has heard nobody for so long is started anew. Systems end a scan without a word when
the radio loses power or its service restarts; BlueZ before 5.88 may also only believe that it scans
(bleak issue 2021). The kernel ends its part of a scan after about 10 s in any case."""
DEVICES_LIMIT: Final = 512
"""Devices remembered for connecting; the one not heard for longest is forgotten."""
NO_RSSI_DBM: Final = -127
"""bleak's value where the system gave none: not an advertisement, but some other news of a device."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Advert:
    """What one device told everybody just now."""

    address: str
    """What is connected to: ``A1:B2:C3:D4:E5:F6``; on macOS a UUID that only this computer knows."""
    name: str
    """As it was sent, not cleaned; empty if it is not known (yet)."""
    services: frozenset[str]
    manufacturer_data: Mapping[int, bytes]
    """Company id to data."""
    rssi_dbm: int
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    """UUID in lower case to data."""


class BleRadio:
    """To be used in one event loop. ``services``: UUIDs of the services that are looked for."""

    def __init__(
        self,
        services: Sequence[str],
        *,
        retry_s: float = RETRY_S,
        quiet_s: float = QUIET_S,
        start_limit_s: float = START_LIMIT_S,
        devices_limit: int = DEVICES_LIMIT,
    ) -> None:
        self._retry_s = retry_s
        self._quiet_s = quiet_s
        self._start_limit_s = start_limit_s
        self._devices_limit = devices_limit
        self._services = [uuid.lower() for uuid in services]
        self._listeners: dict[object, Listener] = {}
        self._state_listeners: dict[object, StateListener] = {}
        self._devices: dict[str, BLEDevice] = {}
        self._held = HeldLinks()
        self._quieted = 0
        self._asking: set[asyncio.Future[BluetoothError | None]] = set()
        self._finding: dict[asyncio.Timeout, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._silent = asyncio.Event()
        self._silent.set()
        self._last_heard = -math.inf
        self._problem: BluetoothError | None = None
        self._closed = False

    @property
    def problem(self) -> BluetoothError | None:
        """Why there is no scan although somebody listens; None: it scans, or nobody asked yet."""
        return self._problem

    @property
    def scanning(self) -> bool:
        """Somebody listens, so that this computer scans or tries to."""
        return self._task is not None

    @property
    def connected(self) -> frozenset[str]:
        """Addresses to which we have a link; such boards do not advertise."""
        return self._held.addresses

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with each advertisement; the result ends that. Scans from now on."""
        key = object()
        self._listeners[key] = listener
        self._changed.set()
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._scan(), name="Bluetooth scan")
            self._task.add_done_callback(_report_defect)

        def stop() -> None:
            self._listeners.pop(key, None)
            self._changed.set()

        return stop

    def on_problem(self, listener: StateListener) -> Callable[[], None]:
        """Call ``listener`` when Bluetooth becomes unusable (why) or usable (None)."""
        key = object()
        self._state_listeners[key] = listener

        def stop() -> None:
            self._state_listeners.pop(key, None)

        return stop

    async def wait_idle(self) -> None:
        """Return when no scan runs any more; to be called after the last listener left."""
        task = self._task
        if task is not None:
            await asyncio.wait({task})

    async def close(self) -> None:
        """Stop for good, whoever listens, and see all links end. May be called more than once."""
        self._closed = True
        self._listeners.clear()
        self._devices.clear()
        self._set_limits()
        self._changed.set()
        await self.wait_idle()
        await self._held.wait_ended()

    async def find(self, address: str, limit_s: float, *, fresh: bool = False) -> BLEDevice | None:
        """The device of this address, once it was heard; None if it was not within ``limit_s``.

        ``fresh``: what was heard before does not count. Raises :class:`BluetoothError` if the
        radio cannot be used.
        """
        wanted = address.upper()
        if fresh:
            self._devices.pop(wanted, None)
        elif wanted in self._devices:
            return self._devices[wanted]
        news: asyncio.Future[BluetoothError | None] = asyncio.get_running_loop().create_future()

        def heard(advert: Advert) -> None:
            if advert.address.upper() == wanted and not news.done():
                news.set_result(None)

        # Not the problem that there is now: a scan is tried at once, and may succeed meanwhile.
        self._asking.add(news)
        with contextlib.ExitStack() as stack:
            stack.callback(self._asking.discard, news)
            stack.callback(self.listen(heard))
            problem = await self._first_of(news, limit_s)
        if problem is not None:
            raise problem
        return self._devices.get(wanted)

    async def _first_of(
        self, news: asyncio.Future[BluetoothError | None], limit_s: float
    ) -> BluetoothError | None:
        """The news, or None after ``limit_s`` in which boards could be heard."""
        try:
            async with asyncio.timeout(None) as limit:
                self._finding[limit] = limit_s
                self._set_limit(limit)
                try:
                    return await news
                finally:
                    del self._finding[limit]
        except TimeoutError:
            return None

    @asynccontextmanager
    async def quiet(self) -> AsyncIterator[None]:
        """No scan meanwhile: some radios cannot connect beside one."""
        self._quieted += 1
        self._changed.set()
        self._set_limits()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_LIMIT_S):
                    await self._silent.wait()
            yield
        finally:
            self._quieted -= 1
            self._changed.set()
            self._set_limits()

    def _set_limits(self) -> None:
        for limit in self._finding:
            self._set_limit(limit)

    def _set_limit(self, limit: asyncio.Timeout) -> None:
        """Who looks for a device has no limit while it is quiet, and the whole one afterwards."""
        if limit.expired():
            return
        left_s = None if self._quieted else self._finding[limit]
        left_s = 0.0 if self._closed else left_s
        now = asyncio.get_running_loop().time()
        limit.reschedule(None if left_s is None else now + left_s)

    def hold(self, address: str, on_end: Callable[[], None]) -> Callable[[], None]:
        """See :meth:`HeldLinks.hold`."""
        return self._held.hold(address, on_end)

    def take_ended(self, address: str) -> float | None:
        """See :meth:`HeldLinks.take_ended`."""
        return self._held.take_ended(address)

    def end(self, client: BleakClient, limit_s: float = END_LIMIT_S) -> asyncio.Task[None]:
        """See :meth:`HeldLinks.end`."""
        return self._held.end(client, limit_s)

    async def give_up(self, client: BleakClient, beginning: asyncio.Task[None]) -> None:
        """See :meth:`HeldLinks.give_up`."""
        await self._held.give_up(client, beginning)

    async def wait_ended(self, address: str) -> None:
        """See :meth:`HeldLinks.wait_ended`."""
        await self._held.wait_ended(address)

    # --- the scan ------------------------------------------------------------------------------

    async def _scan(self) -> None:
        """Scan as long as anybody listens, through everything that may happen to Bluetooth."""
        try:
            while self._listeners:
                if self._quieted:
                    await self._pause(math.inf)
                    continue
                problem = await self._one_scan()
                if problem is not None:
                    self._set_problem(problem)
                    self._answer(problem)
                    await self._pause(self._retry_s)
        finally:
            self._task = None
            self._set_problem(None)

    async def _one_scan(self) -> BluetoothError | None:
        """One scan from start to end; why it did not start."""
        load()
        from bleak import BleakScanner

        self._silent.clear()
        try:
            try:
                # Else BlueZ reports a device again only when it changed, and a board that stands
                # still would seem to be gone.
                scanner = BleakScanner(
                    self._heard, self._services, bluez={"filters": {"DuplicateData": True}}
                )
                await within(self._start_limit_s, scanner.start())
            except library_errors() as error:
                _log.info("no Bluetooth scan: %s", shown(error))
                return radio_error(error) or BluetoothFailed(detail=shown(error))
            self._set_problem(None)
            try:
                await self._listen_until_quiet()
            finally:
                await _stop(scanner)
        finally:
            self._silent.set()
        return None

    async def _listen_until_quiet(self) -> None:
        clock = asyncio.get_running_loop().time
        self._last_heard = clock()
        while self._listeners and not self._quieted:
            left_s = self._last_heard + self._quiet_s - clock()
            if left_s <= 0:
                return
            await self._pause(left_s)

    def _heard(self, device: BLEDevice, data: AdvertisementData) -> None:
        """bleak: an advertisement, or other news of a device."""
        if data.rssi == NO_RSSI_DBM:
            return
        self._last_heard = asyncio.get_running_loop().time()
        key = device.address.upper()
        self._devices.pop(key, None)
        self._devices[key] = device
        if len(self._devices) > self._devices_limit:
            del self._devices[next(iter(self._devices))]
        advert = Advert(
            address=device.address,
            name=data.local_name or device.name or "",
            services=frozenset(uuid.lower() for uuid in data.service_uuids),
            manufacturer_data=data.manufacturer_data,
            rssi_dbm=data.rssi,
            service_data={uuid.lower(): value for uuid, value in data.service_data.items()},
        )
        for listener in list(self._listeners.values()):
            listener(advert)

    async def _pause(self, limit_s: float) -> None:
        """Until somebody came, left or wants quiet, or ``limit_s`` passed."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s if limit_s < math.inf else None):
                await self._changed.wait()

    def _answer(self, problem: BluetoothError) -> None:
        for news in self._asking:
            if not news.done():
                news.set_result(problem)

    def _set_problem(self, problem: BluetoothError | None) -> None:
        before, self._problem = self._problem, problem
        if (before and before.code) != (problem and problem.code):
            for listener in list(self._state_listeners.values()):
                listener(problem)


async def _stop(scanner: BleakScanner) -> None:
    try:
        await within(STOP_LIMIT_S, scanner.stop())
    except library_errors() as error:
        _log.debug("the Bluetooth scan did not stop properly: %s", shown(error))


def _report_defect(task: asyncio.Task[None]) -> None:
    """A defect of ours would else end the scan in silence."""
    if not task.cancelled() and (error := task.exception()):
        _log.error("Bluetooth is no longer scanned", exc_info=error)
