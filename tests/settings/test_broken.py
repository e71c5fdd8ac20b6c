"""What is said of a file that is no TOML."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.settings.broken import encoding_problem, syntax_problem
from agent.settings.load import parse_settings


def said(text):
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    return syntax_problem(text, str(caught.value))


@pytest.mark.parametrize(
    ("text", "line", "problem", "mend"),
    [
        ("[log]\nlevel = debug\n", 2, "the value of log.level cannot be read", "in quotes"),
        ("[updates]\ncheck = True\n", 2, "the value of updates.check", "small letters"),
        ("[log]\nlevel = 'a'\nlevel = 'b'\n", 3, "is there twice; the other one", "Keep one"),
        ("[log]\n\n\n[ports]\n[log]\n", 5, "[log] is there twice", "on line 1, and delete"),
        ("log.level = 'a'\n[log]\n", 2, "[log] is there twice", "delete this header"),
        ('[log]\nlevel = "x\n', 2, "log.level has no end", "Close the quotes"),
        ("[ports]\nignore = [\n'a',\n\n[log]\n", 2, "ports.ignore has no end", "brackets"),
        ('[log]\nlevel = """x\n\n\n', 2, "log.level has no end", "Close"),
        ("[log\n", 1, "not valid TOML: Expected", "A line is a [section]"),
        ("[log]\nlevel 'x'\n", 2, "not valid TOML: Expected '='", "name = value"),
        ("= 1\n", 1, "not valid TOML: Invalid statement", "name = value"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_mend(text, line, problem, mend):
    found = said(text)
    assert (found.line, problem in found.problem, mend in found.mend) == (line, True, True), found


@pytest.mark.parametrize(
    "value",
    [
        r'"C:\Users\me\esptool.exe"',
        r'"C:\Program Files\esptool.exe"',
        r'"C:\xampp\esptool.exe"',
        r'"C:\esptool\"',
        r'"\\server\share\esptool"',
    ],
)
def test_a_windows_path_in_double_quotes_leads_to_single_ones(value):
    found = said(f"[flash.tools]\n# where it is\nesptool = {value}\n")
    assert found.line == 3
    assert found.key == "flash.tools.esptool"
    assert "single quotes" in found.mend


def test_a_backslash_in_single_quotes_is_not_blamed():
    found = said("[flash.tools]\nesptool = 'C:\\x' y\n")
    assert "single quotes" not in found.mend


@pytest.mark.parametrize(
    ("data", "at", "problem", "line"),
    [
        (b"\xff\xfea\0", 0, "UTF-16", None),
        (b"a = 1\nb\xe9", 7, "not UTF-8", 2),
        (b"a = 1\n\n\0", 7, "a zero byte", 3),
    ],
)
def test_another_encoding_is_told(data, at, problem, line):
    found = encoding_problem(data, at)
    assert (problem in found.problem, found.line) == (True, line)


@given(
    st.binary(max_size=80)
    | st.text(alphabet="ab.=\"'[]{}#\\\n\r\t ,1é\0", max_size=80).map(str.encode)
    | st.lists(
        st.sampled_from(
            ["[log]", "level=", "'x'", "\n", '"', '"""', "[", "]", "{", "}", "=", "1", "log.", ","]
        )
    ).map(lambda parts: "".join(parts).encode())
)
def test_whatever_a_file_holds_it_is_taken_or_explained(data):
    found = parse_settings(data)
    lines = data.count(b"\n") + 1
    for problem in found.problems:
        assert problem.problem
        assert problem.mend.endswith((".", "?"))
        assert problem.line is None or 1 <= problem.line <= lines
        assert problem.problem.isprintable()
