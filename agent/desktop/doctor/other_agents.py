"""Whether another agent answers where pages of Arduino look for one.

Pages ask the ports from 8991 on all at once and take the lowest one that answers ``/info`` like an
agent; two agents that run beside each other is what the vendor's forum has most. Source:
agent-api-compat, sections 2, 3.1 and 16.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

import msgspec

from agent.desktop.doctor.bridge_ports import is_free, listener_on
from agent.desktop.doctor.found import fine, found
from agent.desktop.doctor.holders import KNOWN
from agent.errors import Level
from agent.links.holder import PROC
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.desktop.doctor.found import Found
    from agent.settings.config import BridgeConfig

AREA: Final = "page"
PORTS: Final = range(8991, 9001)
"""Where the original agent listens; pages ask all of them but the last."""
ANSWER_LIMIT_S: Final = 5.0
"""An agent on this computer answers in milliseconds, a busy one in some hundred."""
ANSWER_BYTES: Final = 64 * 1024
"""Longest answer that is read; that of an agent has some hundred bytes."""
_BLANK: Final = b"\r\n\r\n"


class _Info(msgspec.Struct, frozen=True):
    """What pages need of an agent's ``/info``."""

    version: str
    http: str
    ws: str
    update_url: str


class OtherAgents:
    """Asks each port that is taken as a page does."""

    area = AREA

    def __init__(
        self,
        own_port: Callable[[], int | None],
        *,
        bridge: BridgeConfig,
        wanted: Callable[[], bool] = lambda: True,
        ports: range = PORTS,
        proc: Path = PROC,
    ) -> None:
        """``own_port``: where the running agent of this user answers, if one does.

        ``bridge``: where it would, if it were started now. ``wanted``: whether it is to answer
        pages of Arduino at all.
        """
        self._own_port = own_port
        self._bridge = bridge
        self._wanted = wanted
        self._ports = ports
        self._proc = proc

    async def look(self) -> Sequence[Found]:
        """One finding for each other agent; nothing where Mooring is none for such pages."""
        if not self._wanted():
            return []
        own = self._own_port()
        taken = await asyncio.to_thread(self._taken, own)
        answers = await asyncio.gather(*(ask_info(port) for port in taken))
        others = [
            await asyncio.to_thread(self._found, port, info, own or self._next_port())
            for port, info in zip(taken, answers, strict=True)
            if info is not None
        ]
        title = "No other agent answers where pages of Arduino look for one."
        return others or [fine(AREA, title)]

    def _taken(self, own: int | None) -> list[int]:
        return [port for port in self._ports if port != own and not is_free(port)]

    def _next_port(self) -> int | None:
        span = range(self._bridge.first_port, self._bridge.last_port + 1)
        return next((port for port in span if is_free(port)), None)

    def _found(self, port: int, info: _Info, own: int | None) -> Found:
        holder = listener_on(port, self._proc)
        who = "Another agent"
        if holder is not None:
            known, _ = KNOWN.get(holder.name, ("the program", ""))
            who = f"{known[0].upper()}{known[1:]} {holder}"
        version = clean_text(info.version, 40) or "?"
        if own is None or port < own:
            meaning = (
                "Pages made for the Arduino Create Agent take the lowest port that answers: they "
                "talk to that program and do not find Mooring."
            )
        else:
            meaning = (
                "Pages made for the Arduino Create Agent find Mooring first, but both programs "
                "want the same boards, and a page may hold on to the other one."
            )
        return found(
            AREA,
            "other-agent",
            Level.WARNING,
            f"{who} answers on port {port} as the Arduino Create Agent does (version {version}).",
            meaning,
            "Quit it in its tray menu (“Quit Agent”), take it out of the programs that are started "
            "at login, and then start Mooring again.",
            facts={
                "port": port,
                "version": version,
                "holder": None if holder is None else holder.name,
                "process": None if holder is None else holder.process,
            },
        )


async def ask_info(port: int) -> _Info | None:
    """What a program on a port of this computer says of itself; None: it is no agent."""
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                # With the old version of the protocol nobody answers in chunks.
                writer.write(f"GET /info HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                answer = b""
                while not _is_whole(answer) and len(answer) <= ANSWER_BYTES:
                    chunk = await reader.read(ANSWER_BYTES)
                    if not chunk:
                        break
                    answer += chunk
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError):
        return None
    head, _, body = answer.partition(_BLANK)
    if not re.match(rb"HTTP/1\.[01] 200\b", head):
        return None
    try:
        return msgspec.json.decode(body, type=_Info)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _is_whole(answer: bytes) -> bool:
    """Whether as much is there as it says; one that says nothing ends with its connection."""
    head, _, body = answer.partition(_BLANK)
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]{1,6})", head)
    return _BLANK in answer and length is not None and len(body) >= int(length[1])
