"""Delivery to the settings area (NVS) of an Espressif chip, by its loader; docs/nvs.md.

The loader takes the chip over, so it answers on every board of that family, whatever its sketch
does. Whether the sketch reads the area is not known before it says that it is connected.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Literal

from agent.errors import (
    BoardHasNoDelivery,
    MooringError,
    NotSupported,
    SettingsTooLong,
    ToolMissing,
)
from agent.protocols import board_keys
from agent.sessions.delivery import BoardHardware, CloudState
from agent.sessions.spoken import SpokenState
from agent.settings import clean_text, decode_text
from agent.settings.nvs_names import OUR_NAMES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from agent.boards.board import Board
    from agent.catalog import Catalog
    from agent.flash.nvs import NvsArea, NvsFlash
    from agent.flash.nvs_backup import NvsBackups
    from agent.flash.nvs_place import NvsPlace
    from agent.flash.tools import FoundTool
    from agent.jobs.surroundings import Lease
    from agent.protocols.board_keys import Group
    from agent.settings.credentials import BoardSettings
    from agent.settings.nvs_names import NvsNames

BAUD: Final = 115_200
"""At which sketches print what they do: the usual one of the Arduino core and of ESP-IDF."""
CLOSE_LIMIT_S: Final = 20.0
"""For starting the sketch again when nothing else is to be done: one call of the program."""
SHOWN_KEYS: Final = 4
"""Enough to recognise whose they are."""
_TRIED: Final = "the settings area of the chip (NVS)"
_OTHER_CHIP: Final = f"{_TRIED}: the board is of no family that has one"


class NvsWay:
    """Opens this delivery; see :class:`agent.jobs.surroundings.DeliveryOpener`."""

    def __init__(
        self,
        catalog: Catalog,
        find_tool: Callable[[], Awaitable[FoundTool]],
        backups: NvsBackups,
        *,
        names: NvsNames = OUR_NAMES,
        partition: str = "",
    ) -> None:
        """``find_tool`` finds esptool, or raises :class:`ToolMissing`.

        ``names`` and ``partition`` are those that the sketch opens; no partition: the usual.
        """
        self._catalog = catalog
        self._find_tool = find_tool
        self._backups = backups
        self._names = names
        self._partition = partition

    async def __call__(self, lease: Lease) -> NvsDelivery:
        """The delivery once the chip and its area were read.

        Raises :class:`BoardHasNoDelivery` for boards of another kind and without esptool, and what
        :meth:`agent.flash.nvs.NvsFlash.read` raises.
        """
        from agent.flash.esp_program import EspProgram
        from agent.flash.nvs import NvsFlash

        place = self._place(lease.board)
        try:
            tool = await self._find_tool()
        except ToolMissing as missing:
            tried = f"{_TRIED}: the program esptool, which it needs, is not on this computer"
            raise BoardHasNoDelivery(tried=tried) from missing
        flash = NvsFlash(EspProgram(tool), place, self._backups, partition=self._partition)
        delivery = NvsDelivery(flash, lease, self._names)
        try:
            await delivery.identify()
        except BaseException:
            await delivery.close()
            raise
        return delivery

    def require_fit(self, board: Board) -> None:
        """See :class:`agent.jobs.surroundings.KnowingOpener`; no program is looked for."""
        self._place(board)

    def _place(self, board: Board) -> NvsPlace:
        """Where its chip is; a common USB bridge does not say which one is behind it."""
        from agent.flash.nvs_place import NvsPlace, place_of

        port = next((port.address for port in board.ports if port.kind == "serial"), None)
        if port is None:
            raise BoardHasNoDelivery(tried=f"{_TRIED}: the board has no serial port")
        if board.model is not None and (model := self._catalog.get(board.model)) is not None:
            try:
                return place_of(model, port)
            except NotSupported as problem:
                raise BoardHasNoDelivery(tried=_OTHER_CHIP) from problem
        maybe = [self._catalog.get(each) for each in board.candidates]
        if not any(each is not None and each.upload.method == "esptool" for each in maybe):
            raise BoardHasNoDelivery(tried=_OTHER_CHIP)
        return NvsPlace(name=board.name, port=port)


class NvsDelivery:
    """See :class:`agent.sessions.delivery.Delivery`; made by :class:`NvsWay`."""

    kind: Literal["nvs"] = "nvs"

    def __init__(self, flash: NvsFlash, lease: Lease, names: NvsNames = OUR_NAMES) -> None:
        self._flash = flash
        self._lease = lease
        self._names = names
        self._one_request = asyncio.Lock()
        self._closed = False

    async def identify(self) -> BoardHardware:
        """The chip, and what is in its area; nothing is written."""
        from agent.protocols.nvs.store import read_store

        async with self._one_request:
            area = await self._flash.read()
        store, namespace = read_store(area.base), self._names.namespace
        found = {key: store.get(namespace, key) for key in store.keys(namespace)}
        holds = decode_text(self._names.ours(found).get("tb_name", b""))
        return BoardHardware(
            hardware_id=area.hardware_id,
            family=area.chip,
            firmware=f"NVS partition {area.partition.label}",
            holds=holds,
            networks=True,
            note="" if holds else self._strangers(found),
        )

    def _strangers(self, found: Collection[str]) -> str:
        """Keys that are in our namespace and not ours, as settings under earlier names are not."""
        keys = [clean_text(key) for key in found if self._names.name_of(key) is None]
        if not keys:
            return ""
        more = ", …" if len(keys) > SHOWN_KEYS else ""
        shown = ", ".join(keys[:SHOWN_KEYS])
        return f"its namespace “{self._names.namespace}” has keys that are not ours: {shown}{more}"

    async def put(self, settings: BoardSettings, progress: Callable[[int, int], None]) -> None:
        """Replace these settings in the area, and start the sketch with them."""
        values = board_keys.flatten(settings)
        await self._replace(values, board_keys.groups(settings), progress)

    async def erase(self) -> None:
        """Remove all of our keys; the namespace stays, and so do the keys of others."""
        await self._replace({}, ("network", "cloud"), lambda _done, _total: None)

    async def cloud_state(self, limit_s: float) -> CloudState:
        """Listen to what the sketch prints (docs/nvs.md)."""
        async with self._one_request:
            if self._flash.stopped:
                await self._flash.restart()
            try:
                async with asyncio.timeout(limit_s):
                    return await self._hear_state()
            except TimeoutError:
                return CloudState(outcome="unknown")

    async def close(self) -> None:
        """Start the sketch again if it stands still; never raises, may be called again."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(MooringError, TimeoutError):
            if self._flash.stopped and self._is_there():
                async with asyncio.timeout(CLOSE_LIMIT_S):
                    await self._flash.restart()

    def _is_there(self) -> bool:
        """The board is still on its port, which may be another board's by now."""
        return self._flash.port in {port.address for port in self._lease.board.ports}

    # --- inside ------------------------------------------------------------------------------

    async def _replace(
        self,
        values: Mapping[str, bytes],
        groups: Collection[Group],
        progress: Callable[[int, int], None],
    ) -> None:
        async with self._one_request:
            # Anew: the sketch may have run since the area was read.
            area = await self._flash.read()
            new = self._merged(area, values, groups)
            await self._flash.write(area, new, progress)

    def _merged(
        self, area: NvsArea, values: Mapping[str, bytes], groups: Collection[Group]
    ) -> bytes:
        from agent.protocols.nvs.merge import NvsFull, ValueTooLong, merge

        names, new = self._names, self._names.placed(values)
        old = {names.key(key.name) for key in board_keys.KEYS if key.group in groups}
        try:
            return merge(area.base, names.namespace, new, old - set(new))
        except NvsFull as full:
            raise SettingsTooLong(
                field="all settings together", size=full.needed_bytes, limit=full.room_bytes
            ) from None
        except ValueTooLong as long:
            name = names.name_of(long.key) or long.key
            field = f"{board_keys.BY_NAME[name].field} ({long.key})"
            raise SettingsTooLong(field=field, size=long.size, limit=long.limit) from None

    async def _hear_state(self) -> CloudState:
        spoken = SpokenState()
        link = await self._lease.open(BAUD)
        try:
            while True:
                state = spoken.feed(await link.receive())
                if state is not None:
                    return state
        finally:
            await link.close()
