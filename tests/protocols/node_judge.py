"""A script of the judge ``socketio`` as a child that reads and writes lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import system_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = Path(__file__).parents[1] / "judges" / "socketio"


def command(script: str) -> tuple[list[str], dict[str, str]]:
    """How it is started, and its environment."""
    judge = system_parts.PARTS["socketio"].judge
    assert isinstance(judge, system_parts.NodeJudge)
    environ = {**os.environ, "NODE_PATH": str(judge.modules)}
    return ["node", str(SCRIPTS / script)], environ


class Child:
    """Asks the script and waits for its answer."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, operation: str, argument: object) -> Any:
        """One line there, one line back."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([operation, argument]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def running(script: str) -> Iterator[Child]:
    """The child until it is not needed any more."""
    arguments, environ = command(script)
    with subprocess.Popen(
        arguments,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        yield Child(process)
