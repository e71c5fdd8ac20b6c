"""From sketch to bootloader: which of the devices that are there is our board, and when.

No I/O and no clock. ``links.touch`` does the touch itself; the job looks at the devices and asks
here. Source: flashing, sections 2, 3, 9 and 10.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from agent.catalog import UsbId
from agent.errors import NoBootloader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.catalog import Model
    from agent.flash.method import FlashTarget

BRIDGE_RESTART_S: Final = 0.5
"""A bridge pulses the reset line for 0.3 s; then the loader starts."""
TOUCH_AGAIN_S: Final = 2.0
"""A sketch that is still there after this has not felt the touch: it restarts after 0.25 s."""
APPEARS_S: Final = 10.0
"""How long a loader may need to appear; slow hubs and Windows need a few seconds."""
SETTLED_S: Final = 0.2
"""How long a device must have been there without a break: some loaders come, go and come again."""


class Entry(Enum):
    """How a board gets into its bootloader."""

    RESTARTS = "restarts"
    """After a touch it leaves the bus and comes back as another device."""
    STAYS = "stays"
    """After a touch its port stays, with the same name and ids: a bridge restarts the chip."""
    DETACHES = "detaches"
    """Told over the DFU interface of its sketch, it leaves the bus and comes back as a bootloader."""
    BY_TOOL = "by tool"
    """The tool that flashes it does that itself, or a person does."""


class Action(Enum):
    """What to do now."""

    WAIT = "wait"
    TOUCH_AGAIN = "touch again"
    """The sketch is still there, or there again; said once."""


def entry_of(model: Model) -> Entry:
    """Decided by the catalogue: how its sketch is told, and whether the loader has ids of its own."""
    if model.upload.runtime_detach:
        return Entry.DETACHES
    if not model.upload.use_1200bps_touch:
        return Entry.BY_TOOL
    same = set(model.usb.bootloader) & set(model.usb.sketch)
    return Entry.STAYS if same else Entry.RESTARTS


class BootloaderWait:
    """After the touch of one board; ``now`` is any clock that only grows, in seconds.

    ``touched`` is the device that was touched, ``present`` all that were there just before.
    """

    def __init__(
        self, model: Model, touched: FlashTarget, present: Iterable[FlashTarget], now: float
    ) -> None:
        self._model = model
        self._touched = touched
        self._before = set(present)
        self._began = now
        self._again_at: float | None = now + TOUCH_AGAIN_S
        self._again_due = False
        self._since: dict[FlashTarget, float] = {}
        self._stays = entry_of(model) is Entry.STAYS
        self._left = False
        # Sketch and bootloader of some have the same ids, but only the sketch has a serial port.
        self._without_port = model.upload.method in {"dfu", "dfuse"}

    @property
    def next_deadline(self) -> float:
        """When :meth:`look` must be called at the latest, also if no device came or went."""
        if self._stays:
            return self._began + (APPEARS_S if self._left else BRIDGE_RESTART_S)
        times = [since + SETTLED_S for since in self._since.values()]
        times.append(self._began + APPEARS_S)
        if self._again_at is not None:
            times.append(self._again_at)
        return min(times)

    def look(self, present: Iterable[FlashTarget], now: float) -> FlashTarget | Action:
        """The board in its loader, or what to do; :class:`NoBootloader` when it did not come."""
        there = set(present)
        if self._stays:
            return self._behind_bridge(there, now)
        found = self._ours(there)
        self._since = {each: self._since.get(each, now) for each in found}
        for each in found:
            if now >= self._since[each] + SETTLED_S:
                return each
        if now >= self._began + APPEARS_S:
            raise self._never_came()
        if self._again_at is not None and now >= self._again_at:
            self._again_at, self._again_due = None, True
        if self._again_due and any(self._is_sketch(each) for each in there):
            # It may have been pulled out meanwhile, and have another name now.
            self._again_due = False
            return Action.TOUCH_AGAIN
        return Action.WAIT

    def _behind_bridge(self, there: set[FlashTarget], now: float) -> FlashTarget | Action:
        """A touch leaves the bridge on the bus: one that left it was pulled out, and runs its sketch."""
        here = next((each for each in there if self._is_sketch(each)), None)
        if here is None:
            self._left = True
            if now >= self._began + APPEARS_S:
                raise self._never_came()
            return Action.WAIT
        if self._left:
            if self._again_at is None:
                raise self._never_came()
            self._left, self._began, self._again_at = False, now, None
            return Action.TOUCH_AGAIN
        return here if now >= self._began + BRIDGE_RESTART_S else Action.WAIT

    def _never_came(self) -> NoBootloader:
        detail = f"it did not appear within {int(APPEARS_S)} s"
        return NoBootloader(detail=detail, manual=self._model.bootloader_entry.manual)

    def _ours(self, there: set[FlashTarget]) -> list[FlashTarget]:
        """Loaders of this model that can be this board: none, rather than one of two.

        The socket decides where the system tells it, then the serial number; some loaders have
        none, another one, or all the same one.
        """
        touched = self._touched
        loaders = [each for each in there if self._is_loader(each)]
        if touched.location:
            here = [each for each in loaders if each.location == touched.location]
            if here:
                return here[:1]
            loaders = [each for each in loaders if not each.location]
        new = [each for each in loaders if each not in self._before]
        if len(new) > 1 and touched.serial_number:
            new = [each for each in new if each.serial_number == touched.serial_number]
        return new if len(new) == 1 else []

    def _is_sketch(self, device: FlashTarget) -> bool:
        """Whether the board shows as it did before the touch."""
        touched = self._touched
        if not touched.location:
            return device == touched
        same = (device.vid, device.pid, device.location, device.serial_number)
        return same == (touched.vid, touched.pid, touched.location, touched.serial_number)

    def _is_loader(self, device: FlashTarget) -> bool:
        if device.vid is None or (self._without_port and device.address is not None):
            return False
        ids = UsbId(device.vid, device.pid)
        return ids in self._model.usb.bootloader
