"""The two boards of these tests: ours, and the example sketch compiled."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from agent.protocols import board_keys
from tests.protocols.console.wire import OLD, OurBoard, SketchBoard, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.protocols.console.wire import Board


@pytest.fixture(scope="session")
def all_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's console with all keys there are, as a program."""
    from tests.sessions.arduino_sketch import compile_console

    keys = " ".join(key.name + "!" * key.secret for key in board_keys.KEYS)
    program = tmp_path_factory.mktemp("sketch") / "all_keys"
    return compile_console(program, keys)


@pytest.fixture(
    # The first test waits for the compiler.
    params=["ours", pytest.param("example", marks=[pytest.mark.needs("g++")])]
    if sys.platform != "win32"
    else ["ours"]
)
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Board]:
    """A board that holds ``OLD``."""
    made: Board
    if request.param == "ours":
        made = OurBoard()
    else:
        made = SketchBoard(request.getfixturevalue("all_keys"), tmp_path / "eeprom")
    made.hold(OLD)
    yield made
    made.close()


@pytest.fixture
def wire(board: Board) -> Wire:
    """A host and that board."""
    return Wire(board)
