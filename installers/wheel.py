"""The Python package, for pipx, uv and pip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from installers.tree import BUILD, DIST, PackagingError, fresh, run, say, version

if TYPE_CHECKING:
    from pathlib import Path


def build_wheel() -> Path:
    """Build it in an environment that holds what pyproject.toml asks for."""
    import sys

    say("building the wheel")
    made = fresh(BUILD / "wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", made, ".")
    name = f"mooring-{version()}-py3-none-any.whl"
    if not (made / name).is_file():
        msg = f"no {name} came out: {sorted(path.name for path in made.iterdir())}"
        raise PackagingError(msg)
    DIST.mkdir(exist_ok=True)
    return (made / name).replace(DIST / name)
