"""A login as systemd has it: a real manager of the user's units, for as long as a test lasts.

It runs in a mount namespace whose /run says that the computer was booted with systemd, and in a
control group of its own, so it needs no computer that was and touches nothing of one that was.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
MANAGER = "/usr/lib/systemd/systemd"
HIERARCHIES = [
    path
    for path in map(Path, ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"))
    if (path / "cgroup.procs").exists()
]
"""Where systemd keeps its control groups: the first two together, or the last one alone."""
WAIT_S = 30.0
"""For what takes a second or two; nothing here waits that long."""


def can_log_in() -> bool:
    """Whether a manager may run here: it needs namespaces and control groups of its own."""
    if sys.platform != "linux" or not Path(MANAGER).exists() or os.geteuid() != 0:
        return False
    if not HIERARCHIES or not all(os.access(path, os.W_OK) for path in HIERARCHIES):
        return False
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return tried.returncode == 0


class Login:
    """Somebody who logs in and out; ``environ`` is what their programs see."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.runtime = Path(tempfile.mkdtemp(prefix="mooring-run-"))  # a socket's path is short
        # Away from the agents that other people and tests run.
        port = 22_000 + os.getpid() % 20_000
        agent_home = home / "mooring home"
        agent_home.mkdir()
        (agent_home / "config.toml").write_text(
            f"[bridge]\nfirst_port = {port}\nlast_port = {port + 20}\n"
            '[ports]\nsystem = false\n[bluetooth]\nscan = "never"\n'
        )
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "MOORING_HOME": str(agent_home),
        }

    def mooring(self, *words: str) -> str:
        """What a command prints; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "agent", *words],
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def systemctl(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            ["systemctl", "--user", *words],
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout.strip()

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.systemctl("show", unit, f"--property={name}", "--value")

    def until(self, unit: str, name: str, value: str) -> None:
        """Wait until a property has this value."""
        end = time.monotonic() + WAIT_S
        while self.shown(unit, name) != value:
            assert time.monotonic() < end, self.systemctl("status", unit, check=False)
            time.sleep(0.02)

    @contextlib.contextmanager
    def session(self, **more: str) -> Iterator[None]:
        """The manager runs; at the end everything that it started is gone."""
        name = f"mooring-test-{os.getpid()}"
        groups = [path / name for path in HIERARCHIES[:2] if path != Path("/sys/fs/cgroup")]
        groups = groups or [Path("/sys/fs/cgroup") / name]
        for group in groups:
            group.mkdir()
        enter = "".join(f"echo $$ > {group}/cgroup.procs && " for group in groups)
        booted = "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && "
        environ = {**self.environ, **more}
        # The agent finds its home by what was installed, not by the environment.
        for variable in ("MOORING_HOME", "PYTHONPATH"):
            environ.pop(variable)
        manager = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", f"{enter}{booted}exec {MANAGER} --user"],
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            end = time.monotonic() + WAIT_S
            # The word is-system-running looks at /run, which is another one here.
            state = ("show", "--property=SystemState", "--value")
            while self.systemctl(*state, check=False) not in {"running", "degraded"}:
                assert manager.poll() is None, "the manager did not start"
                assert time.monotonic() < end, "the manager does not answer"
                time.sleep(0.02)
            yield
        finally:
            self.systemctl("exit", check=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                manager.wait(WAIT_S)
            if manager.poll() is None:
                manager.kill()
                manager.wait()
            for group in groups:
                _remove(group)

    def close(self) -> None:
        """Remove what was outside of the home."""
        shutil.rmtree(self.runtime, ignore_errors=True)


def _remove(group: Path) -> None:
    """End whatever is left in a control group, and remove it."""
    end = time.monotonic() + WAIT_S
    for inner in sorted([group, *group.rglob("*/")], reverse=True):
        while pids := (inner / "cgroup.procs").read_text().split():
            assert time.monotonic() < end, f"processes that do not end: {pids}"
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), 9)
            time.sleep(0.01)
        inner.rmdir()
