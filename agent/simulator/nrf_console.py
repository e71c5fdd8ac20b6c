"""What a simulated nRF91 board's port speaks: raw AT commands, or a Zephyr shell.

Source: nrfconnect/sdk-nrf lib/at_host and lib/at_shell; zephyr subsys/shell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.nrf_config import NrfConfig

PROMPT: Final = "uart:~$ "
WIDTH: Final = 80
"""Columns after which a shell breaks its echo."""
_BACK: Final = "\x1b[8D\x1b[J"
"""Back over the prompt, and away with it."""
_LEVELS: Final = {"inf": "", "wrn": "\x1b[1;33m", "err": "\x1b[1;31m", "dbg": ""}


class Console(Protocol):
    """One end of the port."""

    def hear(self, data: bytes) -> None:
        """Bytes of a host."""

    def start(self) -> None:
        """The firmware started."""

    def print(self, text: str) -> None:
        """A line of the program."""

    def log(self, level: str, module: str, text: str, seconds: float) -> None:
        """A line of the log."""


class RawConsole:
    """AT commands, a line each; a line end inside quotes belongs to the command."""

    def __init__(
        self,
        config: NrfConfig,
        write: Callable[[bytes], None],
        execute: Callable[[str], list[str]],
    ) -> None:
        self._config = config
        self._write = write
        self._execute = execute
        self._line = ""
        self._quoted = False

    def start(self) -> None:
        """See :class:`Console`."""
        self._line, self._quoted = "", False

    def hear(self, data: bytes) -> None:
        """See :class:`Console`."""
        for character in data.decode("latin-1"):
            if self._config.echo:
                self._write(character.encode("latin-1"))
            if character in "\r\n" and not self._quoted:
                line, self._line = self._line, ""
                if line.strip():
                    for answer in self._execute(line):
                        self.print(answer)
                continue
            self._quoted ^= character == '"'
            self._line += character

    def print(self, text: str) -> None:
        """See :class:`Console`."""
        self._write(text.encode() + b"\r\n")

    def log(self, level: str, module: str, text: str, seconds: float) -> None:
        """See :class:`Console`."""
        self.print(log_line(level, module, text, seconds, colours=False))


class ShellConsole:
    """A Zephyr shell: prompt, echo, colours."""

    def __init__(
        self,
        config: NrfConfig,
        write: Callable[[bytes], None],
        execute: Callable[[list[str]], list[str]],
    ) -> None:
        self._config = config
        self._write = write
        self._execute = execute
        self._line = ""
        self._last = ""

    def start(self) -> None:
        """See :class:`Console`."""
        self._line = ""
        self._say(f"\r\n{self._prompt}")

    def hear(self, data: bytes) -> None:
        """See :class:`Console`."""
        for character in data.decode("latin-1"):
            before, self._last = self._last, character
            if character == "\n" and before == "\r":
                continue
            if character in "\r\n":
                self._run()
            elif len(self._line) < self._config.line_bytes:
                self._line += character
                self._echo(character)

    def print(self, text: str) -> None:
        """See :class:`Console`."""
        self._say(f"{_BACK}{text}\r\n{self._prompt}{self._line}")

    def log(self, level: str, module: str, text: str, seconds: float) -> None:
        """See :class:`Console`."""
        self.print(log_line(level, module, text, seconds, colours=self._config.colours))

    # --- inside ------------------------------------------------------------------------------

    @property
    def _prompt(self) -> str:
        return f"\x1b[1;32m{PROMPT}\x1b[m" if self._config.colours else PROMPT

    def _echo(self, character: str) -> None:
        if self._config.echo is False:
            return
        self._say(character)
        if (len(PROMPT) + len(self._line)) % WIDTH == 0:
            self._say("\r\n")

    def _run(self) -> None:
        line, self._line = self._line, ""
        self._say("\r\n")
        for answer in self._execute(words(line)) if line.strip() else []:
            self._say(f"{answer}\r\n")
        self._say(self._prompt)

    def _say(self, text: str) -> None:
        self._write(text.encode())


def words(line: str) -> list[str]:
    """A line cut as the shell does: quotes hold together what is between them, and go."""
    found: list[str] = []
    word, quote, begun = "", "", False
    for character in line:
        if quote:
            if character == quote:
                quote = ""
            else:
                word += character
        elif character in "\"'":
            quote, begun = character, True
        elif character == " ":
            if begun or word:
                found.append(word)
            word, begun = "", False
        else:
            word += character
    return [*found, word] if begun or word else found


def log_line(level: str, module: str, text: str, seconds: float, *, colours: bool) -> str:
    """A line as Zephyr's log writes it."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    time = f"[{hours:02}:{minutes:02}:{int(rest):02}.{int(rest * 1000) % 1000:03},{0:03}]"
    if not colours:
        return f"{time} <{level}> {module}: {text}"
    return f"{time} \x1b[0m{_LEVELS[level]}<{level}> {module}: {text}\x1b[0m"
