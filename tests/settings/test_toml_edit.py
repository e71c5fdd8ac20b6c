"""Changing one key of a file that a person wrote: every other line stays byte for byte."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.settings.toml_edit import set_key, unset_key


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", '[log]\nlevel = "debug"\n'),
        ("# mine", '# mine\n\n[log]\nlevel = "debug"\n'),
        ("[log]\nlevel = 'info'  # why\n", '[log]\nlevel = "debug"  # why\n'),
        ("[log]\r\nlevel = 'info'", '[log]\r\nlevel = "debug"'),
        ("log.level = 'info'", 'log.level = "debug"'),
        ("log = { level = 'info' } # why\n", 'log = { level = "debug" } # why\n'),
        ("log = {}\n", 'log = { level = "debug" }\n'),
        (
            "[log]\n# level = 'x'\n\n# ports\n[ports]\n",
            "[log]\nlevel = \"debug\"\n# level = 'x'\n\n# ports\n[ports]\n",
        ),
        ("[ports]\r\n", '[ports]\r\n\r\n[log]\r\nlevel = "debug"\r\n'),
        ("[log]\nlevel = [\n 1, # one\n]\n[ports]", '[log]\nlevel = "debug"\n[ports]'),
    ],
)
def test_a_setting_is_changed_where_it_stands(text, after):
    assert set_key(text, "log", "level", "debug") == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (
            "[ports]\n  system = true # a\n\n# b\n[log]\n",
            '[ports]\n  system = true # a\n  ignore = ["COM7"]\n\n# b\n[log]\n',
        ),
        ("ports.system = true\n", 'ports.system = true\nports.ignore = ["COM7"]\n'),
        ("[ports.x]\ny = 1\n", '[ports.x]\ny = 1\n\n[ports]\nignore = ["COM7"]\n'),
        ("ports = { system = true }", 'ports = { system = true, ignore = ["COM7"] }'),
    ],
)
def test_a_new_setting_comes_behind_those_of_its_section(text, after):
    assert set_key(text, "ports", "ignore", ["COM7"]) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("[log]\n# a\nlevel = 'x' # b\n# c\n", "[log]\n# a\n# c\n"),
        ("[log]\nlevel = 'x'", "[log]\n"),
        ("log.level = 'x'\nlog.x = 1\n", "log.x = 1\n"),
        ("log = { level = 'x', x = 1 }\n", "log = { x = 1 }\n"),
        ("[ports]\n", "[ports]\n"),
    ],
)
def test_a_setting_is_taken_away_with_its_line_alone(text, after):
    assert unset_key(text, "log", "level") == after


TOOLS = [
    "[flash.tools]\n# a\nesptool = '/x' # b\n# c\n[flash]\nurls = [] # d\n# e\n",
    "[flash]\ntools.esptool = '/x'\nurls = []\ntools.dfu-util = '/y'\n",
    "flash.tools.esptool = '/x'\nflash.urls = []\n",
    "flash.urls = []\n[flash.tools]\nesptool = '/x'\n",
    "[flash]\nurls = []\ntools = { esptool = '/x' } # a\n",
    "flash = { tools.esptool = '/x', urls = [] }\n",
]


@pytest.mark.parametrize("text", TOOLS)
def test_a_setting_of_several_names_is_changed_as_one_however_it_is_written(text):
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        pytest.skip("not valid in this version of TOML")
    after = set_key(text, "flash", "tools", {"dfu-util": "/z"})
    assert tomllib.loads(after)["flash"] == {"urls": [], "tools": {"dfu-util": "/z"}}
    assert tomllib.loads(unset_key(text, "flash", "tools"))["flash"] == {"urls": []}
    for comment in ("# a", "# c", "# d", "# e"):
        assert (comment in after) == (comment in text)


# --- any file, any changes -------------------------------------------------------------------------

FIELDS = [("log", "level"), ("ports", "system"), ("ports", "ignore"), ("flash", "tools")]
VALUES = st.sampled_from(["a", r"C:\x", "it's # no", True, 7, ["a", "b]"], {"esptool": "/x"}])
SPELT = st.sampled_from(["1", "'a # b'", '"]"', "[\n  1, # one ]\n  2\n]", '"""\n[log]\n"""', "{}"])
BESIDE = st.sampled_from(["", "   ", "# a comment", "  # = [x] 'y", "#"])


@st.composite
def files(draw):
    """A file as pieces of whole lines, each with the settings that may change it."""
    style = draw(st.sampled_from(["headers", "dotted", "inline"]))
    there = draw(st.lists(st.sampled_from(FIELDS), unique=True))
    new_line = draw(st.sampled_from(["\n", "\r\n"]))
    pieces: list[tuple[str, set[tuple[str, str]]]] = []

    def add(text, *owners):
        mark = f" # {len(pieces)}" if "#" not in text or owners else f" {len(pieces)}"
        line = text + (mark if text.strip() else "")
        pieces.append(((line + "\n").replace("\n", new_line), set(owners)))

    def beside():
        for text in draw(st.lists(BESIDE, max_size=2)):
            add(text)

    beside()
    for section in draw(st.permutations(["log", "ports", "flash"])):
        owners = [each for each in FIELDS if each[0] == section]
        fields = [field for name, field in there if name == section]
        if style == "inline":
            add(f"{section} = {{ {', '.join(f'{each} = 1' for each in fields)} }}", *owners)
            continue
        if style == "headers" and (fields or draw(st.booleans())):
            add(f"  [ {section} ]")
        for field in fields:
            beside()
            name = field if style == "headers" else f"{section} . {field}"
            add(f"{name} = {draw(SPELT)}", (section, field))
        beside()
    if pieces and draw(st.booleans()):  # No line end at the end of the file.
        text, last = pieces.pop()
        pieces.append((text.removesuffix(new_line), last))
    return pieces, new_line


@given(files(), st.lists(st.tuples(st.sampled_from(FIELDS), st.none() | VALUES), max_size=6))
def test_any_changes_of_any_file_are_read_back_and_leave_the_other_lines_as_they_are(made, changes):
    pieces, new_line = made
    after = before = "".join(text for text, _ in pieces)
    wanted = tomllib.loads(after)
    for (section, field), value in changes:
        if value is None:
            after = unset_key(after, section, field)
            wanted.get(section, {}).pop(field, None)
        else:
            after = set_key(after, section, field, value)
            wanted.setdefault(section, {})[field] = value
    found = tomllib.loads(after)
    assert {k: v for k, v in found.items() if v} == {k: v for k, v in wanted.items() if v}
    if new_line in before:  # Else the file has no way of its own.
        assert "\n" not in after.replace(new_line, "")
    at = 0
    for text, owners in pieces:
        if not owners & {key for key, _ in changes}:
            at = after.index(text, at)
            assert not text.strip() or at == 0 or after[at - 1] == "\n"
            at += len(text)
