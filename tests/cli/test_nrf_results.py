"""What became of rows, told to people and to programs."""

from __future__ import annotations

import io
import json
from pathlib import Path

from agent.cli.nrf_results import Results
from agent.cli.output import Output
from agent.errors import ExitStatus, NrfKeyRefused
from agent.protocols.nrf.csv import BadRow


def made(*, as_json: bool = False) -> tuple[Results, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    output = Output(as_json=as_json, out=out, err=err)
    return Results(output, "claimed", "was yours already"), out, err


def row(device: str, state: str, problem: str = "") -> dict[str, str]:
    return {"device_id": device, "state": state, "problem": problem}


def test_each_row_is_told_and_what_failed_is_left() -> None:
    results, out, err = made()
    results.rule("inactive")
    results.take([row("a", "done"), row("b", "before"), row("c", "failed", "not\x1b ours")])
    results.unread(Path("t.csv"), BadRow(7, "is cut"))
    assert [results.failed(each) for each in "abc"] == [False, False, True]
    assert results.end(Path("t-retry.csv"), "mooring nrf claim") is ExitStatus.FAILED
    lines = out.getvalue().splitlines()
    assert lines[1].split() == ["a", "claimed"]
    assert lines[-1] == "1 claimed; 1 was yours already; 1 failed; 1 could not be read."
    assert "\x1b" not in out.getvalue()
    assert "switched off" in err.getvalue()
    assert "t.csv, row 7: is cut" in err.getvalue()
    assert "mooring nrf claim t-retry.csv" in err.getvalue()


def test_an_error_in_the_middle_leaves_the_rest_for_another_time() -> None:
    results, out, _ = made(as_json=True)
    results.take([row("a", "done")])
    results.stopped(NrfKeyRefused(cloud="nRF Cloud", id="nrf", detail=""), ["b", "c"])
    assert results.failed("b")
    assert results.failed("c")
    assert results.end(None, "") is NrfKeyRefused.exit_status
    told = json.loads(out.getvalue())
    assert [each["state"] for each in told["rows"]] == ["done", "failed", "failed"]
    assert told["error"]["code"] == "nrf-cloud-key"


def test_all_well_is_a_success() -> None:
    results, out, _ = made()
    results.take([row("a", "done")])
    assert results.end(None, "") is ExitStatus.DONE
    assert out.getvalue().endswith("1 claimed.\n")
