"""The settings area (NVS) in the flash of an Espressif chip, read and written beside the sketch.

All I/O is esptool's, as a program of its own. A chip stays in its loader from the first call to the
last, so that its sketch cannot change what was read. Only pages that differ are written, those that
were free before the others; the old content is kept on this computer until the new one was read
back. Source: flashing, section 6; :mod:`agent.protocols.nvs`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import (
    DeliveryFailed,
    DigestDiffers,
    FlashFailed,
    NvsInterrupted,
    NvsRefused,
    PortGone,
)
from agent.flash.esp_partitions import TABLE_AT, TABLE_BYTES, Partition, read_table, settings_area
from agent.flash.esp_program import UNPLUGGED, EspReader, stub_failed, trouble
from agent.flash.nvs_backup import Backup
from agent.flash.nvs_place import require_nvs
from agent.protocols.nvs.merge import NvsFull, put_back
from agent.protocols.nvs.pages import BLANK, PAGE_BYTES, NvsBroken, Problem
from agent.protocols.nvs.store import read_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.errors import MooringError
    from agent.flash.esp_program import EspProgram
    from agent.flash.method import FlashProgress
    from agent.flash.nvs_backup import NvsBackups
    from agent.flash.nvs_place import NvsPlace

FIRST_READ: Final = 0x6000
"""From the table on: the usual area, 0x9000 to 0xDFFF, comes with the same call."""
STAY: Final = "no-reset"
"""How a call ends that is not the last: the chip stays in its loader."""
AREA_BYTES: Final = 1 << 20
"""The largest area that is read; the usual one has 20 KiB."""

_CHIP: Final = re.compile(r"Connected to (ESP[\w-]+) on ")
_ACTIONS: Final = {
    Problem.FREEING: "Start the board once and let its sketch run, then try again.",
    Problem.NO_BLANK: "Start the board once and let its sketch run, then try again.",
    Problem.ENCRYPTED: "Use another delivery: the serial console, or a header file for the sketch.",
}
_OTHERWISE: Final = "Let the sketch erase its settings (nvs_flash_erase), then try again."


class NvsArea(msgspec.Struct, frozen=True, kw_only=True):
    """A settings area as it was read."""

    hardware_id: str
    """MAC address of the chip: 12 lower-case hex digits."""
    chip: str
    """Which one it is: ``esp32s3``."""
    partition: Partition
    image: bytes
    """What is in flash."""
    base: bytes
    """What counts: the same, or what was put back after an interrupted delivery."""

    def __repr__(self) -> str:
        return f"NvsArea({self.hardware_id}, {self.partition.label})"


class _Reader(EspReader):
    """Also hears which chip it is."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.mac = ""
        self.chip = ""

    def feed(self, line: str) -> FlashProgress | None:
        if found := _CHIP.match(line):
            self.chip = found[1].replace("-", "").lower()
        name, _, value = line.partition(":")
        digits = value.strip().replace(":", "").lower()
        # Chips with a longer address tell that one too, under the same name.
        if name in {"MAC", "BASE MAC"} and len(digits) == 12:
            self.mac = digits
        return super().feed(line)


class NvsFlash:
    """The settings area of the chip on one port; its sketch stands still until :meth:`restart`."""

    def __init__(
        self,
        program: EspProgram,
        place: NvsPlace,
        backups: NvsBackups,
        *,
        partition: str = "",
        table_at: int = TABLE_AT,
        stub: bool = True,
    ) -> None:
        """``partition``: label of the area; empty: the usual one."""
        self._program = program
        self._place = place
        self._backups = backups
        self._partition = partition
        self._table_at = table_at
        self._stub = stub
        self.stopped = False
        """The chip may be in its loader, and only a call starts its sketch again."""

    @property
    def port(self) -> str:
        """Where the chip is."""
        return self._place.port

    async def read(self) -> NvsArea:
        """Find and read the area; nothing is written.

        Raises :class:`NvsRefused`, :class:`DeliveryFailed`, :class:`NoBootloader`,
        :class:`OtherChip` and :class:`PortError`.
        """
        async with self._backups.work_folder() as folder:
            first, heard = await self._read(folder, self._table_at, FIRST_READ)
            require_nvs(self._place.name, heard.chip)
            area = settings_area(read_table(first[:TABLE_BYTES]), self._partition)
            if area.size > AREA_BYTES:
                raise _refused(NvsBroken(Problem.SIZE), area)
            begin = area.offset - self._table_at
            image = first[begin : begin + area.size] if begin >= 0 else b""
            if len(image) < area.size:
                image, heard = await self._read(folder, area.offset, area.size)
        return NvsArea(
            hardware_id=heard.mac,
            chip=heard.chip,
            partition=area,
            image=image,
            base=await self._base(heard.mac, area, image),
        )

    async def write(self, area: NvsArea, new: bytes, progress: Callable[[int, int], None]) -> None:
        """Write what differs from ``area.image``, read all of it back, and start the sketch.

        Raises :class:`NvsInterrupted` once something may have been written,
        :class:`DigestDiffers`, and what :meth:`read` raises before that.
        """
        offset, groups = area.partition.offset, changed_runs(area.image, new)
        total, done = sum(len(data) for group in groups for _, data in group), 0
        if total:
            kept = Backup(old=area.base, new=new)
            await self._backups.save(area.hardware_id, offset, kept)
        async with self._backups.work_folder() as folder:
            for group in groups:
                begun = done

                def advanced(more: int, at: int = begun) -> None:
                    progress(at + more, total)

                await self._write(folder, offset, group, advanced, first=not begun)
                done += sum(len(data) for _, data in group)
                progress(done, total)
            try:
                found, heard = await self._read(folder, offset, len(new), last=True)
            except FlashFailed as problem:
                raise NvsInterrupted(detail=problem.facts.get("detail")) from None
        if heard.mac != area.hardware_id or found != new:
            raise DigestDiffers(why="the flash of the chip does not keep what is written to it.")
        await self._backups.drop(area.hardware_id, offset)

    async def restart(self) -> None:
        """Start the sketch again; raises as :meth:`read`."""
        reader = _Reader(0)
        words = [*self._words(stub=False, last=True), "read-mac"]
        result = await self._program.run(words, reader, lambda _: None)
        if result.status:
            raise trouble(result, reader, self._place.port, self._place.manual)
        self.stopped = False

    # --- inside ------------------------------------------------------------------------------

    async def _base(self, mac: str, area: Partition, image: bytes) -> bytes:
        """What counts: of an interrupted delivery, what it took away is put back."""
        backup = await self._backups.find(mac, area.offset)
        if backup is None or image == backup.old:
            return _readable(image, area)
        if image == backup.new:
            return image
        try:
            return put_back(image, backup.old)
        except (NvsBroken, NvsFull):
            return backup.old

    async def _read(
        self, folder: Path, offset: int, size: int, *, last: bool = False
    ) -> tuple[bytes, _Reader]:
        """Bytes of flash, and what was heard of the chip."""
        file = folder / f"{offset:x}.bin"
        command = ["read-flash", f"{offset:#x}", f"{size:#x}", str(file)]
        try:
            reader = await self._call(command, 0, lambda _: None, last=last)
        except FlashFailed as problem:
            if last:
                raise
            raise self._explained(problem) from None
        try:
            data = file.read_bytes()
        except OSError:
            data = b""
        if len(data) != size or not reader.mac:
            raise DeliveryFailed(why="esptool did not read what it was asked for.")
        return data, reader

    async def _write(
        self,
        folder: Path,
        offset: int,
        group: Sequence[tuple[int, bytes]],
        progress: Callable[[int], None],
        *,
        first: bool,
    ) -> None:
        command = ["write-flash", "--flash-size", "keep"]
        for place, data in group:
            file = folder / f"write-{place:x}.bin"
            file.write_bytes(data)
            command += [f"{offset + place:#x}", str(file)]
        most = 0

        def heard(step: FlashProgress) -> None:
            nonlocal most
            if step.stage == "write":
                most = max(most, step.done)
                progress(most)

        total = sum(len(data) for _, data in group)
        try:
            await self._call(command, total, heard, last=False)
        except FlashFailed as problem:
            if first and problem.facts.get("stage") == "prepare":
                raise self._explained(problem) from None
            raise NvsInterrupted(detail=problem.facts.get("detail")) from None

    async def _call(
        self,
        command: Sequence[str],
        total: int,
        progress: Callable[[FlashProgress], None],
        *,
        last: bool,
    ) -> _Reader:
        self.stopped = True
        for stub in dict.fromkeys((self._stub, False)):
            reader = _Reader(total)
            words = [*self._words(stub=stub, last=last), *command]
            try:
                result = await self._program.run(words, reader, progress)
            except FlashFailed as problem:
                self._note_gone(problem)
                raise
            if not (stub and stub_failed(reader, result)):
                break
            self._stub = False
        if result.status:
            error = trouble(result, reader, self._place.port, self._place.manual)
            self._note_gone(error)
            raise error
        self.stopped = not last
        return reader

    def _note_gone(self, error: MooringError) -> None:
        """A chip that lost its power starts its sketch by itself; its port may be another's soon."""
        unplugged = isinstance(error, FlashFailed) and error.facts.get("detail") == UNPLUGGED
        if unplugged or isinstance(error, PortGone):
            self.stopped = False

    def _words(self, *, stub: bool, last: bool) -> list[str]:
        place = self._place
        words = ["--chip", place.chip, "--port", place.port, "--baud", str(place.baud)]
        words += ["--before", place.before, "--after", place.after if last else STAY]
        return words if stub else [*words, "--no-stub"]

    def _explained(self, problem: FlashFailed) -> PortGone | DeliveryFailed:
        """Nothing was written yet."""
        detail = str(problem.facts.get("detail"))
        if detail == UNPLUGGED:
            return PortGone(port=self._place.port)
        return DeliveryFailed(why=f"Its settings area could not be reached: {detail}.")


def changed_runs(old: bytes, new: bytes) -> list[list[tuple[int, bytes]]]:
    """What to write: pages that differ, as pieces (place, content) without gaps inside.

    In up to two groups: first the pages that are blank now, so that the others still hold what
    they held while those are written.
    """
    groups: list[list[tuple[int, bytes]]] = [[], []]
    for place in range(0, len(new), PAGE_BYTES):
        before, after = old[place : place + PAGE_BYTES], new[place : place + PAGE_BYTES]
        if before == after:
            continue
        group = groups[before != BLANK]
        if group and group[-1][0] + len(group[-1][1]) == place:
            begin, data = group.pop()
            group.append((begin, data + after))
        else:
            group.append((place, after))
    return [group for group in groups if group]


def _readable(image: bytes, area: Partition) -> bytes:
    try:
        read_store(image)
    except NvsBroken as broken:
        raise _refused(broken, area) from None
    return image


def _refused(broken: NvsBroken, area: Partition) -> NvsRefused:
    page = "" if broken.page is None else f", page {broken.page}"
    return NvsRefused(
        problem=broken.problem.value,
        why=f"Partition {area.label} at {area.offset:#x}{page}.",
        action=_ACTIONS.get(broken.problem, _OTHERWISE),
    )
