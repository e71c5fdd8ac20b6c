"""The lock files: exact versions with hashes, no addresses, in step with each other."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
RUNTIME = ROOT / "requirements.lock"
DEV = ROOT / "requirements-dev.lock"
PACKAGES = ROOT / "installers" / "requirements.lock"
IDS = ["runtime", "dev", "packages"]
JUDGES = sorted((ROOT / "tests" / "judges").glob("*.lock"))
LOCKS = pytest.mark.parametrize(
    "lock", [RUNTIME, DEV, PACKAGES, *JUDGES], ids=[*IDS, *(lock.stem for lock in JUDGES)]
)


def entries(lock: Path) -> list[str]:
    """One text per package, continuation lines joined."""
    joined = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def pins(lock: Path) -> dict[str, set[str]]:
    """Versions by name; a name has several where they depend on the Python or the system."""
    found: dict[str, set[str]] = {}
    for entry in entries(lock):
        requirement = Requirement(entry.partition("--hash")[0])
        found.setdefault(normal(requirement.name), set()).add(
            str(requirement.specifier).removeprefix("==")
        )
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(*extras: str) -> list[Requirement]:
    """What the project and these of its extras ask for; an extra may ask for another one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [Requirement(text) for text in project["dependencies"]]
    waiting = list(extras)
    while waiting:
        for text in project["optional-dependencies"][waiting.pop()]:
            requirement = Requirement(text)
            if requirement.name == project["name"]:
                waiting += requirement.extras
            else:
                found.append(requirement)
    return found


@LOCKS
def test_every_package_has_one_version_and_hashes(lock):
    for entry in entries(lock):
        assert re.match(r"[A-Za-z0-9._-]+==[^\s;*]+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


@LOCKS
def test_a_lock_names_no_address_and_no_option(lock):
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert " @ " not in text
    assert not re.search(r"^\s*--?(?!hash)[a-z]", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("lock", "extras"), [(RUNTIME, ()), (DEV, ("dev",)), (PACKAGES, ("packages",))]
)
def test_a_lock_satisfies_what_the_project_requires(lock, extras):
    locked = pins(lock)
    for requirement in required(*extras):
        versions = locked[normal(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


@pytest.mark.parametrize("lock", [DEV, PACKAGES], ids=IDS[1:])
def test_all_locks_have_the_same_versions(lock):
    locked = pins(lock)
    for name, versions in pins(RUNTIME).items():
        assert locked[name] == versions, name


@pytest.mark.parametrize("lock", JUDGES, ids=lambda lock: lock.stem)
def test_a_judge_has_what_is_listed_for_it_and_nothing_else(lock):
    lines = lock.with_suffix(".in").read_text(encoding="utf-8").splitlines()
    listed = [Requirement(line) for line in lines if line and not line.startswith("#")]
    locked = pins(lock)
    assert {normal(requirement.name) for requirement in listed} == set(locked)
    for requirement in listed:
        versions = locked[normal(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


@pytest.mark.parametrize(
    "lock",
    sorted((ROOT / "tests" / "judges").glob("*/package-lock.json")),
    ids=lambda lock: lock.parent.name,
)
def test_a_judge_of_node_has_exact_versions_with_hashes_and_no_address(lock):
    listed = json.loads((lock.parent / "package.json").read_text(encoding="utf-8"))
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert packages.pop("")["dependencies"] == listed["dependencies"]
    for name, version in listed["dependencies"].items():
        assert packages[f"node_modules/{name}"]["version"] == version
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
        assert "hasInstallScript" not in package, name
