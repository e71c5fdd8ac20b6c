"""Parts of the system that no Python package brings and some tests need; standard library only."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
WINDOWS = sys.platform == "win32"
SYSTEM_MODULES = Path("/usr/lib/python3/dist-packages")
"""Where Debian keeps the Python packages of its own interpreter."""
SERVICES_RUN = Path("/run/systemd/system")
"""Is there while systemd runs the services of this computer."""


@dataclass(frozen=True)
class Judge:
    """Programs of others that judge ours, and that cannot be installed beside them in `.venv`."""

    name: str
    """Of the lock file, which lists all that is installed."""
    home: Path = ROOT / ".venv" / "judges"
    locks: Path = ROOT / "tests" / "judges"

    @property
    def python(self) -> Path:
        """The interpreter that has them."""
        return self.home / self.name / ("Scripts/python.exe" if WINDOWS else "bin/python")

    def stands(self) -> bool:
        """Whether all that the lock file says is installed."""
        try:
            return self._note.read_text(encoding="utf-8") == self._wanted()
        except OSError:
            return False

    def make(self, python: str, say: Callable[[str], None]) -> None:
        """Install it anew, with the pip of ``python``; if that fails, its tests are skipped."""
        began = time.monotonic()
        for command in self._commands(python):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                say(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-500:]}")
                return
        self._note.write_text(self._wanted(), encoding="utf-8")
        say(f"made the environment of the judge {self.name} in {time.monotonic() - began:.0f} s")

    def _commands(self, python: str) -> list[list[str]]:
        """What installs it."""
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
        install = ["install", "--no-deps", "--no-compile", "--only-binary", ":all:"]
        lock = ["--require-hashes", "-r", str(self._lock)]
        return [
            [python, "-m", "venv", "--clear", "--without-pip", str(self.home / self.name)],
            [*pip, "--python", str(self.python), *install, *lock],
        ]

    @property
    def _lock(self) -> Path:
        return self.locks / f"{self.name}.lock"

    @property
    def _note(self) -> Path:
        return self.home / self.name / "installed"

    def _wanted(self) -> str:
        return hashlib.sha256(self._lock.read_bytes()).hexdigest()


@dataclass(frozen=True)
class NodeJudge(Judge):
    """The same for Node.js: a folder of ``locks`` has its package.json and package-lock.json.

    The lock is written by ``npm install --package-lock-only --omit-lockfile-registry-resolved``.
    """

    @property
    def modules(self) -> Path:
        """Where a script finds them, as NODE_PATH."""
        return self.home / self.name / "node_modules"

    def make(self, python: str, say: Callable[[str], None]) -> None:
        """Install it anew with npm, which brings the modules' files and runs none of them."""
        if shutil.which("npm") is None:
            say(f"without Node.js and its npm the tests that need {self.name} are skipped")
            return
        home = self.home / self.name
        home.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", self._lock.name):
            shutil.copyfile(self._lock.parent / name, home / name)
        super().make(python, say)

    def _commands(self, python: str) -> list[list[str]]:
        del python
        npm = shutil.which("npm") or "npm"
        quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
        return [[npm, "ci", "--ignore-scripts", *quiet, "--prefix", str(self.home / self.name)]]

    @property
    def _lock(self) -> Path:
        return self.locks / self.name / "package-lock.json"


@dataclass(frozen=True)
class Part:
    """Something that no Python package brings; ``@pytest.mark.needs(name)`` asks for it."""

    programs: tuple[tuple[str, ...], ...]
    """All of these are needed; of each group one is enough."""
    debian: tuple[str, ...]
    """Packages that bring it."""
    purpose: str
    modules: tuple[str, ...] = ()
    """Python packages that the distribution's own interpreter must have."""
    judge: Judge | None = None
    files: tuple[str, ...] = ()
    """What is needed beside programs, with its whole path."""
    by_hand: bool = False
    """It would change how a computer works that runs services; there a person installs it."""
    spares: str = ""
    """Another part, which then does the work; without this one nothing is skipped."""

    def there(self) -> bool:
        """Whether this computer has it."""
        programs = all(any(map(shutil.which, group)) for group in self.programs)
        modules = all((SYSTEM_MODULES / name).is_dir() for name in self.modules)
        files = all(map(os.path.exists, self.files))
        return programs and modules and files and (self.judge is None or self.judge.stands())

    def how_to_get(self) -> str:
        """One line for a person who misses it."""
        programs = [" or ".join(group) for group in self.programs]
        wanted = ", ".join([*programs, *self.modules, *self.files])
        if self.judge:
            return f"the environment {self.judge.name} for {self.purpose}; run: dev.py test --all"
        return f"{wanted} for {self.purpose}; on Debian: apt-get install {' '.join(self.debian)}"


PARTS = {
    "chromium": Part(
        (("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),),
        ("chromium",),
        "the tests of the page",
    ),
    "chromium-headless-shell": Part(
        (("chromium-headless-shell",),),
        ("chromium-headless-shell",),
        "the tests of the page at half the processor time",
        spares="chromium",
    ),
    "firefox": Part(
        (("firefox-esr", "firefox"),),
        ("firefox-esr",),
        "the tests of web pages in Firefox",
    ),
    "webkit": Part(
        (("WebKitWebDriver",), ("Xvfb",)),
        ("webkit2gtk-driver", "xvfb"),
        "the tests of web pages in WebKit",
    ),
    "policy": Part(
        (("chromium",), ("unshare",)),
        ("chromium", "util-linux"),
        "the test of a browser that somebody manages",
    ),
    "keyring": Part(
        (("gnome-keyring-daemon",), ("dbus-run-session",)),
        ("gnome-keyring", "dbus"),
        "the tests of stored accounts",
    ),
    "faketime": Part(
        (("faketime",),),
        ("faketime",),
        "the tests with a wrong clock",
    ),
    "dbus": Part(
        (("dbus-daemon",),),
        ("dbus",),
        "the tests of boards over Bluetooth LE",
    ),
    "panel": Part(
        (("dbus-daemon",), ("Xvfb",), ("xfce4-panel",), ("xdotool",)),
        ("dbus", "xvfb", "xfce4-panel", "xdotool"),
        "the test of the tray icon in a real panel",
    ),
    "umockdev": Part(
        (("umockdev-run",),),
        ("umockdev",),
        "the tests of ports that come and go",
    ),
    "udev": Part(
        (("udevadm",), ("unshare",)),
        ("udev", "util-linux"),
        "the test that udev understands our rules",
    ),
    "usb": Part(
        (("umockdev-wrapper",), ("dfu-util",)),
        ("umockdev", "gir1.2-umockdev-1.0", "python3-gi", "dfu-util"),
        "the tests of boards that are flashed over DFU",
        ("gi",),
    ),
    "pyudev": Part(
        (("umockdev-wrapper",),),
        ("umockdev", "gir1.2-umockdev-1.0", "python3-gi", "python3-pyudev"),
        "the test that pyudev sees our simulated boards",
        ("gi", "pyudev"),
    ),
    "autostart": Part(
        (("desktop-file-validate",), ("dex",), ("plistutil",)),
        ("desktop-file-utils", "dex", "libplist-utils"),
        "the tests of start at login",
    ),
    "systemd": Part(
        (("systemctl",), ("systemd-analyze",), ("unshare",)),
        ("systemd", "util-linux"),
        "the tests of the systemd unit",
    ),
    "mosquitto": Part(
        (("mosquitto",), ("mosquitto_pub",), ("mosquitto_sub",)),
        ("mosquitto", "mosquitto-clients"),
        "the tests against a real MQTT broker",
    ),
    "libcoap": Part(
        (("coap-client-openssl", "coap-client", "coap-client-gnutls"),),
        ("libcoap3-bin",),
        "the tests against another CoAP implementation",
    ),
    "thingsboard": Part(
        (), (), "the tests against ThingsBoard's own clients", judge=Judge("thingsboard")
    ),
    "blynk": Part((), (), "the tests against Blynk's own device side", judge=Judge("blynk")),
    "nrf": Part((), (), "the tests against the tools of nRF Cloud's vendor", judge=Judge("nrf")),
    "socketio": Part(
        (("node",),),
        (),
        "the tests against the client that pages speak to the Create Agent with",
        judge=NodeJudge("socketio"),
    ),
    "create-agent-client": Part(
        (("node",),),
        (),
        "the tests of web pages with the published client of the Create Agent",
        judge=NodeJudge("create_agent_client"),
    ),
    "g++": Part(
        (("g++",),),
        ("g++",),
        "the tests of the example sketch and of header files",
    ),
    "uno": Part(
        (("gcc",), ("avr-g++",)),
        (
            "gcc",
            "libc6-dev",
            "gcc-avr",
            "avr-libc",
            "arduino-core-avr",
            "libsimavr-dev",
            "libelf-dev",
        ),
        "the test of the example sketch on a simulated UNO",
        files=(
            "/usr/share/arduino/hardware/arduino/avr/cores/arduino",
            "/usr/include/simavr/sim_avr.h",
            "/usr/include/libelf.h",
        ),
    ),
    "networkmanager": Part(
        (
            ("NetworkManager", "/usr/sbin/NetworkManager"),
            ("nmcli",),
            ("dbus-daemon",),
            ("unshare",),
            ("ip", "/usr/sbin/ip"),
        ),
        ("network-manager", "python3-dbusmock", "dbus", "util-linux", "iproute2"),
        "the tests of joining a board's access point",
        ("dbusmock", "dbus"),
        by_hand=True,
    ),
    "bossac": Part(
        (("bossac",),),
        ("bossa-cli",),
        "the tests of boards that are flashed over SAM-BA",
    ),
}


def provide_parts(say: Callable[[str], None], python: str) -> None:
    """Install the missing parts as root on Debian; elsewhere say what is missing.

    Environments of judges are made everywhere, by ``python``, which must have pip.
    """
    for part in PARTS.values():
        if part.judge and not part.there():
            part.judge.make(python, say)
    missing = {name: part for name, part in PARTS.items() if part.debian and not part.there()}
    if not missing:
        return
    for name, part in tuple(missing.items()):
        if not can_install() or (part.by_hand and SERVICES_RUN.exists()):
            without = f"{part.spares} is used" if part.spares else "tests that need it are skipped"
            say(f"without {name} {without}: {part.how_to_get()}")
            del missing[name]
    # What nothing depends on by itself: not every distribution has it, and then apt installs nothing.
    needed = [part for part in missing.values() if not part.spares]
    for parts in (needed, [part for part in missing.values() if part.spares]):
        packages = sorted({package for part in parts for package in part.debian})
        if packages and not apt_install(packages, say):
            say(f"could not install {' '.join(packages)}: tests that need them are skipped")


def can_install() -> bool:
    """Whether this is Debian (or one of its family) and we may install packages."""
    if sys.platform == "win32":
        return False
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(packages: list[str], say: Callable[[str], None]) -> bool:
    """Install Debian packages; the lists are fetched first, for a new system has none."""
    say(f"installing {' '.join(packages)}")
    # Tests start what they need; packages shall start no service of their own.
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_OFFLINE": "1"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            say(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.returncode == 0
