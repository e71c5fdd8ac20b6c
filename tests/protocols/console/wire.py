"""A host and a board of the console on a wire that can fail, in time that is only counted.

The board is ours, or the example sketch of the documentation, compiled.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Protocol

from agent.protocols.console import talk
from agent.protocols.console.board import BoardConsole
from agent.protocols.console.host import HostMachine
from agent.protocols.console.lines import Line, encode_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from agent.protocols import board_keys

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


TABLE_BYTES = 4000
MARK = encode_line(Line("mooring", "00000000.0", ("status",)))


class Board(Protocol):
    """A board under power; ``values`` is what it would have after a loss of power."""

    hardware_id: str

    @property
    def values(self) -> dict[str, bytes]: ...

    def hold(self, values: Mapping[str, bytes]) -> None:
        """Have had these settings from the start."""

    def hear(self, data: bytes) -> list[bytes]: ...

    def restart(self) -> None: ...

    def report(self, state: str, detail: str) -> None: ...

    def wear_out(self) -> None:
        """Keep nothing from now on."""

    def close(self) -> None: ...


class OurBoard:
    """The board's side that simulated boards have."""

    def __init__(self) -> None:
        self.hardware_id = FACTS["id"]
        self.values: dict[str, bytes] = {}
        self.works = True
        self.restart()

    def hold(self, values: Mapping[str, bytes]) -> None:
        self.values = dict(values)

    def hear(self, data: bytes) -> list[bytes]:
        return self.console.hear(data)

    def restart(self) -> None:
        facts = {**FACTS, "id": self.hardware_id}
        self.console = BoardConsole(self, facts, table_bytes=TABLE_BYTES)

    def report(self, state: str, detail: str) -> None:
        self.console.state, self.console.detail = state, detail

    def wear_out(self) -> None:
        self.works = False

    def close(self) -> None:
        """Nothing is open."""

    def read(self) -> dict[str, bytes]:
        return dict(self.values)

    def write(self, values: Mapping[str, bytes]) -> bool:
        if self.works:
            self.values = dict(values)
        return self.works


class SketchBoard:
    """The example sketch, compiled; it is asked something after each write, to know that it heard."""

    def __init__(self, program: Path, eeprom: Path) -> None:
        self.hardware_id = FACTS["id"]
        self.eeprom = eeprom
        self.environ = {"MOORING_STATE": "idle", "MOORING_DETAIL": ""}
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def values(self) -> dict[str, bytes]:
        from tests.sessions.arduino_sketch import read_eeprom

        return read_eeprom(self.eeprom)

    def hold(self, values: Mapping[str, bytes]) -> None:
        from tests.sessions.arduino_sketch import write_eeprom

        self.close()
        write_eeprom(self.eeprom, values)
        self.restart()

    def hear(self, data: bytes) -> list[bytes]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(data + b"\r\n" + MARK)
        process.stdin.flush()
        answers: list[bytes] = []
        while (line := process.stdout.readline()) and b" 00000000.0 " not in line:
            answers.append(line)
        return answers

    def restart(self) -> None:
        self.close()
        own = {"MOORING_EEPROM": str(self.eeprom), "MOORING_ID": self.hardware_id, **self.environ}
        pipe = subprocess.PIPE
        environ = {**os.environ, **own}
        self._process = subprocess.Popen([self._program], stdin=pipe, stdout=pipe, env=environ)

    def report(self, state: str, detail: str) -> None:
        self.environ |= {"MOORING_STATE": state, "MOORING_DETAIL": detail}
        self.restart()

    def wear_out(self) -> None:
        self.environ["MOORING_WRITES_LEFT"] = "none"
        self.restart()

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


class Wire:
    """``to_board`` and ``to_host`` see each write with its number and return what arrives."""

    def __init__(self, board: Board, session: str = "5f3a91c2") -> None:
        self.board = board
        self.host = HostMachine(session)
        self.now = 0.0
        self.writes = 0
        self.answers = 0
        self.heard: list[bytes] = []
        self.to_board: Callable[[int, bytes], bytes] = lambda _, data: data
        self.to_host: Callable[[int, bytes], bytes] = lambda _, data: data

    def put(self, values: Mapping[str, bytes] = NEW, *groups: board_keys.Group) -> talk.Result:
        board = talk.Hello({"id": FACTS["id"].encode()})
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
