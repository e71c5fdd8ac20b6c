"""A host and a board of the console on a wire that can fail, in time that is only counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.protocols import board_keys
from agent.protocols.console import talk
from agent.protocols.console.board import BoardConsole
from agent.protocols.console.host import HostMachine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FACTS = {"id": "3cc661051a2b", "family": "esp32", "firmware": "bench", "version": "1.0"}
OLD = {"wifi_ssid": b"Old", "wifi_pass": b"old secret", "tb_host": b"old.test", "tb_name": b"old"}
NEW = {
    "tb_host": b"tb.test",
    "tb_name": "bench 7 🧀 mooring moored".encode(),
    "tb_port": b"8883",
    "tb_tls": b"1",
    "tb_token": b"x" * 20,
    "tb_ca": b"-----BEGIN CERTIFICATE-----\n" + b"MIIB+/=\n" * 60 + b"-----END CERTIFICATE-----\n",
    "wifi_pass": bytes(range(1, 60)),
    "wifi_ssid": b"Lab *1234 % moored 1 ok",
}


@dataclass
class Memory:
    """Whole at all times."""

    values: dict[str, bytes] = field(default_factory=lambda: dict(OLD))
    works: bool = True

    def read(self) -> dict[str, bytes]:
        return dict(self.values)

    def write(self, values: Mapping[str, bytes]) -> bool:
        if self.works:
            self.values = dict(values)
        return self.works


class Wire:
    """``to_board`` and ``to_host`` see each write with its number and return what arrives."""

    def __init__(self, memory: Memory | None = None, session: str = "5f3a91c2") -> None:
        self.memory = memory or Memory()
        self.host = HostMachine(session)
        self.now = 0.0
        self.writes = 0
        self.answers = 0
        self.heard: list[bytes] = []
        self.facts = dict(FACTS)
        self.table_bytes = 1 << 16
        self.keys = frozenset(board_keys.BY_NAME)
        self.to_board: Callable[[int, bytes], bytes] = lambda _, data: data
        self.to_host: Callable[[int, bytes], bytes] = lambda _, data: data
        self.restart()

    def restart(self) -> None:
        self.board = BoardConsole(
            self.memory, self.facts, keys=self.keys, table_bytes=self.table_bytes
        )

    def put(self, values: Mapping[str, bytes] = NEW, *groups: board_keys.Group) -> talk.Result:
        board = talk.Hello({name: value.encode() for name, value in self.facts.items()})
        return self.run(talk.put(self.host.session, board, groups or ("network", "cloud"), values))

    def run(self, conversation: talk.Conversation) -> talk.Result:
        self.host.start(conversation, self.now)
        while self.host.result is None:
            self.turn()
        return self.host.result

    def turn(self) -> None:
        """One write, or the next moment at which the host does something by itself."""
        writes = self.host.take_writes()
        for data in writes:
            self.heard.append(data)
            arrived = self.to_board(self.writes, data)
            self.writes += 1
            for answer in self.board.hear(arrived):
                back = self.to_host(self.answers, answer)
                self.answers += 1
                self.host.receive(back, self.now)
        if not writes:
            self.now = self.host.next_deadline
            self.host.tick(self.now)
