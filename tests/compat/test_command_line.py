"""Command lines: cut as a shell cuts them, and no value that is filled in makes another word."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.compat.command_line import LINE_LIMIT, fill, placeholders, split, tool_key
from agent.errors import UploadRefused


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a b  c\t d", ["a", "b", "c", "d"]),
        ('"{x.path}/a b" -v', ["{x.path}/a b", "-v"]),
        ("a 'b \"c\" d'", ["a", "b c d"]),
        ('a ""', ["a", ""]),
        ("a'b'\"c\"", ["abc"]),
        (r"a\ b \"c", ["a b", "c"]),
        ("a b; rm c", ["a", "b"]),
        ("a b && c", ["a", "b"]),
        ("a|b", ["a"]),
        ("a > b", ["a"]),
        ("a 2>&1", ["a"]),
        ("a b2>c", ["a", "b2"]),
        ('a "b; c | d"', ["a", "b; c | d"]),
        ("a $HOME `id` $(id)", ["a", "$HOME", "`id`", "$(id)"]),
    ],
)
def test_a_line_is_cut_as_a_shell_does_it(line, words):
    assert split(line) == words


@pytest.mark.parametrize(
    "line", ["", "  ", ";a", 'a "b', "a 'b", "a\\", '""', "a \0", "x" * (LINE_LIMIT + 1)]
)
def test_a_line_that_has_no_sense_is_refused(line):
    with pytest.raises(UploadRefused):
        split(line)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("ab {}./\\'$é-", max_size=6), min_size=1, max_size=5))
def test_what_a_shell_quotes_comes_back(words):
    words = ["tool", *words]
    assert split(shlex.join(words).replace('"\'"', "\\'")) == words


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_a_line_of_any_kind_gives_words_or_is_refused(line):
    try:
        words = split(line)
    except UploadRefused:
        return
    assert words[0]
    assert not any('"' in word for word in words)


def test_values_are_put_in_once_and_never_make_a_word():
    values = {"build.path": '/tmp/{fqbn} x"; rm', "fqbn": "a:b:c"}
    assert fill("-D{build.path}/{fqbn}", values.get) == '-D/tmp/{fqbn} x"; rm/a:b:c'
    assert fill("{{build.path}}", {"build.path": "p"}.get) == "{p}"
    assert fill("{init; reset} {} { build.path }", values.get) == "{init; reset} {} { build.path }"
    with pytest.raises(UploadRefused, match=r"network\.password"):
        fill("{network.password}", values.get)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("runtime.tools.bossac.path", "bossac"),
        ("runtime.tools.bossac-1.7.0.path", "bossac-1.7.0"),
        ("runtime.tools.bossac", "bossac"),
        ("runtime.platform.path", None),
        ("build.path", None),
    ],
)
def test_a_tool_is_named_by_its_placeholder(name, key):
    assert tool_key(name) == key
    assert placeholders(f"a{{{name}}}/b") == [name]
