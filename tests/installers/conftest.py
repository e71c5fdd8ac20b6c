"""A one-folder program for packages to be laid out around."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from installers import icon

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def icons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("icons")
    icon.write_icons(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mooring"
    inside = folder / "_internal" / "agent" / "web"
    inside.mkdir(parents=True)
    for name in ("mooring", "mooring.exe", "mooringw.exe", "LICENSE.txt"):
        (folder / name).write_text(name)
    (inside / "a name with $igns & <spaces>.js").write_text("js")
    (inside.parent / "__init__.txt").write_text("")
    return folder
