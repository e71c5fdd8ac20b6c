"""Settings onto a board with MicroPython or CircuitPython, as a file of its own (docs/micropython.md).

The board's program is stopped while files are written, and started again by the end of it. Links
are opened with :data:`BAUD`, which boards with native USB do not look at.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Final, Literal

from agent.errors import (
    DeliveryFailed,
    DeliveryUnproven,
    DigestDiffers,
    DriveInTheWay,
    MooringError,
    SettingNotTaken,
    SettingsTooLong,
)
from agent.protocols import board_keys, repl_code, repl_files
from agent.sessions.delivery import BoardHardware, CloudState
from agent.sessions.repl_wire import BoardSaid, ReplWire
from agent.sessions.spoken import SpokenState
from agent.settings import clean_text, decode_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from agent.links.link import Link
    from agent.protocols.board_keys import Group
    from agent.settings.credentials import BoardSettings

BAUD: Final = 115_200
"""Of the boards whose USB connector leads to a UART."""
OPEN_LIMIT_S: Final = 8.0
"""For a Python prompt: opening the port restarts many boards, and they need 1-4 s to start."""
CLOSE_LIMIT_S: Final = 3.0
"""For starting the board's program again when there is nothing else to do."""
_CIRCUITPYTHON: Final = "circuitpython"
_ESPRESSIF: Final = "esp"


async def open_repl(link: Link, *, limit_s: float = OPEN_LIMIT_S) -> ReplDelivery:
    """Stop the program on ``link`` and see what it is; it is started again by ``close()``.

    Raises :class:`BoardHasNoDelivery` if no Python prompt came in about ``limit_s``. The link
    belongs to the delivery from now on and is closed if this raises.
    """
    delivery = ReplDelivery(link, limit_s=limit_s)
    try:
        await delivery.identify()
    except BaseException:
        await delivery.close()
        raise
    return delivery


class ReplDelivery:
    """See :class:`agent.sessions.delivery.Delivery`; made by :func:`open_repl`."""

    kind: Literal["repl"] = "repl"

    def __init__(self, link: Link, *, limit_s: float = OPEN_LIMIT_S) -> None:
        self._wire = ReplWire(link)
        self._limit_s = limit_s
        self._one_request = asyncio.Lock()
        self._toml = False
        self._files = repl_code.Files("", "mooring", "json")
        self._spoken = SpokenState()

    async def identify(self) -> BoardHardware:
        """What the board is and holds; nothing is written."""
        async with self._one_request:
            with _told("tell what it is"):
                return await self._identify()

    async def put(self, settings: BoardSettings, progress: Callable[[int, int], None]) -> None:
        """Replace these settings in the board's file, and start its program with them."""
        values = board_keys.flatten(settings)
        async with self._one_request:
            await self._replace(values, board_keys.groups(settings), progress)

    async def erase(self) -> None:
        """Remove our settings from the file; the file too, if nothing else is in it."""
        async with self._one_request:
            await self._replace({}, ("network", "cloud"), lambda _done, _total: None)

    async def cloud_state(self, limit_s: float) -> CloudState:
        """Listen for the line that a program may print (docs/micropython.md)."""
        async with self._one_request:
            if self._wire.stopped:
                await self._wire.restart()
            try:
                async with asyncio.timeout(limit_s):
                    return await self._hear_state()
            except TimeoutError:
                return CloudState(outcome="unknown")

    async def close(self) -> None:
        """Start the board's program again if it was stopped; never raises."""
        try:
            if self._wire.stopped:
                with contextlib.suppress(MooringError, TimeoutError):
                    async with asyncio.timeout(CLOSE_LIMIT_S):
                        await self._wire.restart()
        finally:
            await self._wire.close()

    # --- inside ------------------------------------------------------------------------------

    async def _identify(self) -> BoardHardware:
        await self._enter()
        told = await self._wire.ask(repl_code.IDENTIFY)
        name = told.get("name", "").lower()
        self._toml = name == _CIRCUITPYTHON
        folder = told.get("folder", "")
        stem, suffix = ("settings", "toml") if self._toml else ("mooring", "json")
        self._files = repl_code.Files(folder, stem, suffix)
        holds = await self._wire.ask(repl_code.holds(self._files, toml=self._toml))
        family = _family(told.get("machine", ""), told.get("platform", ""))
        return BoardHardware(
            hardware_id=_hardware_id(told.get("id", ""), family, toml=self._toml),
            family=family,
            firmware={"micropython": "MicroPython", _CIRCUITPYTHON: "CircuitPython"}.get(
                name, clean_text(name)
            ),
            version=clean_text(told.get("version", "")),
            holds=decode_text(_from_hex(holds.get("holds", ""))),
            networks=True,
        )

    async def _enter(self) -> None:
        if not self._wire.ready:
            await self._wire.enter(self._limit_s)

    async def _replace(
        self,
        values: Mapping[str, bytes],
        groups: Collection[Group],
        progress: Callable[[int, int], None],
    ) -> None:
        """All of a delivery. The board's program runs again behind it, however it ends."""
        self._spoken = SpokenState()
        try:
            with _told("take the file"):
                await self._identify()
                await self._make_room()
                old = await self._read(self._files.current)
                new = self._merged(old, values, groups)
                if new != old:
                    await self._write(new, progress)
                await self._wire.run(repl_code.LOCK)
        except MooringError:
            await self._tidy_up()
            raise
        progress(len(new), len(new))
        # It holds the settings: what goes wrong from here on is no failure of the delivery.
        with contextlib.suppress(MooringError):
            await self._wire.restart()

    async def _tidy_up(self) -> None:
        """Take away what was begun, if the board still listens."""
        if not self._wire.ready:
            return
        with contextlib.suppress(MooringError, BoardSaid, TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._wire.run(repl_code.drop_new(self._files))
                await self._wire.run(repl_code.LOCK)

    def _merged(self, old: bytes, values: Mapping[str, bytes], groups: Collection[Group]) -> bytes:
        merge = repl_files.merge_toml if self._toml else repl_files.merge_json
        try:
            new = merge(old, values, groups)
        except repl_files.NotText as problem:
            key = board_keys.BY_NAME[str(problem)]
            why = "It is no text, and the file of the board holds text only."
            raise SettingNotTaken(field=key.field, why=why, group=key.group) from None
        if len(new) > repl_files.FILE_BYTES:
            raise SettingsTooLong(
                field=self._files.current, size=len(new), limit=repl_files.FILE_BYTES
            )
        return new

    async def _make_room(self) -> None:
        told = await self._wire.ask(repl_code.make_room(self._files))
        number = told.get("write", "")
        if number == str(repl_code.READ_ONLY):
            raise DriveInTheWay
        if number != "0":
            raise DeliveryFailed(why=f"Its file system cannot be written (error {number}).")

    async def _read(self, name: str) -> bytes:
        output = await self._wire.run(repl_code.read(name, repl_files.FILE_BYTES))
        error = repl_code.said(output).get("error")
        if error == str(repl_code.NOT_THERE):
            return b""
        if error is not None:
            raise DeliveryFailed(why=f"Its file {name} cannot be read (error {error}).")
        try:
            data = repl_code.content(output)
        except ValueError:
            raise DeliveryFailed(why=f"Its file {name} did not arrive whole.") from None
        if len(data) >= repl_files.FILE_BYTES:
            raise DeliveryFailed(why=f"Its file {name} is longer than any file of settings.")
        return data

    async def _write(self, new: bytes, progress: Callable[[int, int], None]) -> None:
        files = self._files
        if not new:
            await self._commit(repl_code.remove(files))
            return
        try:
            for done, code in repl_code.write(files, new):
                await self._wire.run(code)
                progress(done, len(new))
        except BoardSaid as problem:
            if problem.number != repl_code.NO_ROOM:
                raise
            # What was written of it is taken away before the room is measured.
            await self._wire.run(repl_code.drop_new(files))
            told = await self._wire.ask(repl_code.make_room(files))
            room = told.get("room", "")
            limit = int(room) if room.isdigit() and len(room) < 12 else None
            raise SettingsTooLong(
                field="all settings together", size=len(new), limit=limit
            ) from None
        await self._prove(files.new, new)
        await self._commit(repl_code.commit(files))
        await self._prove(files.current, new)

    async def _prove(self, name: str, new: bytes) -> None:
        """The board has the file: by its digest, or where it knows none, by reading it."""
        found = (await self._wire.ask(repl_code.digest(name))).get("sha256")
        if found is None:
            found = repl_code.sha256(await self._read(name))
        if found != repl_code.sha256(new):
            raise DigestDiffers(why=f"{name} is not what was written.")

    async def _commit(self, code: bytes) -> None:
        try:
            told = await self._wire.ask(code)
        except DeliveryFailed:
            raise DeliveryUnproven from None
        if "done" not in told:
            raise DeliveryUnproven

    async def _hear_state(self) -> CloudState:
        while True:
            state = self._spoken.feed(await self._wire.listen())
            if state is not None:
                return state


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except BoardSaid as problem:
        raise DeliveryFailed(why=f"It could not {what}: {problem.words}.") from None


def _family(machine: str, platform: str) -> str:
    """The chip: boards say “NAME with CHIP”."""
    chip = re.search(r" with (\S+)$", machine)
    return clean_text(chip[1] if chip else platform).lower()


def _hardware_id(digits: str, family: str, *, toml: bool) -> str:
    """The hardware id; CircuitPython swaps the two digits of each byte of an Espressif chip's.

    Source: adafruit/circuitpython: ports/espressif/common-hal/microcontroller/Processor.c.
    """
    found = _from_hex(digits).hex()
    if toml and family.startswith(_ESPRESSIF):
        return "".join(found[place + 1] + found[place] for place in range(0, len(found), 2))
    return found


def _from_hex(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""
