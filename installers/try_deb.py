"""Tries the Debian package in a computer of its own: a minimal Debian, booted in a container.

There is no Python in it and no library that Mooring could lean on. A person is logged in to a
desktop session (the targets of a real one, without its programs) while the package is installed,
the agent is killed, the package is updated, and at last removed; then the disk is compared.
It needs root. The container has no network but its own loopback.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from installers import deb
from installers.tree import BUILD, DIST, PackagingError, ToolMissing, run, say, tool, version
from installers.trial import require, until

if TYPE_CHECKING:
    from collections.abc import Iterator

RELEASE: Final = "bookworm"
INSIDE: Final = ("systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "udev")
BOOT_LIMIT_S: Final = 60.0
PERSON, NUMBER = "tester", 1000
UNIT, AUTOSTARTED = "mooring.service", "app-mooring@autostart.service"
SESSION: Final = """[Unit]
Description=What a desktop session starts and ends
BindsTo=graphical-session.target
Wants=xdg-desktop-autostart.target
"""
IGNORED: Final = re.compile(
    r"\./(proc|sys|run|dev|tmp|root|home|var/(log|lib/(dpkg|systemd)|cache|tmp))(/|$)"
    r"|\./etc/(mtab|resolv\.conf)$"
)
"""Parts of the disk that say nothing about what a package leaves: the system's own notes."""


class Computer:
    """The booted container."""

    def __init__(self, root: Path, leader: int) -> None:
        self.root = root
        self._enter = (tool("nsenter"), "-t", str(leader), "-m", "-u", "-i", "-n", "-p", "-C", "--")
        self._leader = leader

    def run(self, *words: str) -> str:
        """Run a program as root."""
        return run(*self._enter, *words, environ=_CLEAN, limit_s=180)

    def as_person(self, *words: str) -> str:
        """Run a program as the person who is logged in."""
        runtime = f"/run/user/{NUMBER}"
        environ = (
            f"XDG_RUNTIME_DIR={runtime}",
            f"DBUS_SESSION_BUS_ADDRESS=unix:path={runtime}/bus",
        )
        home = (f"HOME=/home/{PERSON}", f"USER={PERSON}", "LANG=C.UTF-8")
        return self.run("runuser", "-u", PERSON, "--", "env", *environ, *home, *words)

    def systemctl(self, *words: str) -> str:
        """The person's systemd."""
        return self.as_person("systemctl", "--user", *words)

    def is_active(self, unit: str) -> bool:
        """Whether a unit of the person runs."""
        return self.property(unit, "ActiveState") == "active"

    def property(self, unit: str, name: str) -> str:
        """What systemd says about a unit of the person."""
        return self.systemctl("show", unit, f"--property={name}", "--value").strip()

    def page(self) -> str:
        """The page of the agent, fetched inside the container's network."""
        code = (
            "import urllib.request as r\n"
            "print(r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:8991/', timeout=5)"
            ".read().decode())"
        )
        enter = (tool("nsenter"), "-t", str(self._leader), "-n", "--")
        return run(*enter, _PYTHON, "-c", code)

    def files(self) -> set[str]:
        """Everything on the disk that a package could have left."""
        said = run("find", ".", "-xdev", cwd=self.root)
        return {line for line in said.splitlines() if not IGNORED.match(line)}


HANDED: Final = "var/cache"
"""Where the packages lie in the trial computer; a folder that is there and says nothing."""
_PYTHON: Final = os.environ.get("PYTHON", "/usr/bin/python3")
_CLEAN: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C",
}


def try_deb() -> str:
    """The life of the package, from installation to removal."""
    package = DIST / f"mooring_{version()}_{run('dpkg', '--print-architecture').strip()}.deb"
    if not package.is_file():
        deb.build_deb()
    newer = next_version(package)
    with booted() as computer:
        log_in(computer)
        before = computer.files()
        for file in (package, newer):
            (computer.root / HANDED / file.name).write_bytes(file.read_bytes())

        began = time.monotonic()
        computer.run("dpkg", "-i", f"/{HANDED}/{package.name}")
        seconds = time.monotonic() - began
        say(f"  installed in {seconds:.1f} s")
        _check_installed(computer)
        _check_autostart(computer)
        _check_unit(computer)
        _check_update(computer, newer)
        _check_taken_back(computer)
        _check_removal(computer, before)
    return f"{package.name} installed in {seconds:.1f} s, killed, updated, removed"


def _check_installed(computer: Computer) -> None:
    require(not (computer.root / "usr/bin/python3").exists(), "there is no Python beside it")
    require(
        computer.as_person("mooring", "--version").strip().endswith(version()), "the command works"
    )
    until(lambda: computer.is_active(AUTOSTARTED), "the agent is there at once, without a login")
    until(lambda: "Mooring" in computer.page(), "its page answers")
    said = computer.as_person("mooring", "demo", "--once")
    require(said.count("Online as") == 2, "the demo sets up its two boards, cable and air")
    status = computer.as_person("mooring", "service", "status")
    say("  mooring service status: " + " / ".join(line.strip() for line in status.splitlines()))


def _check_autostart(computer: Computer) -> None:
    computer.systemctl("stop", "trial-session.target")
    until(lambda: not computer.is_active(AUTOSTARTED), "it ends with the session")
    computer.systemctl("start", "trial-session.target")
    until(lambda: computer.is_active(AUTOSTARTED), "it is there after the next login")
    computer.systemctl("stop", "trial-session.target")
    until(lambda: not computer.is_active(AUTOSTARTED), "it ends with the session again")
    computer.as_person("mooring", "service", "uninstall")
    # As the next login does: what starts with a session is read anew.
    computer.systemctl("daemon-reload")
    computer.systemctl("start", "trial-session.target")
    until(
        lambda: computer.property(AUTOSTARTED, "LoadState") == "not-found",
        "the person switches it off, and it stays off",
    )


def _check_unit(computer: Computer) -> None:
    computer.systemctl("enable", "--now", UNIT)
    until(lambda: computer.is_active(UNIT), "the unit runs it without a desktop")
    killed = int(computer.property(UNIT, "MainPID"))
    require(killed > 1, "systemd knows its process")
    computer.run("sh", "-c", f"kill -KILL {killed}")  # a shell brings its own
    until(
        lambda: computer.property(UNIT, "NRestarts") == "1" and computer.is_active(UNIT),
        "killed, it is started again",
    )
    until(lambda: "Mooring" in computer.page(), "its page answers again")


def _check_update(computer: Computer, newer: Path) -> None:
    before = computer.property(UNIT, "MainPID")
    link = computer.root / "etc/xdg/autostart/mooring.desktop"
    link.unlink()
    computer.run("dpkg", "-i", f"/{HANDED}/{newer.name}")
    until(
        lambda: computer.is_active(UNIT) and computer.property(UNIT, "MainPID") != before,
        "an update ends the one that runs and starts the new one",
    )
    require(not link.is_symlink(), "what the administrator switched off stays off")
    link.symlink_to(f"/{deb.AUTOSTART}")


def _check_taken_back(computer: Computer) -> None:
    """Dpkg could not go on: what prerm did before an update or a removal is undone."""
    scripts = "/var/lib/dpkg/info/mooring"
    link = computer.root / "etc/xdg/autostart/mooring.desktop"
    for begun, taken_back in (("upgrade", "abort-upgrade"), ("remove", "abort-remove")):
        computer.run(f"{scripts}.prerm", begun, "9.9")
        require(not computer.is_active(UNIT), f"before {begun} the agent has ended")
        computer.run(f"{scripts}.postinst", taken_back, "9.9")
        until(lambda: computer.is_active(UNIT), f"after {taken_back} it runs again")
        require(link.is_symlink(), "and it still starts at login")


def _check_removal(computer: Computer, before: set[str]) -> None:
    # One that no unit stands for, as a person starts it in a terminal.
    computer.systemctl("stop", UNIT)
    computer.as_person("sh", "-c", "mooring run --headless >/dev/null 2>&1 &")
    until(lambda: "Mooring" in computer.page(), "it runs without a unit")
    computer.run("dpkg", "--remove", "mooring")
    said = computer.run("sh", "-c", "readlink /proc/[0-9]*/exe || true")
    require(deb.PROGRAM not in said, "the agent has ended")
    left = computer.files() - before
    require(
        not left, f"nothing is left on the disk{': ' + ', '.join(sorted(left)) if left else ''}"
    )
    computer.run("dpkg", "--purge", "mooring")


@contextmanager
def booted() -> Iterator[Computer]:
    """A minimal Debian that has started."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise ToolMissing("booting a container needs root")
    nspawn = tool("systemd-nspawn")
    archive = BUILD / f"{RELEASE}.tar"
    if not archive.is_file():
        say(f"fetching a minimal Debian {RELEASE}")
        include = f"--include={','.join(INSIDE)}"
        part = archive.with_suffix(".part.tar")
        run(tool("mmdebstrap"), "--quiet", "--variant=minbase", include, RELEASE, part)
        part.replace(archive)
    with tempfile.TemporaryDirectory(prefix="computer-", dir=BUILD) as name:
        root = Path(name)
        run("tar", "-xf", archive, "-C", root)
        (root / "etc/machine-id").write_text("")
        # A container outlives its starter; this one is shut down even if the trial is killed.
        command = [
            tool("setpriv"),
            "--pdeathsig",
            "TERM",
            "--",
            nspawn,
            "-q",
            "-D",
            name,
            "--boot",
            "--register=no",
            "--keep-unit",
        ]
        command += ["--private-network", "--link-journal=no"]
        with (BUILD / "computer.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            until(lambda: leader_of(process.pid) is not None, "the container is there")
            leader = leader_of(process.pid)
            computer = Computer(root, leader or 0)
            until(lambda: _has_started(computer), "it has started", BOOT_LIMIT_S)
            yield computer
        finally:
            process.terminate()
            try:
                process.wait(BOOT_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def leader_of(parent: int) -> int | None:
    """The process that is number 1 inside, somewhere below ``parent``."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    try:
        below = [int(word) for word in children.read_text().split()]
        for child in below:
            status = (Path("/proc") / str(child) / "status").read_text()
            numbers = re.search(r"^NSpid:\s+(.+)$", status, re.MULTILINE)
            if numbers and numbers[1].split()[-1] == "1" and len(numbers[1].split()) > 1:
                return child
    except OSError:
        return None
    return next(filter(None, map(leader_of, below)), None)


def _has_started(computer: Computer) -> bool:
    try:
        said = computer.run("systemctl", "is-system-running")
    except PackagingError as error:
        said = str(error)
    return "running" in said.split() or "degraded" in said.split()


def log_in(computer: Computer) -> None:
    """A person at a desktop."""
    computer.run("useradd", "--create-home", "--uid", str(NUMBER), "--shell", "/bin/sh", PERSON)
    (computer.root / "etc/systemd/user/trial-session.target").write_text(SESSION)
    computer.run("loginctl", "enable-linger", PERSON)
    until(lambda: computer.run("ls", f"/run/user/{NUMBER}").split().count("bus") == 1, "a login")
    computer.systemctl("start", "trial-session.target")
    until(lambda: computer.is_active("graphical-session.target"), "a desktop session runs")


def next_version(package: Path) -> Path:
    """The same package as the next version, not compressed."""
    with tempfile.TemporaryDirectory(dir=BUILD) as name:
        run(tool("dpkg-deb"), "-R", package, name)
        control = Path(name) / "DEBIAN" / "control"
        text = control.read_text().replace(f"Version: {version()}", f"Version: {version()}+next")
        control.write_text(text)
        newer = BUILD / "mooring_next.deb"
        run(tool("dpkg-deb"), "--root-owner-group", "-Znone", "--build", name, newer)
    return newer
