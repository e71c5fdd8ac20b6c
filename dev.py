#!/usr/bin/env python3
"""Everything a developer does with Mooring; needs only Python 3.11 or newer.

    python3 dev.py demo [...]          the agent with simulated boards and clouds (--once: no browser)
    python3 dev.py run ...             the agent or any of its commands, as `mooring ...`
    python3 dev.py test [--all] [...]  format, lint, types, tests; further words go to pytest alone
    python3 dev.py bench [NAME ...]    the benchmarks, as a table
    python3 dev.py lint                format, lint, types
    python3 dev.py packages [...]      make and try the packages that can be made here
    python3 dev.py lock                write the lock files again from pyproject.toml (needs uv)

It makes `.venv` with the locked dependencies. `test --all` also installs, as root on Debian, the
programs that some tests use, and counts a skipped test as failed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
RUNTIME_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
PACKAGES_LOCK = ROOT / "installers" / "requirements.lock"
JUDGES = ROOT / "tests" / "judges"
BENCHMARKS = ROOT / "tests" / "benchmarks"
OLDEST_PYTHON = (3, 11)
PLATFORMS = ("linux", "win32", "darwin")
"""Types are checked for each: a branch for another system is code too."""
BESIDE = (
    ("tests/web/test_page_[a-cs]*.py",),
    ("tests/web/test_page_[!a-cs]*.py", "tests/web/test_[!p]*.py", "tests/web/test_p[!a]*.py"),
    ("tests/cli/test_[a-em]*.py",),
    ("tests/cli/test_[!a-em]*.py",),
    ("tests/jobs/test_[a-h]*.py",),
    ("tests/jobs/test_[!a-h]*.py", "tests/jobs/blynk", "tests/jobs/nrf"),
    ("tests/links", "tests/sessions", "tests/simulator", "tests/boards"),
    ("tests/clouds", "tests/desktop", "tests/gateway"),
    ("tests/compat",),
)
"""Folders and files whose tests run beside all others, each group in a process: they take about as
long as the rest. All of them wait most of the time; together they keep two processors busy."""


# --- the virtual environment --------------------------------------------------------------------


def venv_python() -> str:
    """The interpreter in ``.venv``."""
    if sys.platform == "win32":
        return str(VENV / "Scripts" / "python.exe")
    return str(VENV / "bin" / "python")


def ensure_venv(lock: Path) -> None:
    """Make or mend ``.venv`` so that it holds what ``lock`` says; at once if nothing changed."""
    version = interpreter_version()
    if version and installed(lock) == wanted(lock, version):
        return
    if not version or not ask_interpreter("import pip; print('there')"):
        version = make_venv()
    say(f"installing {lock.name} into {VENV.name}")
    pip = [venv_python(), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    run_or_exit([*pip, "install", "--progress-bar", "off", "--require-hashes", "-r", str(lock)])
    # The dev lock holds everything of the runtime lock, in the same versions.
    for each in {lock, RUNTIME_LOCK}:
        stamp_file(each).write_text(wanted(each, version), encoding="utf-8")


def stamp_file(lock: Path) -> Path:
    """What was installed is noted here, last: a broken-off installation leaves no note."""
    return VENV / f"{lock.stem}.installed"


def installed(lock: Path) -> str:
    """The note of the last complete installation of ``lock``."""
    try:
        return stamp_file(lock).read_text(encoding="utf-8")
    except OSError:
        return ""


def wanted(lock: Path, version: str) -> str:
    """The note that would be written now."""
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {version}"


def interpreter_version() -> str:
    """Version of the interpreter in ``.venv``; empty if there is none that runs."""
    return ask_interpreter("import sys; print(sys.version)")


def ask_interpreter(code: str) -> str:
    """What the interpreter in ``.venv`` prints; empty if it fails."""
    try:
        done = subprocess.run(
            [venv_python(), "-I", "-c", code], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def make_venv() -> str:
    """Make ``.venv`` anew, whatever is left of an earlier one; returns its Python's version."""
    if importlib.util.find_spec("ensurepip") is None:
        parts = system_parts()
        # Debian keeps ensurepip in a package of its own.
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if not (parts.can_install() and parts.apt_install([package], say)):
            sys.exit(
                f"dev.py: {sys.executable} cannot make virtual environments: its module ensurepip"
                f" is missing.\nOn Debian or Ubuntu run: sudo apt-get install {package}\n"
                "Elsewhere use a Python from python.org, Homebrew, uv or pyenv."
            )
    say(f"making {VENV.name} with Python {sys.version.split()[0]}")
    run_or_exit([sys.executable, "-m", "venv", "--clear", str(VENV)])
    return interpreter_version()


# --- commands -----------------------------------------------------------------------------------


def demo(words: list[str]) -> int:
    """The agent with simulated boards and clouds."""
    return run(["demo", *words])


def run(words: list[str]) -> int:
    """`mooring ...` from this tree, in the caller's folder."""
    ensure_venv(RUNTIME_LOCK)
    environ = {**tree_environ(), "PYTHONSAFEPATH": "1"}
    command = [venv_python(), "-m", "agent", *words]
    if sys.platform != "win32":
        os.execve(command[0], command, environ)  # noqa: S606 - no shell is wanted
    process = subprocess.Popen(command, env=environ)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The console sent it to the agent too, which ends in its own way.
            continue


def test(words: list[str]) -> int:
    """Format, lint, types and tests; with further words the tests chosen by them alone."""
    ensure_venv(DEV_LOCK)
    chosen = [word for word in words if word != "--all"]
    if "--all" in words or not chosen:
        system_parts().provide_parts(say, venv_python())
    command = [venv_python(), "-m", "pytest", *words]
    if chosen:
        return subprocess.run(command, env=tree_environ(), cwd=ROOT, check=False).returncode
    with ThreadPoolExecutor(max_workers=1) as pool:
        # Beside the tests, which wait most of the time.
        sound = pool.submit(static_checks)
        failed = all_tests(command)
        # What the checks printed is far above by now.
        failed = [*sound.result(), *failed]
    print("\n".join(f"FAILED: {name}" for name in failed) or "all passed")
    return int(bool(failed))


def lint(words: list[str]) -> int:
    """Format, lint and types."""
    if words:
        return usage(f"lint takes no words: {' '.join(words)}")
    ensure_venv(DEV_LOCK)
    return int(bool(static_checks()))


def bench(words: list[str]) -> int:
    """Run tests/benchmarks/bench_*.py (those whose names contain a word) and print the table."""
    ensure_venv(DEV_LOCK)
    command = [venv_python(), str(BENCHMARKS / "table.py"), *words]
    return subprocess.run(command, env=tree_environ(), cwd=ROOT, check=False).returncode


def packages(words: list[str]) -> int:
    """Make the packages that can be made here and try each one; says what is missing."""
    command = [sys.executable, str(ROOT / "installers" / "build.py"), *(words or ["all"])]
    return subprocess.run(command, env=tree_environ(), cwd=ROOT, check=False).returncode


def lock(words: list[str]) -> int:
    """Write the lock files again; versions that still fit stay, `--upgrade` takes the newest."""
    uv = shutil.which("uv")
    if uv is None:
        sys.exit("dev.py: needs uv to solve for all systems at once: pip install uv")
    command = [uv, "pip", "compile", "--universal", "--generate-hashes", "--python-version", "3.11"]
    command += ["--no-header", "--no-annotate", "--quiet", *words]
    common = [*command, "pyproject.toml"]
    run_or_exit([*common, "--output-file", RUNTIME_LOCK.name])
    common += ["--constraint", RUNTIME_LOCK.name]
    run_or_exit([*common, "--extra", "dev", "--output-file", DEV_LOCK.name])
    output = PACKAGES_LOCK.relative_to(ROOT).as_posix()
    run_or_exit([*common, "--extra", "packages", "--output-file", output])
    for listed in sorted(JUDGES.glob("*.in")):
        # All that is to be installed is listed there: not all that is asked for can be had.
        output = listed.with_suffix(".lock").relative_to(ROOT).as_posix()
        run_or_exit([*command, "--no-deps", "--output-file", output, str(listed)])
    return 0


def all_tests(command: list[str]) -> list[str]:
    """Run the tests in several processes; the first tells all at once, of the others what failed.

    Returns what failed.
    """
    others = [f"--ignore={path}" for group in BESIDE for path in paths_of(group)]
    stages = [(" ".join(group), [*command, *paths_of(group)]) for group in BESIDE]
    with ThreadPoolExecutor(max_workers=len(stages)) as pool:
        beside = [pool.submit(timed, stage) for stage in stages]
        done = subprocess.run([*command, *others], env=tree_environ(), cwd=ROOT, check=False)
        results = [each.result() for each in beside]
    for name, seconds, status, output in results:
        print(f"{findings(output) if status else last_line(output)}\n{name}: {seconds:.0f} s\n")
    first = [("the tests that are told as they run", done.returncode)]
    return [name for name, status in first + [(each[0], each[2]) for each in results] if status]


def system_parts() -> ModuleType:
    """``tests/system_parts.py``; by its place, for packages of others are called ``tests`` too."""
    place = ROOT / "tests" / "system_parts.py"
    spec = importlib.util.spec_from_file_location("system_parts", place)
    if spec is None or spec.loader is None:
        sys.exit(f"dev.py: cannot load {place}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look there
    spec.loader.exec_module(module)
    return module


def paths_of(group: tuple[str, ...]) -> list[str]:
    """The folders and files that the patterns of a group name, from the top of the tree."""
    return [str(path.relative_to(ROOT)) for pattern in group for path in sorted(ROOT.glob(pattern))]


def findings(output: str) -> str:
    """What pytest printed of failures and errors, without the progress before it."""
    begin = re.search(r"^=+ (FAILURES|ERRORS) =+$", output, re.MULTILINE)
    return output[begin.start() if begin else 0 :].rstrip()


def last_line(output: str) -> str:
    """The line that counts the tests."""
    return output.rstrip().rpartition("\n")[2]


def static_checks() -> list[str]:
    """Run ruff and mypy; prints what they found and how long each took. Returns what failed."""
    ruff = [venv_python(), "-m", "ruff"]
    stages: list[tuple[str, list[str]]] = [
        ("ruff format --check", [*ruff, "format", "--check", "--quiet", "--diff", "."]),
        ("ruff check", [*ruff, "check", "--quiet", "."]),
    ]
    for platform in PLATFORMS:
        # One cache each: mypy starts anew when the platform of its cache is another one.
        cache = ROOT / ".mypy_cache" / platform
        mypy = [venv_python(), "-m", "mypy", "--platform", platform, "--cache-dir", str(cache)]
        stages.append((f"mypy for {platform}", [*mypy, "--no-error-summary"]))
    with ThreadPoolExecutor(max_workers=2) as pool:
        return [result[0] for result in pool.map(timed, stages) if not report(result)]


def timed(stage: tuple[str, list[str]]) -> tuple[str, float, int, str]:
    """Run one check: its name, seconds, exit status and output."""
    name, command = stage
    began = time.monotonic()
    done = subprocess.run(
        command,
        env=tree_environ(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return name, time.monotonic() - began, done.returncode, done.stdout


def report(result: tuple[str, float, int, str]) -> bool:
    """Print the result of one check; whether it found nothing."""
    name, seconds, status, output = result
    if status:
        sys.stdout.write(output)
    print(f"{name:22}{seconds:6.1f} s  {'FAILED' if status else 'ok'}", flush=True)
    return status == 0


# --- small things -------------------------------------------------------------------------------


def tree_environ() -> dict[str, str]:
    """The environment in which ``import agent`` means this tree, and is compiled once."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    # Some containers set it; each of the many processes of the tests would compile everything anew.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return environ


def run_or_exit(command: list[str]) -> None:
    """Run a command of the preparation; if it fails, that is the end."""
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"dev.py: failed with status {done.returncode}: {' '.join(command)}")


def say(text: str) -> None:
    """A line about the preparation; results of commands go to standard output alone."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def usage(problem: str = "") -> int:
    """How it is called."""
    print(__doc__ if not problem else f"dev.py: {problem}\n\n{__doc__}", file=sys.stderr)
    return 2


COMMANDS = {
    "demo": demo,
    "run": run,
    "test": test,
    "bench": bench,
    "lint": lint,
    "packages": packages,
    "lock": lock,
}


def main(words: list[str]) -> int:
    """Run one command; returns its exit status."""
    if sys.version_info < OLDEST_PYTHON:
        needed = ".".join(map(str, OLDEST_PYTHON))
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"dev.py: needs Python {needed} or newer; {sys.executable} is {found}")
    if not words or words[0] in {"-h", "--help"}:
        print(__doc__)
        return 0
    if words[0] not in COMMANDS:
        return usage(f"no such command: {words[0]}")
    return COMMANDS[words[0]](words[1:])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
