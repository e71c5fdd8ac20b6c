"""Source of the ports in the air: devices that advertise provisioning over Bluetooth LE, or Improv.

The radio scans only while somebody looks (:meth:`BleBoards.attend`): a page that is open, a command,
a job. Otherwise this source costs nothing, and what was heard last leaves the list.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

from agent.boards.ble_advert import (
    NAME_CHARS,
    can_blink,
    public_address,
    service_of,
    usb_ids,
)
from agent.boards.ble_signal import Signal
from agent.boards.board import Port
from agent.boards.sighting import Sighting
from agent.links.ble import SCHEME
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.boards.board import Service
    from agent.errors import BluetoothError
    from agent.links.ble_radio import Advert, BleRadio

SILENCE_S: Final = 25.0
"""A board that was not heard for so long has left. Radios that drop repetitions report a board once
in a scan of about 10 s (bleak, ``_recover_from_rejected_stop``), and one report may be lost."""
AFTER_LINK_S: Final = 12.0
"""The same for a board whose link has ended: most switch their Bluetooth off then, and the others
advertise at once."""
ENDING_S: Final = 0.5
"""What is reported of a board so soon after its link is the end of the link itself: bleak hands on
each change of what BlueZ knows of a device, with the old signal, as if it had been heard."""
NAME_WAIT_S: Final = 1.5
"""The name comes in the scan response, on Windows as a message of its own. A board without its name
would be another model for a moment, so it is held back for up to this long."""
POLL_S: Final = 1.0
"""While boards are listed: silence is noticed this much later at most."""
BOARDS_LIMIT: Final = 128
"""Boards listed: four times a full room. The one not heard for longest is dropped."""


class BleBoards:
    """A :class:`agent.boards.watch.PortSource`. To be used in one event loop."""

    in_thread = False

    def __init__(
        self,
        radio: BleRadio,
        ignore: Iterable[str] = (),
        *,
        silence_s: float = SILENCE_S,
        limit: int = BOARDS_LIMIT,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """``clock`` tells seconds; None: that of the event loop."""
        self._radio = radio
        self._ignore = frozenset(address.upper().removeprefix(SCHEME.upper()) for address in ignore)
        self._silence_s = silence_s
        self._limit = limit
        self._clock = clock
        self._heard: dict[str, _Heard] = {}
        self._count = 0
        self._wake: Callable[[], None] = _nobody
        self._attending = 0
        self._stop: Callable[[], None] | None = None

    @property
    def poll_s(self) -> float:
        """Seconds between two looks without news; with nobody listed there is nothing to find."""
        return POLL_S if self._heard else math.inf

    @property
    def attended(self) -> bool:
        """Somebody looks, so that this computer scans."""
        return self._attending > 0

    @property
    def problem(self) -> BluetoothError | None:
        """Why nothing is heard although somebody looks."""
        return self._radio.problem

    def start(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` in the event loop when boards come, go or change."""
        self._wake = wake

    def attend(self) -> Callable[[], None]:
        """Somebody looks from now on; the result, called once or more often, ends that."""
        self._attending += 1
        if self._stop is None:
            self._stop = self._radio.listen(self._note)
        ended = False

        def leave() -> None:
            nonlocal ended
            if ended:
                return
            ended = True
            self._attending -= 1
            if not self._attending:
                self._end_scan()

        return leave

    def switched_off(self, address: str) -> None:
        """A board was seen to switch its Bluetooth off: not listed until it is heard again."""
        heard = self._heard.get(address.removeprefix(SCHEME))
        if heard is not None:
            self._note_end(heard)
            heard.ended_at, heard.off = self._now(), True
            self._wake()

    def close(self) -> None:
        """Stop, whoever looks; may be called more than once."""
        self._end_scan()
        self._heard.clear()

    def look(self) -> list[Sighting]:
        """All boards that were heard lately or that we are connected to."""
        now = self._now()
        connected = self._radio.connected
        for address, heard in list(self._heard.items()):
            self._note_end(heard)
            silence_s = self._silence_s if heard.ended_at is None else AFTER_LINK_S
            if address in connected:
                heard.at = now  # it does not advertise meanwhile
            elif now - heard.at > min(silence_s, self._silence_s):
                del self._heard[address]
        return [heard.sighting() for heard in self._heard.values() if heard.complete(now)]

    def _note(self, advert: Advert) -> None:
        address = advert.address
        if address.upper() in self._ignore or service_of(advert.services) is None:
            return
        now = self._now()
        heard = self._heard.get(address)
        news = heard is None
        if heard is None:
            self._make_room()
            heard = self._heard[address] = _Heard(address, self._next_number(), now)
        self._note_end(heard)
        if heard.ended_at is not None:
            if address in self._radio.connected or now - heard.ended_at < ENDING_S:
                return
            # Whoever waits for the board sees by the number that it is back.
            heard.ended_at, heard.number, news = None, self._next_number(), True
            heard.off = False
        news |= heard.note(advert, now)
        if heard.serial_number is not None:
            news |= self._forget_older_address(heard)
        if news:
            self._wake()

    def _forget_older_address(self, latest: _Heard) -> bool:
        """A board that changed its address is heard under the new one only."""
        same = [
            address
            for address, heard in self._heard.items()
            if heard is not latest
            and heard.serial_number == latest.serial_number
            and address not in self._radio.connected
        ]
        for address in same:
            del self._heard[address]
        return bool(same)

    def _note_end(self, heard: _Heard) -> None:
        ended_at = self._radio.take_ended(heard.address)
        if ended_at is not None:
            heard.ended_at, heard.at = ended_at, max(heard.at, ended_at)

    def _next_number(self) -> int:
        self._count += 1
        return self._count

    def _make_room(self) -> None:
        if len(self._heard) >= self._limit:
            # A board that we are connected to does not advertise, and is not to be lost by that.
            connected = self._radio.connected
            heard = self._heard.values()
            oldest = min(heard, key=lambda each: (each.address in connected, each.at))
            del self._heard[oldest.address]

    def _end_scan(self) -> None:
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()


class _Heard:
    """What is known of one board in the air."""

    def __init__(self, address: str, number: int, now: float) -> None:
        self.address = address
        self.at = now
        self.number = number
        """A new one each time it comes, and when it was heard again after a link."""
        self.ended_at: float | None = None
        """A link to it ended then, and it was not heard since."""
        self.off = False
        """Since then its Bluetooth is off, as far as is known."""
        self._first_at = now
        self._name = ""
        self._serial_number: str | None = None
        self._service: Service | None = None
        self._blinks = False
        self._signal = Signal()

    @property
    def serial_number(self) -> str | None:
        """The number of an Arduino board; that of an Improv device, which has none, says nothing."""
        return self._serial_number if self._service == "2.0" else None

    def note(self, advert: Advert, now: float) -> bool:
        """One advertisement; whether anything is new that people see."""
        self.at = now
        before = self._shown()
        self._name = clean_text(advert.name.strip(), NAME_CHARS) or self._name
        self._serial_number = public_address(advert.manufacturer_data) or self._serial_number
        self._service = service_of(advert.services) or self._service
        blinks = can_blink(advert.service_data)
        self._blinks = self._blinks if blinks is None else blinks
        stronger = self._signal.add(advert.rssi_dbm, now)
        return stronger or before != self._shown()

    def complete(self, now: float) -> bool:
        """It is to be shown: its name is there, or will not come."""
        return not self.off and (bool(self._name) or now - self._first_at >= NAME_WAIT_S)

    def sighting(self) -> Sighting:
        vid, pid = usb_ids(self._name) or (None, None)
        port = Port(
            kind="ble",
            address=SCHEME + self.address,
            vid=vid,
            pid=pid,
            serial_number=self.serial_number,
            product=self._name or None,
            rssi_dbm=self._signal.shown_dbm,
            service=self._service,
            blinks=self._blinks,
        )
        return Sighting(port, self.number)

    def _shown(self) -> tuple[object, ...]:
        return (self._name, self.serial_number, self._service, self._blinks)


def _nobody() -> None:
    """Not started yet."""
