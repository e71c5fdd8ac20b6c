"""Imports point downwards only: the layers of the architecture, as a table."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "agent"

LAYERS = (
    {"__main__"},
    {"cli"},
    {"app", "alone"},
    {"parts", "drop_in"},
    {"bridge", "desktop", "compat", "web", "gateway"},
    {"jobs"},
    {"boards", "sessions", "flash", "clouds"},
    {"links", "protocols"},
    {"catalog", "settings"},
    {"errors"},
    {"__init__"},
)
"""Topmost first. A part may import what stands in a lower row, and nothing of its own row."""

SIDEWAYS = {
    # Simulated boards and clouds know what travels, never how the agent works.
    "simulator": {"protocols", "catalog", "settings", "errors", "__init__"},
}
USERS_OF_SIDEWAYS = {"cli", "app", "parts"}

LINES_MAX = 400


@functools.cache
def parts() -> set[str]:
    modules = {path.stem for path in PACKAGE.glob("*.py")}
    return modules | {path.parent.name for path in PACKAGE.glob("*/*.py")}


def part_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE).parts
    return inside[0] if len(inside) > 1 else path.stem


def imported(path: Path) -> list[tuple[int, str]]:
    """Line and part of each import of our own, those for type checks and by name included."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [f"{alias.name}." for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else None
            if called == "import_module" and isinstance(node.args[0], ast.Constant):
                names = [str(node.args[0].value)]
        else:
            continue
        found += [(node.lineno, part_named(name)) for name in names if name.startswith("agent.")]
    return found


def part_named(name: str) -> str:
    """The part that ``agent.part.module`` is in; ``from agent import __version__``: the package."""
    part = name.split(".")[1]
    return part if part in parts() else "__init__"


def allowed(part: str) -> set[str]:
    if part in SIDEWAYS:
        return SIDEWAYS[part] | {part}
    row = next(index for index, layer in enumerate(LAYERS) if part in layer)
    below = {name for layer in LAYERS[row + 1 :] for name in layer} | {part}
    return below | set(SIDEWAYS) if part in USERS_OF_SIDEWAYS else below


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_every_part_of_the_package_has_its_layer():
    known = {name for layer in LAYERS for name in layer} | set(SIDEWAYS)
    assert parts() <= known


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_below(path):
    part = part_of(path)
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {other}"
        for line, other in imported(path)
        if other not in allowed(part)
    ]
    assert not wrong


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_has_one_idea(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_MAX


@pytest.mark.parametrize("package", ["protocols"])
def test_protocols_do_no_io(package):
    forbidden = {"asyncio", "socket", "threading", "time", "serial", "serialx", "subprocess"}
    for path in (PACKAGE / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {str(node.module).split(".")[0]}
            else:
                continue
            assert not names & forbidden, f"{path}:{node.lineno}"
