"""Finding tools: where they are looked for, in which order, and what is said when none is good."""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ToolMissing
from agent.flash.tools import (
    CANDIDATES_MAX,
    DFU_UTIL,
    ESPTOOL,
    FoundTool,
    Places,
    RealFiles,
    arduino_folder,
    candidates,
    find_tool,
    parse_version,
    places_here,
)

HOME = PurePosixPath("/home/ada")
ARDUINO = HOME / ".arduino15"


class Tree:
    """A file system that holds these programs."""

    def __init__(self, *programs: str, windows: bool = False) -> None:
        make = PureWindowsPath if windows else PurePosixPath
        self.programs = [make(program) for program in programs]

    def is_program(self, path):
        return path in self.programs

    def names(self, folder):
        below = [
            path.parts[len(folder.parts) :] for path in self.programs if folder in path.parents
        ]
        return list({parts[0] for parts in below})


def everywhere(**changes) -> Places:
    fields = {
        "system": "linux",
        "bundled": PurePosixPath("/opt/mooring/tools"),
        "arduino": ARDUINO,
        "path": (PurePosixPath("/usr/local/bin"), PurePosixPath("/usr/bin")),
    }
    return Places(**{**fields, **changes})


TOOLS = f"{ARDUINO}/packages/arduino/tools/dfu-util"
ALL = (
    "/usr/bin/dfu-util",
    f"{TOOLS}/0.9.0-arduino1/dfu-util",
    f"{TOOLS}/0.11.0-arduino5/dfu-util",
    f"{TOOLS}/0.10.0-arduino1/dfu-util",
    "/opt/mooring/tools/dfu-util",
    "/set/dfu-util",
)


def test_bundled_comes_before_the_arduino_folder_newest_first_and_that_before_the_path():
    found = [command for (command,) in candidates(DFU_UTIL, everywhere(), Tree(*ALL))]
    assert found == [ALL[4], ALL[2], ALL[3], ALL[1], ALL[0]]


def test_what_the_person_set_is_the_only_candidate():
    places = everywhere(explicit={"dfu-util": PurePosixPath("/set/dfu-util")})
    assert list(candidates(DFU_UTIL, places, Tree(*ALL))) == [("/set/dfu-util",)]
    assert list(candidates(DFU_UTIL, places, Tree(*ALL[:5]))) == []


def test_a_folder_that_is_twice_on_the_path_is_tried_once():
    places = everywhere(path=(PurePosixPath("/usr/bin"), PurePosixPath("/usr/bin")))
    assert list(candidates(DFU_UTIL, places, Tree(ALL[0]))) == [(ALL[0],)]


def test_esptool_of_our_own_interpreter_comes_before_any_found_elsewhere():
    places = everywhere(python=PurePosixPath("/venv/bin/python"))
    tree = Tree("/usr/bin/esptool", f"{ARDUINO}/packages/esp32/tools/esptool_py/5.1.0/esptool")
    assert list(candidates(ESPTOOL, places, tree)) == [
        ("/venv/bin/python", "-P", "-m", "esptool"),
        (f"{ARDUINO}/packages/esp32/tools/esptool_py/5.1.0/esptool",),
        ("/usr/bin/esptool",),
    ]


def test_programs_of_windows_end_in_exe():
    folder = PureWindowsPath(r"C:\Users\ada\AppData\Local\Arduino15")
    program = str(folder / r"packages\arduino\tools\dfu-util\0.11.0-arduino5\dfu-util.exe")
    places = Places(system="win32", arduino=folder)
    assert list(candidates(DFU_UTIL, places, Tree(program, windows=True))) == [(program,)]


@pytest.mark.parametrize(
    ("system", "home", "environ", "folder"),
    [
        ("linux", HOME, {}, ARDUINO),
        ("darwin", PurePosixPath("/Users/ada"), {}, PurePosixPath("/Users/ada/Library/Arduino15")),
        (
            "win32",
            PureWindowsPath(r"C:\Users\ada"),
            {"LOCALAPPDATA": r"D:\Local"},
            PureWindowsPath(r"D:\Local\Arduino15"),
        ),
        (
            "win32",
            PureWindowsPath(r"C:\Users\ada"),
            {},
            PureWindowsPath(r"C:\Users\ada\AppData\Local\Arduino15"),
        ),
    ],
)
def test_each_system_has_its_arduino_folder(system, home, environ, folder):
    assert arduino_folder(system, home, environ) == folder


def test_versions_are_compared_as_numbers():
    assert parse_version("0.11.0-arduino5") == (0, 11, 0, 5)
    assert parse_version("0.9") < DFU_UTIL.minimum <= parse_version("0.10")
    assert parse_version("latest") == ()


@given(st.text(max_size=100))
def test_any_text_has_a_version_of_bounded_size(text):
    assert len(parse_version(text)) <= 6


def script(path: Path, says: str, status: int = 0) -> Path:
    """A program that prints ``says``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\nimport sys\nprint({says!r})\nsys.exit({status})\n")
    path.chmod(0o755)
    return path


def places_of(tmp_path, *folders: str, **changes) -> Places:
    return Places(system="linux", path=tuple(tmp_path / folder for folder in folders), **changes)


@pytest.mark.system("linux", "darwin")
async def test_the_first_that_runs_and_is_new_enough_is_taken(tmp_path):
    script(tmp_path / "a" / "dfu-util", "dfu-util 0.9")
    script(tmp_path / "b" / "dfu-util", "something else")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "dfu-util").write_text("not a program")
    good = script(tmp_path / "d" / "dfu-util", "dfu-util 0.11\n\nCopyright", status=0)
    found = await find_tool(DFU_UTIL, places_of(tmp_path, "a", "b", "c", "d"), RealFiles())
    assert found == FoundTool(DFU_UTIL, (str(good),), (0, 11))


@pytest.mark.system("linux", "darwin")
async def test_an_old_tool_is_named_together_with_the_mend(tmp_path):
    script(tmp_path / "a" / "dfu-util", "dfu-util 0.9")
    with pytest.raises(ToolMissing) as missing:
        await find_tool(DFU_UTIL, places_of(tmp_path, "a"), RealFiles())
    report = missing.value.report()
    assert "dfu-util 0.10 or newer" in report.title
    assert "has version 0.9" in report.meaning
    assert "apt-get install dfu-util" in report.remedy


@pytest.mark.system("linux", "darwin")
async def test_a_program_with_a_broken_interpreter_does_not_stop_the_search(tmp_path):
    broken = script(tmp_path / "a" / "dfu-util", "")
    broken.write_text("#!/nowhere/python\n")
    good = script(tmp_path / "b" / "dfu-util", "dfu-util 0.11")
    found = await find_tool(DFU_UTIL, places_of(tmp_path, "a", "b"), RealFiles())
    assert found.command == (str(good),)


@pytest.mark.system("linux", "darwin")
async def test_only_so_many_are_tried(tmp_path):
    folders = [f"f{number}" for number in range(CANDIDATES_MAX + 1)]
    for folder in folders[:-1]:
        script(tmp_path / folder / "dfu-util", "dfu-util 0.1")
    script(tmp_path / folders[-1] / "dfu-util", "dfu-util 0.11")
    with pytest.raises(ToolMissing):
        await find_tool(DFU_UTIL, places_of(tmp_path, *folders), RealFiles())


async def test_what_is_missing_says_where_it_was_looked_for():
    with pytest.raises(ToolMissing) as missing:
        await find_tool(DFU_UTIL, Places(system="darwin"), RealFiles())
    assert "Arduino data folder" in missing.value.report().meaning
    assert "brew install" in missing.value.report().remedy


async def test_a_wrong_setting_is_named():
    places = Places(system="win32", explicit={"dfu-util": PurePosixPath("/nowhere/dfu-util")})
    with pytest.raises(ToolMissing, match="dfu-util") as missing:
        await find_tool(DFU_UTIL, places, RealFiles())
    assert "/nowhere/dfu-util" in missing.value.report().meaning


async def test_esptool_of_this_environment_is_found():
    found = await find_tool(ESPTOOL, places_here({}), RealFiles())
    assert found.command == (sys.executable, "-P", "-m", "esptool")
    assert found.version >= (5, 2)


@pytest.mark.needs("usb")
async def test_dfu_util_of_this_computer_is_found():
    found = await find_tool(DFU_UTIL, places_here(os.environ), RealFiles())
    assert found.version >= (0, 10)


def test_the_places_of_this_computer_take_the_settings():
    places = places_here({"PATH": "x"}, explicit={"esptool": "/y"}, bundled=Path("/z"))
    assert places.explicit == {"esptool": Path("/y")}
    assert (places.path, places.bundled) == ((Path("x"),), Path("/z"))
    assert places.arduino is not None
