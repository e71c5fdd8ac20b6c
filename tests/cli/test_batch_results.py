"""The list of results: whole lines, each row once, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from agent.cli.batch_results import COLUMNS, Results
from agent.errors import InputError
from agent.jobs.batch_records import Kept

if TYPE_CHECKING:
    from pathlib import Path

ERROR = InputError(field="name", problem="is taken").report()
DONE = Kept(
    n=1, state="done", device="=cmd()", board="a,b", seconds=1.26, ended_at=10.0, link="https://x"
)
FAILED = Kept(n=2, state="failed", board='say "b"\n', error=ERROR, ended_at=11.5)


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode())))


def test_a_line_for_each_row_below_the_names_of_the_columns(tmp_path: Path):
    path = tmp_path / "out.csv"
    results = Results(path)
    assert not path.exists()
    results.add(DONE)
    results.add(FAILED)
    first, second = rows(path)
    assert tuple(first) == COLUMNS
    assert first["device"] == "'=cmd()"
    assert (first["board"], first["seconds"], first["error"]) == ("a,b", "1.3", "")
    assert first["ended_at"] == "1970-01-01T00:00:10.000+00:00"
    assert (second["board"], second["error"], second["row"]) == ('say "b"·', "input", "2")


def test_what_a_kill_kept_from_being_written_is_added_once(tmp_path: Path):
    path = tmp_path / "out.csv"
    Results(path).add(DONE)
    path.write_bytes(path.read_bytes()[:-9])
    for _ in range(2):
        results = Results(path)
        results.catch_up([DONE, FAILED])
    numbers = [row["row"] for row in rows(path)]
    assert numbers == ["1", "1", "2"]


def test_a_row_that_is_tried_again_has_another_line(tmp_path: Path):
    path = tmp_path / "out.csv"
    results = Results(path)
    results.add(FAILED)
    results.add(Kept(n=2, state="done", ended_at=20.0))
    Results(path).catch_up([Kept(n=2, state="done", ended_at=20.0)])
    assert [row["state"] for row in rows(path)] == ["failed", "done"]


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path: Path):
    with pytest.raises(InputError):
        Results(tmp_path)
    with pytest.raises(InputError):
        Results(tmp_path / "absent" / "out.csv")
