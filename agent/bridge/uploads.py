"""Files on their way in: a peer offers one, sends its bytes, and names it when it starts a job.

Offers have a bound each, per peer, per foreign party and in total, all counted from the size that
was offered; an offer ends with its peer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from agent.bridge import limits
from agent.errors import InputError, RateExceeded
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.bridge.peer import Peer


class Offer:
    """One file: how much of it has come."""

    __slots__ = ("_data", "came", "name", "size")

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        """Bytes that were offered."""
        self.came = 0
        """Bytes that came, also those that were too many."""
        self._data = bytearray()

    def add(self, data: bytes) -> None:
        """More of the file; nothing is kept of one that has more than was offered."""
        self.came += len(data)
        if self.came <= self.size:
            self._data += data
        else:
            self._data.clear()

    def content(self) -> bytes:
        """All of it; raises :class:`InputError` until exactly the offered size has come."""
        if self.came > self.size:
            problem = f"came with more than the {self.size} bytes that were offered"
            raise InputError(field="image", problem=problem)
        if self.came < self.size:
            raise InputError(field="image", problem=f"has {self.came} of {self.size} bytes")
        return bytes(self._data)


class Uploads:
    """All offers of the agent."""

    def __init__(self) -> None:
        self._offered: dict[str, int] = {}
        """Bytes by party."""

    def offer(self, peer: Peer, name: str, size: int) -> int:
        """The number of a new offer; raises :class:`InputError` or :class:`RateExceeded`."""
        if size < 1:
            raise InputError(field="size", problem="is 0: the file is empty")
        if size > limits.IMAGE_BYTES:
            problem = f"is larger than {limits.IMAGE_BYTES} bytes"
            raise InputError(field="size", problem=problem)
        if len(peer.offers) >= limits.OFFERS:
            raise RateExceeded(what="files offered at once", limit=limits.OFFERS)
        mine = self._offered.get(peer.party, 0) + size
        if not peer.own and mine > limits.OFFERED_BYTES_PER_PARTY:
            raise _too_much(limits.OFFERED_BYTES_PER_PARTY)
        if sum(self._offered.values()) + size > limits.OFFERED_BYTES:
            raise _too_much(limits.OFFERED_BYTES)
        self._offered[peer.party] = mine
        number = peer.new_number()
        peer.offers[number] = Offer(clean_text(name), size)
        peer.hold(_name(number), partial(self.drop, peer, number))
        return number

    def find(self, peer: Peer, number: int) -> Offer:
        """The offer ``number`` of ``peer``; raises :class:`InputError`."""
        offer = peer.offers.get(number)
        if offer is None:
            raise InputError(field="image", problem=f"nothing was offered as {number}")
        return offer

    def drop(self, peer: Peer, number: int) -> None:
        """Forget an offer and what came of it; may be called again."""
        offer = peer.offers.pop(number, None)
        if offer is None:
            return
        peer.drop(_name(number))
        self._offered[peer.party] -= offer.size
        if not self._offered[peer.party]:
            del self._offered[peer.party]

    @property
    def bytes_offered(self) -> int:
        """What all peers together have offered and not used yet."""
        return sum(self._offered.values())


def _too_much(limit: int) -> RateExceeded:
    return RateExceeded(what="bytes of files offered at once", limit=limit)


def _name(number: int) -> str:
    return f"image {number}"
