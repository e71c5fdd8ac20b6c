"""The settings of a board as an NVS partition of its own, for factories that flash everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import InputError, SettingsTooLong
from agent.protocols import board_keys
from agent.protocols.nvs.merge import NvsFull, make
from agent.protocols.nvs.pages import PAGE_BYTES
from agent.protocols.nvs.store import PAGES_MIN
from agent.settings.nvs_names import OUR_NAMES

if TYPE_CHECKING:
    from agent.settings.credentials import BoardSettings
    from agent.settings.nvs_names import NvsNames

IMAGE_BYTES: Final = 0x5000
"""The area in the default tables of the Arduino core and of others; ESP-IDF's has 0x6000."""
IMAGE_BYTES_MAX: Final = 1 << 20


def settings_image(
    settings: BoardSettings, *, names: NvsNames = OUR_NAMES, size: int = IMAGE_BYTES
) -> bytes:
    """The whole partition, **secrets in clear**, to be written where the area begins.

    ``names`` are those that the sketch looks for; ``size`` is that of the partition, in bytes.
    Raises :class:`InputError` and :class:`SettingsTooLong`. Written over a board's area it takes
    away what the sketch had there.
    """
    if size % PAGE_BYTES or not PAGES_MIN * PAGE_BYTES <= size <= IMAGE_BYTES_MAX:
        problem = f"is no size of a partition: whole pages of {PAGE_BYTES}, three at least"
        raise InputError(field="size", problem=problem)
    values = board_keys.flatten(settings)
    try:
        return make(size, names.namespace, names.placed(values))
    except NvsFull as full:
        raise SettingsTooLong(
            field="all settings together", size=full.needed_bytes, limit=full.room_bytes
        ) from None
