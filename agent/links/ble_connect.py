"""Getting a link to a board over Bluetooth LE: one attempt, and the ladder of attempts.

What goes wrong differs by system, and so does what helps: see :func:`ble_failures.trouble`, which
names the sources. Here stands only what is done about it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.errors import BleServiceMissing, BleUnreachable
from agent.links.ble_failures import Trouble, library_errors, radio_error, shown, trouble
from agent.links.ble_held import END_LIMIT_S
from agent.links.ble_library import within

if TYPE_CHECKING:
    from collections.abc import Callable

    from bleak import BleakClient
    from bleak.backends.device import BLEDevice

    from agent.errors import MooringError
    from agent.links.ble_radio import BleRadio

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a protocol needs of a board: a service, and where it is written to and listened at."""

    service: str
    to_board: str
    from_board: str


@dataclass(frozen=True, slots=True)
class Patience:
    """How long connecting and writing may take."""

    attempts: int = 4
    """Together within a minute, or the board cannot be reached (bleak-retry-connector, same)."""
    attempt_s: float = 20.0
    """The kernel of Linux gives up a connection after 20 s (HCI_LE_CONN_TIMEOUT). On Windows the
    library asks for services up to ten times, a second apart (bleak pull request 1900)."""
    find_s: float = 12.0
    """A board advertises ten times a second, but a radio that drops repetitions reports it once in
    a scan of about 10 s."""
    pause_s: float = 0.25
    """Before the same is tried again: systems tidy up after a failure for a moment
    (bleak-retry-connector, BLEAK_DBUS_BACKOFF_TIME)."""
    write_s: float = 32.0
    """A board confirms when its sketch serves the radio, which a scan or a join of Wi-Fi keeps it
    from for 10 s and more. After 30 s without an answer the system ends the link (Bluetooth Core
    5.4, Vol 3, Part F, 3.3.3); BlueZ may also say InProgress for ever, and bleak asks on."""


PATIENCE: Final = Patience()
ATTEMPT_MARGIN_S: Final = 3.0
"""The library is given the limit itself and undoes what it began when that has passed; macOS would
else go on connecting. This much more is for the subscription, and for undoing."""
DEAF_END_LIMIT_S: Final = 2.0
"""For BlueZ to hang up: the library waits for a sign of it that cannot reach it (:func:`_deaf`)."""
FORGET_LIMIT_S: Final = 5.0
"""BlueZ answers at once, having ended the link if there is one."""


async def connect(
    radio: BleRadio,
    address: str,
    wanted: Wanted,
    *,
    on_begin: Callable[[], None],
    on_data: Callable[[bytes], None],
    on_lost: Callable[[], None],
    patience: Patience = PATIENCE,
) -> BleakClient:
    """A client with a link, the services known and the subscription made.

    ``on_begin`` is called before each attempt: what came before does not belong to the link. The
    caller ends the link with ``radio.end(client)``, in every case; ``on_lost`` is called for that
    too, but not for a link that falls while it is made, which is one more failed attempt. Raises
    :class:`BluetoothError`, :class:`BleUnreachable` or :class:`BleServiceMissing`; no client has a
    link then, nor when this is cancelled.
    """
    port = f"ble://{address}"
    expected: tuple[type[Exception], ...] = (*library_errors(), BleServiceMissing)
    ladder = _Ladder(patience.attempts)
    for attempt in range(1, patience.attempts + 1):
        device = await radio.find(address, patience.find_s, fresh=ladder.look_again)
        if device is None:
            raise ladder.failure or BleUnreachable(
                port=port, attempts=attempt, detail="it was not heard"
            )
        # An attempt that was given up twice may still be about to hang up: on whoever has a link.
        await radio.wait_ended(address)
        on_begin()
        tap = _Tap(port, on_data, on_lost)
        client = _client(device, wanted, tap, patience.attempt_s, uncached=ladder.uncached)
        # In a task of its own: who is cancelled a second time must not leave a link behind.
        beginning = asyncio.create_task(
            _begin(radio, client, wanted, tap, patience.attempt_s, quiet=ladder.quiet)
        )
        try:
            await asyncio.wait({beginning})
        except asyncio.CancelledError:
            await radio.give_up(client, beginning)
            raise
        try:
            beginning.result()
        except expected as error:
            _log.info("attempt %s to reach %s failed: %s", attempt, port, shown(error))
            final = ladder.climb(error, port, attempt)
            if final is not None:
                raise final from error
            if ladder.forget:
                await _forget(client)
            await asyncio.sleep(patience.pause_s)
        else:
            return client
    raise ladder.failure or BleUnreachable(port=port, attempts=0, detail="no attempt was allowed")


class _Tap:
    """What the client of one attempt says; nothing any more once that attempt has failed.

    On Windows its last words may come after its end: they wait in the queue of the event loop.
    """

    def __init__(
        self, port: str, on_data: Callable[[bytes], None], on_lost: Callable[[], None]
    ) -> None:
        self.port = port
        self.linked = False
        """The library has made a link, and not undone it."""
        self.ready = False
        """The attempt has succeeded. Links that fell before were others, or tried again."""
        self._on_data = on_data
        self._on_lost = on_lost
        self._open = True

    def shut(self) -> None:
        """The attempt has failed."""
        self._open = False

    def data(self, _: object, value: bytearray) -> None:
        """bleak: an indication."""
        if self._open:
            self._on_data(bytes(value))

    def lost(self, _: BleakClient) -> None:
        """bleak: there is no link any more; it may be about to make one anew (on Linux)."""
        if self._open and self.ready:
            self._on_lost()


async def _begin(
    radio: BleRadio, client: BleakClient, wanted: Wanted, tap: _Tap, limit_s: float, *, quiet: bool
) -> None:
    """One attempt; if it fails or is cancelled, what it did is undone."""
    try:
        async with contextlib.AsyncExitStack() as stack:
            if quiet:
                await stack.enter_async_context(radio.quiet())
            await within(limit_s + ATTEMPT_MARGIN_S, _attempt(radio, client, wanted, tap))
    except BaseException:
        await _end(radio, client, tap)
        raise


async def _end(radio: BleRadio, client: BleakClient, tap: _Tap) -> None:
    tap.shut()
    if sys.platform == "linux" and not tap.linked:
        # All is undone already, and to ask for it may take for ever: the end of a connection to
        # the bus is waited for that was given up before it began (dbus-fast, MessageBus.connect).
        return
    limit_s = DEAF_END_LIMIT_S if _deaf(client) else END_LIMIT_S
    await asyncio.wait({radio.end(client, limit_s)})


def _deaf(client: BleakClient) -> bool:
    """Whether bleak hears nothing of a link that it has: no value, and not its end (on Linux).

    It took late news of an earlier link's end for the end of this one, before that was made.
    Source: bleak 3.1, ``bluezdbus/client.py``, ``connect`` and ``_on_disconnected``.
    """
    if sys.platform != "linux" or not client.is_connected:
        return False
    return getattr(client._backend, "_remove_device_watcher", True) is None  # noqa: SLF001 - no other sign


class _Ladder:
    """What the failures so far have taught; ``failure`` is what people see if no attempt is left."""

    def __init__(self, attempts: int) -> None:
        self.failure: MooringError | None = None
        self.look_again = False
        self.uncached = False
        self.quiet = False
        self.forget = False
        self._attempts = attempts
        self._forgotten = False

    def climb(self, error: Exception, port: str, attempt: int) -> MooringError | None:
        """Choose what the next attempt does differently; an error if none would help."""
        kind = trouble(error)
        if isinstance(error, BleServiceMissing):
            self.failure = error
            if self._forgotten:
                return error
        else:
            self.failure = BleUnreachable(port=port, attempts=attempt, detail=shown(error))
        if kind is Trouble.FINAL:
            return radio_error(error) or self.failure
        last_but_one = attempt >= self._attempts - 1
        # What has failed again and again is no interference: BlueZ may believe in a link that is
        # none, and then fails alike until it forgets the board (bleak-retry-connector 230, 235).
        self.forget = kind is Trouble.STALE or (last_but_one and not self._forgotten)
        self._forgotten |= self.forget
        self.look_again |= self.forget or kind in {Trouble.UNKNOWN_DEVICE, Trouble.SLOW}
        self.uncached |= self.forget or kind is Trouble.SLOW
        self.quiet |= kind is Trouble.SLOW
        return None


def _client(
    device: BLEDevice, wanted: Wanted, tap: _Tap, limit_s: float, *, uncached: bool
) -> BleakClient:
    from bleak import BleakClient

    # A device of a scan, never an address: only so macOS finds it, and no second scan begins.
    return BleakClient(
        device,
        disconnected_callback=tap.lost,
        services=[wanted.service],
        timeout=limit_s,
        winrt={"use_cached_services": False} if uncached else {},
    )


async def _attempt(radio: BleRadio, client: BleakClient, wanted: Wanted, tap: _Tap) -> None:
    if sys.platform == "darwin":
        await _connect_to_the_end(radio, client)
    else:
        await client.connect()
    tap.linked = True
    for uuid in (wanted.to_board, wanted.from_board):
        if client.services.get_characteristic(uuid) is None:
            raise BleServiceMissing(port=tap.port, detail=f"characteristic {uuid}")
    # The subscription starts the session of the board; nothing was written before it.
    await client.start_notify(wanted.from_board, tap.data)
    if not client.is_connected or _deaf(client):
        from bleak.exc import BleakError

        raise BleakError("the link fell while it was made")
    tap.ready = True


async def _connect_to_the_end(radio: BleRadio, client: BleakClient) -> None:
    """Connect; if this is cancelled, hang up once that has come to its end in the background.

    For macOS goes on connecting when the library is cancelled, and the library hangs up on nobody
    whom it does not see linked yet.
    Source: bleak, ``corebluetooth/CentralManagerDelegate.py``, ``connect``; ``client.py``,
    ``disconnect``.
    """
    connecting = asyncio.ensure_future(client.connect())
    try:
        await asyncio.shield(connecting)
    except asyncio.CancelledError:
        connecting.add_done_callback(lambda _: radio.end(client))
        raise


async def _forget(client: BleakClient) -> None:
    """Make BlueZ forget the board: its state of it is wrong, and stays so until then."""
    if sys.platform != "linux":
        return  # elsewhere the call would ask the person, or does not exist
    try:
        await within(FORGET_LIMIT_S, client.unpair())
    except library_errors() as error:
        _log.debug("the board was not forgotten: %s", shown(error))
