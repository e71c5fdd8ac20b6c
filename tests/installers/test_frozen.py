"""The one-folder program: what is put into it, and how it begins."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from installers import frozen, launch
from installers.tree import INSTALLERS, ROOT, version

LAUNCH = INSTALLERS / "launch.py"


@pytest.fixture(scope="module")
def asked() -> dict[str, Any]:
    """What the specification asks of PyInstaller."""
    told: dict[str, Any] = {}

    def analysis(scripts, **words):
        told.update(words, scripts=scripts)
        return SimpleNamespace(pure=[], scripts=[], binaries=[], datas=[])

    def nothing(*_words, **named):
        told.setdefault("programs", []).append(named.get("name"))

    names = dict.fromkeys(("PYZ", "EXE", "COLLECT", "BUNDLE"), nothing)
    os.environ["MOORING_ICONS"], before = "icons", os.environ.get("MOORING_ICONS")
    os.environ["MOORING_VERSION"] = version()
    try:
        text = (INSTALLERS / "mooring.spec").read_text(encoding="utf-8")
        exec(
            compile(text, "mooring.spec", "exec"),
            {**names, "Analysis": analysis, "SPECPATH": str(INSTALLERS)},
        )
    finally:
        os.environ.pop("MOORING_VERSION")
        os.environ.pop("MOORING_ICONS") if before is None else None
    return told


def test_every_module_of_the_agent_is_in_it(asked):
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "agent").rglob("*.py")
    }
    assert modules <= set(asked["hiddenimports"])


def test_what_is_named_can_be_imported_on_this_system(asked):
    for name in asked["hiddenimports"]:
        if name.partition(".")[0] not in {"pystray", "PIL"}:
            assert importlib.util.find_spec(name) is not None, name


def test_every_other_file_of_the_agent_is_beside_its_module(asked):
    data = dict(asked["datas"])
    for path in (ROOT / "agent").rglob("*"):
        if path.is_file() and path.suffix not in {".py", ".pyc"}:
            assert data[str(path)] == str(path.parent.relative_to(ROOT))


def test_nothing_under_the_gpl_and_nothing_of_the_tests_is_in_it(asked):
    assert {"esptool", "readline"} <= set(asked["excludes"])
    assert not any(name.startswith(("tests", "installers")) for name in asked["hiddenimports"])


def test_a_library_under_the_lgpl_can_be_replaced(asked):
    """As docs/licences.md promises: it is no part of the archive inside the program."""
    assert asked["module_collection_mode"] == {"pystray": "py"}


def started(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, LAUNCH, *words],
        input=text,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_begins_as_the_command():
    done = started("--version")
    assert done.stdout.strip() == f"mooring, version {version()}"


def test_it_stands_in_for_the_interpreter_where_the_agent_starts_a_process():
    done = started("-m", "agent.simulator")
    assert done.returncode == 2
    assert "usage: python -m agent.simulator" in done.stderr


def test_it_runs_no_other_module():
    done = started("-m", "http.server")
    assert done.returncode == 2
    assert "-m" in done.stderr


def test_each_process_that_the_agent_starts_is_known():
    found = set()
    for path in (ROOT / "agent").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, (ast.Call, ast.List, ast.Tuple)):
                continue
            words = node.args if isinstance(node, ast.Call) else node.elts
            texts = [each.value if isinstance(each, ast.Constant) else None for each in words]
            if "-m" in texts[:-1] and str(texts[texts.index("-m") + 1]).startswith("agent."):
                found.add(texts[texts.index("-m") + 1])
    assert found == set(launch.PROCESSES)


@pytest.mark.system("linux", "darwin")
def test_without_standard_streams_it_runs_all_the_same(tmp_path):
    """As on Windows without a console, where Python has none of the three."""
    told = tmp_path / "told"
    code = (
        "import sys, pathlib; sys.stdin = sys.stdout = sys.stderr = None\n"
        "from installers.launch import give_streams; give_streams()\n"
        "print('into nothing'); print('nor here', file=sys.stderr)\n"
        f"pathlib.Path({str(told)!r}).write_text(repr(sys.stdin.read()))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert told.read_text() == "''"


def test_the_notices_name_what_is_inside_and_its_licence():
    found: list[dict[str, object]] = [
        {"name": "Pip", "version": "1", "licence": "MIT", "classifiers": [], "texts": {"L": "no"}},
        {
            "name": "b",
            "version": "2",
            "licence": "",
            "classifiers": ["License :: OSI :: MIT"],
            "texts": {},
        },
        {"name": "a", "version": "3", "licence": "BSD", "classifiers": [], "texts": {"L": "Do.\n"}},
    ]
    text = frozen.notices_text(found)
    assert text.index("a 3: BSD") < text.index("Do.") < text.index("b 2: MIT")
    assert "Pip" not in text


def test_the_notices_can_be_collected_in_any_environment():
    done = subprocess.run(
        [sys.executable, "-c", frozen.NOTICES_CODE], capture_output=True, text=True, check=True
    )
    told = {each["name"].lower(): each for each in json.loads(done.stdout)}
    assert "Permission is hereby granted" in "".join(told["bleak"]["texts"].values())


@pytest.mark.system("linux")
def test_the_notices_of_the_distribution_are_those_of_its_packages(tmp_path):
    (tmp_path / "libz.so.1").touch()
    (tmp_path / "libof-nobody.so.1").touch()
    text = frozen.system_notices(tmp_path)
    debian = Path("/usr/share/doc/zlib1g/copyright").is_file()
    assert ("Jean-loup Gailly" in text) is debian
    assert "nobody" not in text


def test_windows_is_told_the_version():
    tree = ast.parse(frozen.version_resource())
    assert "VSVersionInfo" in ast.dump(tree)
    assert version() in frozen.version_resource()
