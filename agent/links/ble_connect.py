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
    """The kernel of Linux gives up a connection after 20 s (HCI_LE_CONN_TIMEOUT); Windows may take
    10 s to find out the services of a board (bleak pull request 695)."""
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
    too. Raises :class:`BluetoothError`, :class:`BleUnreachable` or :class:`BleServiceMissing`.
    """
    port = f"ble://{address}"
    expected: tuple[type[Exception], ...] = (*library_errors(), BleServiceMissing)
    ladder = _Ladder()
    for attempt in range(1, patience.attempts + 1):
        device = await radio.find(address, patience.find_s, fresh=ladder.look_again)
        if device is None:
            raise ladder.failure or BleUnreachable(
                port=port, attempts=attempt, detail="it was not heard"
            )
        on_begin()
        client = _client(device, wanted, on_lost, patience.attempt_s, uncached=ladder.uncached)
        try:
            async with contextlib.AsyncExitStack() as stack:
                if ladder.quiet:
                    await stack.enter_async_context(radio.quiet())
                await _attempt(client, port, wanted, on_data, patience.attempt_s)
        except expected as error:
            _log.info("attempt %s to reach %s failed: %s", attempt, port, shown(error))
            final = ladder.climb(error, port, attempt)
            if ladder.forget:
                await _forget(client)
            await radio.end(client)
            if final is not None:
                raise final from error
            await asyncio.sleep(patience.pause_s)
        except BaseException:
            await radio.end(client)
            raise
        else:
            return client
    raise ladder.failure or BleUnreachable(port=port, attempts=0, detail="no attempt was allowed")


class _Ladder:
    """What the failures so far have taught; ``failure`` is what people see if no attempt is left."""

    def __init__(self) -> None:
        self.failure: MooringError | None = None
        self.look_again = False
        self.uncached = False
        self.quiet = False
        self.forget = False
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
        self.forget = kind is Trouble.STALE
        self._forgotten |= self.forget
        self.look_again |= kind in {Trouble.STALE, Trouble.UNKNOWN_DEVICE, Trouble.SLOW}
        self.uncached |= kind in {Trouble.STALE, Trouble.SLOW}
        self.quiet |= kind is Trouble.SLOW
        return radio_error(error) or self.failure if kind is Trouble.FINAL else None


def _client(
    device: BLEDevice,
    wanted: Wanted,
    on_lost: Callable[[], None],
    limit_s: float,
    *,
    uncached: bool,
) -> BleakClient:
    from bleak import BleakClient

    def lost(_: BleakClient) -> None:
        on_lost()

    # A device of a scan, never an address: only so macOS finds it, and no second scan begins.
    return BleakClient(
        device,
        disconnected_callback=lost,
        services=[wanted.service],
        timeout=limit_s,
        winrt={"use_cached_services": False} if uncached else {},
    )


async def _attempt(
    client: BleakClient,
    port: str,
    wanted: Wanted,
    on_data: Callable[[bytes], None],
    limit_s: float,
) -> None:
    async with asyncio.timeout(limit_s):
        await client.connect()
        for uuid in (wanted.to_board, wanted.from_board):
            if client.services.get_characteristic(uuid) is None:
                raise BleServiceMissing(port=port, detail=f"characteristic {uuid}")
        # The subscription starts the session of the board; nothing was written before it.
        await client.start_notify(wanted.from_board, lambda _, data: on_data(bytes(data)))


async def _forget(client: BleakClient) -> None:
    """Make BlueZ forget the board: its state of it is wrong, and stays so until then."""
    if sys.platform != "linux":
        return  # elsewhere the call would ask the person, or does not exist
    try:
        async with asyncio.timeout(PATIENCE.attempt_s):
            await client.unpair()
    except library_errors() as error:
        _log.debug("the board was not forgotten: %s", shown(error))
