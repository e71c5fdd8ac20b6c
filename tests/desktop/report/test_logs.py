"""The end of the logs."""

from __future__ import annotations

from agent.desktop.report.logs import LINE_CHARS, LOG_LINES, OTHER_LINES, newest_logs


def test_the_newest_lines_of_each_log_and_a_crash(tmp_path):
    log = tmp_path / "mooring.log"
    log.write_text("".join(f"new {n}\n" for n in range(10)))
    (tmp_path / "mooring.log.1").write_text("".join(f"old {n}\n" for n in range(1000)))
    (tmp_path / "mooring-2.log").write_text("".join(f"second {n}\n" for n in range(100)))
    (tmp_path / "mooring.crash").write_text("Fatal Python error\n")
    (tmp_path / "other.log").write_text("not ours\n")
    found = dict(newest_logs(log))
    assert list(found) == ["mooring.log", "mooring-2.log", "mooring.crash"]
    assert len(found["mooring.log"]) == LOG_LINES
    assert found["mooring.log"][-11:] == ["old 999", *(f"new {n}" for n in range(10))]
    assert found["mooring-2.log"] == [f"second {n}" for n in range(100 - OTHER_LINES, 100)]


def test_no_log_is_no_part_and_a_huge_one_is_not_read_whole(tmp_path):
    log = tmp_path / "mooring.log"
    assert newest_logs(log) == []
    assert newest_logs(tmp_path / "none" / "mooring.log") == []
    log.write_bytes(b"\xff\xfe" + b"x" * 3_000_000 + b"\n" + b"y" * 5000 + b"\nlast\n")
    ((_, lines),) = newest_logs(log)
    assert lines == ["y" * LINE_CHARS + "…", "last"]
