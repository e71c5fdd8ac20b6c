"""The command that makes packages: what it offers, and what it says when something is missing."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from installers import build, tree

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = tree.ROOT / ".github" / "workflows" / "packages.yml"
DOC = tree.ROOT / "docs" / "installing.md"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", str(tree.INSTALLERS / "build.py"), *words],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "words", [[], ["--help"], ["rpm"], ["wheel", "rpm"], ["nsis", "--payload"]]
)
def test_a_wrong_call_is_told_what_there_is(words):
    # An isolated interpreter without site-packages: the script needs no package.
    done = run(*words)
    assert done.returncode == 2
    assert "python3 installers/build.py WHAT" in done.stderr
    assert ("rpm" in done.stderr) is ("rpm" in words)


def test_every_package_is_described():
    assert build.__doc__ is not None
    for name in build.targets(None):
        assert re.search(rf"\b{name}\b", build.__doc__), name


def test_a_tool_that_is_missing_is_named_with_its_package(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(tree.ToolMissing, match="apt-get install nsis"):
        tree.tool("makensis")


def missing() -> Path:
    msg = "wixl is missing; on Debian: apt-get install wixl"
    raise tree.ToolMissing(msg)


def failing() -> Path:
    msg = "dpkg-deb: failed with status 2\nits reasons"
    raise tree.PackagingError(msg)


def test_what_cannot_be_made_here_stops_only_whoever_asked_for_it_by_name():
    assert build.attempt("msi", missing, lenient=True)[2].startswith("not made: wixl is missing")
    assert build.attempt("try-msi", missing, lenient=True)[2].startswith("not tried: ")
    assert build.attempt("msi", missing, lenient=False)[2].startswith("FAILED: wixl is missing")


def test_a_package_that_fails_is_told_with_its_reason(capsys):
    assert (
        build.attempt("deb", failing, lenient=True)[2] == "FAILED: dpkg-deb: failed with status 2"
    )
    assert "its reasons" in capsys.readouterr().err


def test_a_program_that_fails_is_shown_with_its_words():
    code = "import sys; sys.exit('out of cheese')"
    with pytest.raises(tree.PackagingError, match="out of cheese"):
        tree.run(sys.executable, "-c", code)


def test_versions_are_numbers_for_windows():
    assert re.fullmatch(r"\d+\.\d+\.\d+", tree.whole_version())


def test_the_workflow_asks_for_packages_that_there_are():
    text = WORKFLOW.read_text(encoding="utf-8")
    asked = re.findall(r"installers/build\.py (?:--payload \S+ )?([a-z -]+)", text)
    words = {word for line in asked for word in line.split()}
    assert words == set(build.targets(None))
    for system in ("ubuntu-", "windows-", "macos-"):
        assert system in text


def test_the_workflow_names_every_variable_that_signs():
    text = WORKFLOW.read_text(encoding="utf-8")
    doc = DOC.read_text(encoding="utf-8")
    for path in tree.INSTALLERS.glob("*.py"):
        for name in re.findall(r'"(MOORING_(?:SIGN|NOTARY)\w+)"', path.read_text(encoding="utf-8")):
            assert name in text, name
            assert name in doc, name
