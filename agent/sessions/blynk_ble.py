"""A Blynk board of generation 2 (or Linux with the vendor's library) over Bluetooth LE.

The board follows its own attempt and says what came of it; after a failure it takes new settings over
the same link. A link that falls clears what was sent for the next attempt.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agent.errors import PortGone
from agent.links.ble_connect import Wanted
from agent.protocols.blynk import ble
from agent.protocols.blynk.failures import BY_CODE
from agent.protocols.blynk.info import INTERFACES_MAX, Interface, SeenNetwork, make_scan
from agent.sessions.blynk import (
    ANSWER_LIMIT_S,
    CONFIGURE_LIMIT_S,
    SCAN_LIMIT_S,
    Outcome,
    Told,
    no_wifi,
    refused,
    silent,
)
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.links.gatt import GattLink
    from agent.protocols.blynk.config import BlynkConfig, Way
    from agent.protocols.blynk.info import BoardInfo, Scan

BLYNK: Final = Wanted(
    service=ble.SERVICE_UUID, to_board=ble.TO_BOARD_UUID, from_board=ble.FROM_BOARD_UUID
)
"""What a link for Blynk needs of a device."""


class BlynkBle:
    """See :class:`agent.sessions.blynk.BlynkSession`. The link belongs to it from now on."""

    way: Way = "ble"

    def __init__(
        self,
        link: GattLink,
        *,
        configure_limit_s: float = CONFIGURE_LIMIT_S,
        answer_limit_s: float = ANSWER_LIMIT_S,
    ) -> None:
        self._link = link
        self._subscribed = False
        self._answer_limit_s = answer_limit_s
        self.configure_limit_s = configure_limit_s
        """A board that is simulated faster has less."""

    async def info(self) -> BoardInfo:
        """See the interface."""
        said = await self._ask("info", {"info"}, self._answer_limit_s)
        board = said[-1].board if isinstance(said[-1], ble.Info) else None
        if board is None:
            raise refused("say what it is", _words(said[-1]))
        listed = await self._ask("ifs", {"ifs_end"}, self._answer_limit_s)
        interfaces = [each.what for each in listed if isinstance(each, ble.Found)]
        found = tuple(each for each in interfaces if isinstance(each, Interface))
        return replace(board, interfaces=found[:INTERFACES_MAX])

    async def scan(self) -> Scan:
        """See the interface."""
        heard = await self._ask("scan", {"scan_end"}, SCAN_LIMIT_S)
        if any(isinstance(each, ble.Refused) for each in heard):
            raise no_wifi()
        found = [each.what for each in heard if isinstance(each, ble.Found)]
        return make_scan(each for each in found if isinstance(each, SeenNetwork))

    async def configure(self, config: BlynkConfig, told: Callable[[Told], None]) -> Outcome:
        """See the interface; a link that falls is :class:`PortGone`, with nothing left to send."""
        config.check_for(self.way, 2)
        for part in ble.encode_config(config):
            answer = (await self._exchange(part, {"set_ok", "set_fail"}, self._answer_limit_s))[-1]
            if answer != ble.Said("set_ok"):
                raise refused("take its settings", _words(answer))
        begun = (await self._ask("connect", {"connecting"}, self._answer_limit_s))[-1]
        if isinstance(begun, ble.Failed):
            return Outcome("failed", begun.failure)
        if begun != ble.Said("connecting"):
            raise refused("connect", _words(begun))
        told(Told("sent"))
        return await self._follow(told)

    async def give_up(self) -> None:
        """Nothing: the board gives up by itself."""

    async def reset(self) -> None:
        """See the interface."""
        answer = (await self._ask("reset", {"reset_ok"}, self._answer_limit_s))[-1]
        if answer != ble.Said("reset_ok"):
            raise refused("forget its settings", _words(answer))

    async def reboot(self) -> None:
        """See the interface."""
        await self._link.write(ble.TO_BOARD_UUID, ble.encode("reboot"))

    async def close(self) -> None:
        """See the interface."""
        await self._link.close()

    # --- inside ------------------------------------------------------------------------------

    async def _follow(self, told: Callable[[Told], None]) -> Outcome:
        joined = False
        try:
            async with asyncio.timeout(self.configure_limit_s):
                while True:
                    match await self._next():
                        case ble.Failed(failure):
                            return Outcome("failed", failure, joined)
                        case ble.Status("connected"):
                            told(Told("connected"))
                            return Outcome("connected", joined=True)
                        case ble.Status("connecting_net"):
                            told(Told("joining"))
                        case ble.Status("connecting_cloud"):
                            joined = True
                            told(Told("connecting"))
                        case ble.NetStatus(address) if address not in {"", "0.0.0.0"}:  # noqa: S104  (none yet)
                            joined = True
                            told(Told("joined", clean_text(address)))
        except TimeoutError:
            return Outcome("unknown", joined=True) if joined else Outcome("failed", BY_CODE[701])
        except PortGone:
            if joined:  # boards end their Bluetooth once they are online
                return Outcome("unknown", joined=True)
            raise

    async def _ask(self, kind: str, ends: set[str], limit_s: float) -> list[ble.Heard]:
        return await self._exchange(ble.encode(kind), ends, limit_s)

    async def _exchange(self, message: bytes, ends: set[str], limit_s: float) -> list[ble.Heard]:
        """Write, and hear until one of these words; an error or a failure ends it too."""
        if not self._subscribed:
            await self._link.subscribe([ble.FROM_BOARD_UUID])
            self._subscribed = True
        await self._link.write(ble.TO_BOARD_UUID, message)
        heard: list[ble.Heard] = []
        try:
            async with asyncio.timeout(limit_s):
                while not heard or not _is_end(heard, ends):
                    heard.append(await self._next())
        except TimeoutError:
            why = "Over Bluetooth it has Blynk's service, but does not use it."
            raise silent(why, limit_s) from None
        return heard

    async def _next(self) -> ble.Heard:
        _, value = await self._link.receive()
        return ble.parse(value)


def _is_end(heard: list[ble.Heard], ends: set[str]) -> bool:
    last = heard[-1]
    if isinstance(last, ble.Said):
        return last.word in ends
    if isinstance(last, ble.Info):
        return "info" in ends
    # A list that began is ended, even by boards that have nothing to list.
    began = any(isinstance(each, ble.Said) and each.word.endswith("_start") for each in heard)
    return isinstance(last, ble.Failed) or (isinstance(last, ble.Refused) and not began)


def _words(heard: ble.Heard) -> str:
    return heard.words if isinstance(heard, ble.Refused) else ""
