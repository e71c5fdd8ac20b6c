"""A ThingsBoard, boards for it, and computers with Mooring: each a process as a person starts it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import psutil

from tests.cli.conftest import ROOT, Ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NETWORK: Final = "MARKER-network"
PASSWORD: Final = "MARKER-wifi horse"
WRONG: Final = "MARKER-wrong horse"
SPEED: Final = "20"
BOARDS: Final = {
    # Delivery: what is simulated.
    "console": ("esp32", "--sketch", "console"),
    "repl": ("micropython",),
    "nvs": ("esp32s3", "--sketch", "nvs"),
}
SERIALS: Final = {"console": "CONSOLE-1", "repl": "PYTHON-1", "nvs": "NVS-1"}
LOOK_EVERY_S: Final = 0.1
"""At the command lines of all processes, while a command runs; each takes at least 0.3 s."""


class Program:
    """A process that prints where it is, and ends with its input."""

    def __init__(self, *words: str, environ: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent", *words], env=environ, stdin=pipe, stdout=pipe
        )

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()

    def ask(self, **command: Any) -> Any:
        """Send a command; its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.line())

    def close(self) -> None:
        """Close its input, and wait."""
        self.process.communicate()


class CommandLines:
    """Everything that stood on the command line of a process of this test."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._stop = threading.Event()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Look again and again, as long as the context lasts."""
        self._stop.clear()
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    self.seen.add("\0".join(process.cmdline()))


class Bench:
    """The server and the boards, for as long as it is not closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = folder / "ports"
        self.ports.mkdir()
        self.account_file = folder / "account.json"
        networks = folder / "networks.json"
        networks.write_text(json.dumps([{"ssid": NETWORK, "password": PASSWORD}]))
        environ = {
            **os.environ,
            "MOORING_HOME": str(folder / "nobody"),
            "PYTHONPATH": str(ROOT),
        }
        common = ("--speed", SPEED, "--networks", str(networks), "--announce", str(self.ports))
        self.server = Program(
            *("simulate", "thingsboard", "--json", "--until-stdin-closes"),
            *("--account", str(self.account_file)),
            environ=environ,
        )
        self.boards = [
            Program(
                *("simulate", *words, *common, "--serial-number", SERIALS[delivery]),
                "--until-stdin-closes",
                environ=environ,
            )
            for delivery, words in BOARDS.items()
        ]
        self.addresses = json.loads(self.server.line())
        for board in self.boards:
            assert board.line()
        self.account = json.loads(self.account_file.read_text())

    @property
    def devices(self) -> dict[str, Any]:
        """What the server has, by name."""
        return {each["name"]: each for each in self.server.ask(status=True)["devices"]}

    @property
    def secrets(self) -> list[str]:
        """What nobody but server, board and vault may hold in clear."""
        profile = self.account["profiles"][0]
        administrator = self.account["administrator"]["password"]
        return [PASSWORD, WRONG, profile["provision_secret"], administrator]

    def close(self) -> None:
        for program in (*self.boards, self.server):
            program.close()


class Computer:
    """A home of Mooring that sees the boards of a bench; what its commands printed is kept."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.bench = bench
        self.home = bench.folder / name
        self.home.mkdir()
        port = 20_000 + os.getpid() % 20_000
        self.home.joinpath("config.toml").write_text(
            f"[bridge]\nfirst_port = {port}\nlast_port = {port + 40}\n[updates]\ncheck = false\n"
            f"[ports]\nsystem = false\nsimulated = {json.dumps(str(bench.ports))}\n",
            encoding="utf-8",
        )
        self.environ = {
            **os.environ,
            "MOORING_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
        }
        self.lines = CommandLines()
        self.outputs: list[Ended] = []
        self._made: dict[str, Ended] = {}
        self._agent: subprocess.Popen[bytes] | None = None

    def start_agent(self) -> None:
        """From now on commands go through it."""
        pipe = subprocess.PIPE
        words = [sys.executable, "-m", "agent", "run", "--headless", "--json"]
        self._agent = subprocess.Popen(words, env=self.environ, stdout=pipe, stderr=pipe)
        assert self._agent.stdout is not None
        assert json.loads(self._agent.stdout.readline())["url"]

    def close(self) -> None:
        """End the agent; what it printed is kept, too."""
        agent, self._agent = self._agent, None
        if agent is not None:
            agent.send_signal(signal.SIGTERM)
            out, err = agent.communicate()
            self.outputs.append(Ended(agent.returncode, out.decode(), err.decode()))

    def run(self, *words: str, stdin: str = "", kept: bool = True, **environ: str) -> Ended:
        """A command to its end; ``kept``: its output must hold no secret."""
        with self.lines.watched():
            done = subprocess.run(
                [sys.executable, "-m", "agent", *words],
                env=self.environ | environ,
                input=stdin.encode(),
                capture_output=True,
                check=False,
            )
        ended = Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
        if kept:
            self.outputs.append(ended)
        return ended

    @property
    def login(self) -> tuple[str, ...]:
        """Words that enter the account, but for its secrets."""
        bench, profile = self.bench, self.bench.account["profiles"][0]
        return (
            *("cloud", "login", "thingsboard", "--set", f"server={bench.addresses['https']}"),
            *("--set", f"board_server={bench.addresses['mqtts']}"),
            *("--set", f"provision_key={profile['provision_key']}"),
            *("--set-file", f"ca={bench.addresses['ca']}"),
        )

    @property
    def provision_secret(self) -> str:
        return str(self.bench.account["profiles"][0]["provision_secret"])

    def provision(self, delivery: str, *words: str, password: str = PASSWORD) -> Ended:
        """Make a device of the board with this delivery, or of the first for a header file."""
        board = SERIALS.get(delivery, SERIALS["console"])
        return self.run(
            *("provision", board, "--cloud", "thingsboard", "--delivery", delivery, "--json"),
            *("--ssid", NETWORK, "--password-stdin", *words),
            stdin=password + "\n",
        )

    def provisioned(self, delivery: str) -> Ended:
        """The same, done once; the device is called after the computer and the delivery."""
        if delivery not in self._made:
            words = ["--name", self.device(delivery), "--yes"]
            if delivery == "header":
                words += ["--header", str(self.header)]
            self._made[delivery] = self.provision(delivery, *words)
        return self._made[delivery]

    def device(self, delivery: str) -> str:
        """What the device is called that is made so."""
        return f"{self.home.name}-{delivery}"

    @property
    def header(self) -> Path:
        return self.home / "mooring_settings.h"
