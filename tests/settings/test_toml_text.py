"""Where in a TOML text each key stands."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.settings.toml_text import line_of, statements, toml_literal

TEXT = """\
# what is this [log] about
top.dotted = 1   # why

[log]  # levels
level = "debug # no comment"
'quoted key' = '''
level = "not me"
'''

[ports]
ignore = [
  "COM7", # the CNC ] machine
  'COM\\8',
]
extra = { a = "}", b = [1, 2] } # end
[flash.tools]
"dfu\\u002dutil" = \"\"\"a\\\"\"\"b\"\"\"\"
"""


def test_statements_stand_where_they_are_written():
    tomllib.loads(TEXT)
    found = [(each.path, each.table, each.line) for each in statements(TEXT)]
    assert found == [
        (("top", "dotted"), (), 2),
        (("log",), ("log",), 4),
        (("log", "level"), ("log",), 5),
        (("log", "quoted key"), ("log",), 6),
        (("ports",), ("ports",), 10),
        (("ports", "ignore"), ("ports",), 11),
        (("ports", "extra"), ("ports",), 15),
        (("flash", "tools"), ("flash", "tools"), 16),
        (("flash", "tools", "dfu-util"), ("flash", "tools"), 17),
    ]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("log", "level"), 5),
        (("log", "missing"), 4),
        (("ports", "extra", "a"), 15),
        (("flash", "tools"), 16),
        (("flash",), 16),
        (("flash", "tools", "dfu-util"), 17),
        (("nowhere",), None),
    ],
)
def test_a_key_has_the_line_that_gives_its_value_or_the_nearest_around_it(path, line):
    assert line_of(TEXT, path) == line


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ('a = "x"', True),
        ('a = "x', False),
        ("a = 'x", False),
        ('a = """x\n[log]\n', False),
        ("a = '''x", False),
        ("a = [1,\n2", False),
        ("a = { b = 1", False),
        ('a = ["x]\n', False),
        ("a =", True),
        ("a = 1 # b", True),
    ],
)
def test_a_value_without_an_end_is_told(text, closed):
    (only,) = statements(text)
    assert only.closed is closed
    assert only.end == len(text)


@given(st.text(alphabet="ab.=\"'[]{}#\\\n\r\t ,1", max_size=60))
def test_any_text_is_taken_and_lines_are_never_shared(text):
    end = 0
    for each in statements(text):
        assert end <= each.start < each.end <= len(text)
        assert each.line == text.count("\n", 0, each.start) + 1
        assert text[each.end - 1] == "\n" or each.end == len(text)
        end = each.end


def _flat(data: dict[str, Any], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for name, value in data.items():
        inner = isinstance(value, dict) and value
        found |= _flat(value, (*path, name)) if inner else {(*path, name)}
    return found


KEYS = st.sampled_from(["a", "b-c", '"d e"', "'f.g'", "1"])
VALUES = st.sampled_from(
    ["1", "true", '"x # y"', "'\\'", '"""\n[a]\n"""', "[ 1, # ]\n 2 ]", "{ z = '}' }", "1979-05-27"]
)


@given(
    st.lists(st.tuples(st.booleans(), KEYS, KEYS, VALUES, st.sampled_from(["", " # c = 1", " "])))
)
def test_what_a_reader_finds_in_a_valid_text_is_found_here_too(parts):
    lines = [f"[{a} . {b}]{e}" if h else f"{a}.{b}={v}{e}" for h, a, b, v, e in parts]
    text = "\n".join(lines)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    paths = [each.path for each in statements(text)]
    assert len(paths) == len(parts)
    for path in _flat(data):
        assert any(each == path[: len(each)] for each in paths)


@given(
    st.recursive(
        st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=6,
    )
    | st.floats(allow_nan=False, allow_infinity=False)
)
def test_a_literal_is_read_back_as_it_was(value):
    assert tomllib.loads(f"a = {toml_literal(value)}") == {"a": value}


def test_a_windows_path_is_written_in_single_quotes():
    assert toml_literal(r"C:\Tools\new") == r"'C:\Tools\new'"
    assert toml_literal(r"C:\it's") == r'"C:\\it' + "'s" + '"'
