"""Tries the Windows packages in Wine: installed, started, installed over, removed.

What Wine proves: that the packages are whole, put files, registry values and shortcuts where they
belong and take all of it away again. What it does not: SmartScreen, UAC, Settings, antivirus
programs, and that the agent itself runs on Windows (docs/installing.md says what is open).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from installers import windows
from installers.tree import (
    BUILD,
    DIST,
    PackagingError,
    run,
    say,
    tool,
    version,
    whole_version,
)
from installers.trial import require, same, until

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN_KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Run"
UNINSTALL_KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\Mooring"
APP_PATHS: Final = r"Software\Microsoft\Windows\CurrentVersion\App Paths\mooring.exe"
ENVIRONMENT: Final = {"HKCU": "Environment"}
ENVIRONMENT["HKLM"] = r"System\CurrentControlSet\Control\Session Manager\Environment"
BEFORE: Final = r"%USERPROFILE%\tools"
"""What stands in PATH before the installation, and has to stand there after it, unexpanded."""


class Wine:
    """A Windows of its own, below one folder."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self._wine = tool("wine64")
        self._environ = {
            "WINEPREFIX": str(prefix),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            # Not for packages: it would want to fetch its browser and .NET.
            "WINEDLLOVERRIDES": "mscoree,mshtml,winemenubuilder.exe=",
            "DISPLAY": "",
        }
        self.drive = prefix / "drive_c"

    def run(self, *words: str | Path) -> str:
        """Run a program of this Windows to its end."""
        return run(self._wine, *words, environ=self._environ, limit_s=180)

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Run a program of this Windows meanwhile."""
        command = [self._wine, *map(str, words)]
        return subprocess.Popen(
            command,
            env={**os.environ, **self._environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end(self) -> None:
        """End everything in it."""
        server = Path(self._wine).with_name("wineserver")
        program = str(server) if server.is_file() else "/usr/lib/wine/wineserver64"
        # Its status tells only whether something was still running.
        with suppress(PackagingError):
            run(program, "-k", environ=self._environ, limit_s=60)

    def value(self, root: str, key: str, name: str | None) -> str | None:
        """A value of the registry, with its type before it; None if there is none."""
        which = ["/v", name] if name else ["/ve"]
        try:
            said = self.run("reg", "query", rf"{root}\{key}", *which)
        except PackagingError:
            return None
        for line in said.splitlines():
            parts = line.strip().split("    ")
            if len(parts) >= 2 and parts[1].startswith("REG_"):
                return " ".join(parts[1:])
        return None

    def path(self, place: Path) -> str:
        """A file of this Windows by its own name."""
        return "C:\\" + str(place.relative_to(self.drive)).replace("/", "\\")

    def found(self, name: str) -> list[Path]:
        """The files of this name on drive C."""
        return sorted(path for path in self.drive.rglob(name) if "windows" not in path.parts)


@contextmanager
def windows_computer() -> Iterator[Wine]:
    """A new Windows whose user has something in PATH."""
    BUILD.mkdir(parents=True, exist_ok=True)
    prefix = Path(tempfile.mkdtemp(prefix="wine-", dir=BUILD))
    wine = Wine(prefix)
    say("starting Wine")
    try:
        wine.run("wineboot", "--init")
        wine.run(
            *("reg", "add", r"HKCU\Environment", "/v", "Path", "/t", "REG_EXPAND_SZ"),
            *("/d", BEFORE, "/f"),
        )
        yield wine
    finally:
        wine.end()
        shutil.rmtree(prefix, ignore_errors=True)


def try_nsis() -> str:
    """Sign, install for one person, start, install again, remove."""
    setup = newest("setup.exe")
    try_signature(setup)
    try_signed_uninstaller()
    with windows_computer() as wine:
        began = time.monotonic()
        wine.run(setup, "/S")
        seconds = time.monotonic() - began
        (program,) = wine.found("mooringw.exe")
        home = program.parent
        require(home.parts[-4:] == ("AppData", "Local", "Programs", "Mooring"), f"it is in {home}")
        expected = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
        folder = wine.path(home)
        starts = f'REG_SZ "{folder}\\mooringw.exe" run --no-page'
        same(wine.value("HKCU", RUN_KEY, "Mooring"), starts, "it starts at login")
        same(
            wine.value("HKCU", ENVIRONMENT["HKCU"], "Path"),
            f"REG_EXPAND_SZ {BEFORE};{folder}",
            "its folder is behind what PATH held",
        )
        same(
            wine.value("HKCU", UNINSTALL_KEY, "DisplayVersion"),
            f"REG_SZ {version()}",
            "Windows lists it with its version",
        )
        same(
            wine.value("HKCU", APP_PATHS, None),
            f"REG_SZ {folder}\\mooring.exe",
            "Win+R finds the command",
        )
        require(wine.found("Mooring.lnk"), "the start menu has it")
        _start_if_stand_in(wine, program)
        running = wine.start(program, "stay")
        until((home / "started.txt").exists, "it runs")

        # The person switches the start at login off; another version must not switch it on.
        wine.run("reg", "delete", rf"HKCU\{RUN_KEY}", "/v", "Mooring", "/f")
        (home / "_internal" / "left-by-an-old-version.dll").write_bytes(b"old")
        (home / "notes of the person.txt").write_text("keep me")
        wine.run(setup, "/S")
        until(lambda: running.poll() is not None, "an update ends the one that runs")
        if _is_stand_in(program):
            require(wine.found("asked.txt"), "it was asked to end before it was ended")
        (home / "started.txt").unlink()
        same(wine.value("HKCU", RUN_KEY, "Mooring"), None, "an update leaves start at login off")
        require(
            not (home / "_internal" / "left-by-an-old-version.dll").exists(),
            "an update takes old files away",
        )
        same(
            wine.value("HKCU", ENVIRONMENT["HKCU"], "Path"),
            f"REG_EXPAND_SZ {BEFORE};{folder}",
            "an update leaves PATH as it is",
        )

        wine.run(home / "uninstall.exe", "/S")
        gone = {home / name for name in expected}
        until(lambda: not any(path.exists() for path in gone), "the files are gone")
        left = [path.name for path in home.rglob("*")] if home.exists() else []
        same(left, ["notes of the person.txt"], "what the person put there is still there")
        _require_nothing_left(wine, "HKCU")
        require(
            wine.value("HKCU", UNINSTALL_KEY, "DisplayName") is None, "Windows lists it no more"
        )

        # A PATH that NSIS would cut must survive.
        long = ";".join(rf"C:\tools\{number:04}" for number in range(120))
        wine.run(
            *("reg", "add", r"HKCU\Environment", "/v", "Path", "/t", "REG_EXPAND_SZ"),
            *("/d", long, "/f"),
        )
        wine.run(setup, "/S")
        wine.run(home / "uninstall.exe", "/S")
        until(lambda: not program.exists(), "it is removed a second time")
        same(
            wine.value("HKCU", ENVIRONMENT["HKCU"], "Path"),
            f"REG_EXPAND_SZ {long}",
            f"a PATH of {len(long)} characters is left alone",
        )
    return f"{setup.name} installed in {seconds:.1f} s, installed over, removed"


def try_msi() -> str:
    """Install for everybody, start, update, remove; once more without start at login."""
    package = newest(".msi")
    try_signature(package)
    with windows_computer() as wine:
        began = time.monotonic()
        wine.run("msiexec", "/i", package, "/qn")
        seconds = time.monotonic() - began
        (program,) = wine.found("mooringw.exe")
        home = program.parent
        require(home.parts[-2:] == ("Program Files", "Mooring"), f"it is in {home}")
        folder = wine.path(home)
        starts = f'REG_SZ "{folder}\\mooringw.exe" run --no-page'
        same(wine.value("HKLM", RUN_KEY, "Mooring"), starts, "it starts at every login")
        path = wine.value("HKLM", ENVIRONMENT["HKLM"], "PATH") or ""
        require(path.endswith(f";{folder}\\"), "its folder is behind what PATH held")
        require(wine.found("Mooring.lnk"), "the start menu has it")
        _start_if_stand_in(wine, program)

        newer = _next_msi()
        running = wine.start(program, "stay")
        until((home / "started.txt").exists, "it runs")
        wine.run("msiexec", "/i", newer, "/qn")
        until(lambda: running.poll() is not None, "an update ends the one that runs")
        require((home / "new-in-the-next-version.txt").is_file(), "the new version is there")
        require(not (home / "LICENSE.txt").exists(), "an update takes old files away")
        same(wine.value("HKLM", RUN_KEY, "Mooring"), starts, "it still starts at every login")
        path = wine.value("HKLM", ENVIRONMENT["HKLM"], "PATH") or ""
        require(path.count(f";{folder}\\") == 1, "its folder is in PATH once")
        (home / "started.txt").unlink()
        wine.run("msiexec", "/x", newer, "/qn")
        require(not home.exists(), "the folder is gone")
        _require_nothing_left(wine, "HKLM")

        wine.run("msiexec", "/i", package, "/qn", "AUTOSTART=0")
        require(program.is_file(), "it is there again")
        same(wine.value("HKLM", RUN_KEY, "Mooring"), None, "AUTOSTART=0 leaves it to each person")
        wine.run("msiexec", "/x", package, "/qn")
        require(not home.exists(), "the folder is gone again")
    return f"{package.name} installed in {seconds:.1f} s, updated, removed"


def _next_msi() -> Path:
    """The next version of the stand-in, with a file more and one less."""
    folder = windows.stand_in()
    (folder / "LICENSE.txt").unlink()
    (folder / "new-in-the-next-version.txt").write_text("new")
    major, minor, patch = whole_version().split(".")
    return windows.make_msi(folder, BUILD / "next.msi", f"{major}.{minor}.{int(patch) + 1}")


@contextmanager
def throw_away_key() -> Iterator[tuple[dict[str, str], Path]]:
    """The variables that have packages signed by a key made for this alone, and its certificate."""
    with tempfile.TemporaryDirectory(dir=BUILD) as name:
        key, certificate, both = (Path(name) / file for file in ("key.pem", "own.pem", "own.pfx"))
        subject = ("-subj", "/CN=Mooring trial", "-addext", "extendedKeyUsage=codeSigning")
        new = (tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
        run(*new, *subject, "-keyout", key, "-out", certificate)
        pack = (tool("openssl"), "pkcs12", "-export", "-inkey", key, "-in", certificate)
        run(*pack, "-out", both, "-passout", "pass:only for this trial")
        yield (
            {windows.SIGN_KEY: str(both), windows.SIGN_PASSWORD: "only for this trial"},
            certificate,
        )


def try_signature(package: Path) -> None:
    """Sign a copy with a key made for that alone, and have the signature checked."""
    with throw_away_key() as (variables, certificate):
        copy = certificate.with_name(package.name)
        shutil.copyfile(package, copy)
        require(windows.sign(copy, {**os.environ, **variables}), "it can be signed")
        _require_signed(copy, certificate, "the signature holds")


def try_signed_uninstaller() -> None:
    """What the installer writes itself is signed, too: here around a stand-in, with such a key."""
    with throw_away_key() as (variables, certificate), windows_computer() as wine:
        setup = certificate.with_name("signed-setup.exe")
        windows.make_nsis(windows.stand_in(), setup, {**os.environ, **variables})
        wine.run(setup, "/S")
        (uninstaller,) = wine.found("uninstall.exe")
        _require_signed(uninstaller, certificate, "the uninstaller is signed, too")


def _require_signed(file: Path, certificate: Path, what: str) -> None:
    said = run(tool("osslsigncode"), "verify", "-CAfile", certificate, "-in", file)
    require("Signature verification: ok" in said, what)


def newest(ending: str) -> Path:
    """The package to be tried; built with a stand-in if there is none."""
    found = sorted(
        DIST.glob(f"mooring-{version()}*{ending}"), key=lambda path: path.stat().st_mtime
    )
    if found:
        return found[-1]
    return windows.build_nsis() if ending == "setup.exe" else windows.build_msi()


def _is_stand_in(program: Path) -> bool:
    return program.stat().st_size <= 1_000_000


def _start_if_stand_in(wine: Wine, program: Path) -> None:
    """The agent itself is not started: Wine has neither serial ports nor Bluetooth for it."""
    if not _is_stand_in(program):
        return
    wine.run(program, "run", "--no-page")
    same((program.parent / "started.txt").read_text(), "run --no-page", "the program starts")
    (program.parent / "started.txt").unlink()


def _require_nothing_left(wine: Wine, root: str) -> None:
    same(wine.value(root, RUN_KEY, "Mooring"), None, "nothing starts at login")
    same(wine.value(root, APP_PATHS, None), None, "Win+R finds it no more")
    path = wine.value(root, ENVIRONMENT[root], "Path") or ""
    require("Mooring" not in path, "it is out of PATH")
    if root == "HKCU":
        same(path, f"REG_EXPAND_SZ {BEFORE}", "PATH is as it was before")
    same(wine.found("Mooring.lnk"), [], "the start menu has it no more")
